#!/usr/bin/env bash
# numpy 2.4.6 and scipy 1.16.3: solve and inv of a float32 matrix of condition 10⁶, beside the same numbers in float64.
# Seen: both return float32, but NumPy's results are right to the last digit (1e-7) and SciPy's to two or three digits: numpy.linalg has
# no kernels of single precision, it computes in float64 and rounds. Whoever compares with it in float32 compares with float64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 scipy==1.16.3
"$folder/env/bin/python" - <<'END'
import numpy as np
import scipy.linalg

rng = np.random.default_rng(0)
U, _, V = np.linalg.svd(rng.normal(size=(20, 20)))
A = ((U * np.geomspace(1, 1e-6, 20)) @ V).astype(np.float32)
b = rng.normal(size=20).astype(np.float32)


def error(found, exact):
    assert found.dtype == np.float32
    return np.abs(found - exact).max() / np.abs(exact).max()


wide = A.astype(np.float64)
exact = np.linalg.solve(wide, b.astype(np.float64)), np.linalg.inv(wide)
for name, lib in ("numpy", np.linalg), ("scipy", scipy.linalg):
    errors = error(lib.solve(A, b), exact[0]), error(lib.inv(A), exact[1])
    print(f"{name}: error of solve {errors[0]:.1e}, of inv {errors[1]:.1e}")
    assert max(errors) < 1e-6 if name == "numpy" else min(errors) > 1e-4, f"{name} computes otherwise"
END
