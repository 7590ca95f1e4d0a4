#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU), float64: torch.special.bessel_j0, j1, y0 and y1 are right to 2e-7 … 9e-7 beyond x = 5 and to 1e-8 below,
# airy_ai to 3e-6 below -2.09, as if computed in single precision, where SciPy 1.17.1 has 1e-15. Their modified sisters
# (modified_bessel_i0, k0) have all digits. Nothing warns, and torch.special is otherwise right to the last places.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 scipy==1.17.1
"$folder/env/bin/python" - <<'END'
import numpy as np
import torch
from scipy import special

x = np.linspace(0.1, 60, 20001)
below = np.linspace(-12, -2.1, 20001)
error = lambda ours, theirs, x: float(np.abs(ours(torch.tensor(x)).numpy() - theirs(x)).max())
found = {
    "bessel_j0": error(torch.special.bessel_j0, special.j0, x),
    "bessel_j1": error(torch.special.bessel_j1, special.j1, x),
    "bessel_y0": error(torch.special.bessel_y0, special.y0, x),
    "bessel_y1": error(torch.special.bessel_y1, special.y1, x),
    "airy_ai": error(torch.special.airy_ai, lambda x: special.airy(x)[0], below),
}
print({name: f"{each:.0e}" for name, each in found.items()})
assert all(1e-7 < each < 1e-5 for each in found.values()), "PyTorch has changed"
t = torch.tensor(x)
relative = float((torch.special.modified_bessel_i0(t).numpy() / special.i0(x) - 1).__abs__().max())
print("modified_bessel_i0, relative:", f"{relative:.0e}")
assert relative < 1e-14, "PyTorch or SciPy has changed"
END
