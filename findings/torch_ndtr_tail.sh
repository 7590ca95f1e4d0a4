#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU): special.ndtr, the normal distribution's probability of less than x, has no left tail. It is computed as
# (1 + erf(x / √2)) / 2, where erf is nearly -1: in float64 half of the digits are gone at -5.3, and from about -8.3 on it is exactly 0,
# where the probability is 1e-16 and falls to 1e-300 before float64 ends. SciPy's function of that name
# keeps the digits, and so does special.log_ndtr beside it: exp(log_ndtr(x)) is right where ndtr(x) is 0. A p-value of ten sigma that
# is computed so is 0, its logarithm -inf.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 scipy==1.17.1
"$folder/env/bin/python" - <<'END'
import numpy as np
import scipy.special
import torch

x = np.array([-5.3, -8.0, -10.0, -20.0, -37.0])
found = torch.special.ndtr(torch.tensor(x)).numpy()
expected = scipy.special.ndtr(x)
print("ndtr, PyTorch:", found)
print("ndtr, SciPy:  ", expected)
print("exp(log_ndtr):", torch.special.log_ndtr(torch.tensor(x)).exp().numpy())
assert abs(found[0] / expected[0] - 1) > 1e-11, "PyTorch has changed"
assert (found[2:] == 0).all() and (expected[2:] > 0).all(), "PyTorch has changed"
np.testing.assert_allclose(torch.special.log_ndtr(torch.tensor(x)).exp(), expected, rtol=1e-10)
END
