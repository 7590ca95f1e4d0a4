#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU): the derivative of digamma in float64 has about nine digits. polygamma(1, x) sums a few terms and an asymptotic
# series that is cut early, with a relative error of 1e-10 to 5e-10 at ordinary arguments, a million units in the last place; digamma
# itself and SciPy's polygamma have all digits. So gradients of digamma, second derivatives of lgamma, and Newton's method on gamma or
# Dirichlet likelihoods in float64 stop at nine digits, and nothing says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 mpmath==1.3.0
"$folder/env/bin/python" - <<'END'
import mpmath
import torch

x = torch.tensor([0.5, 1.5, 3.3, 7.7], dtype=torch.float64, requires_grad=True)
(slope,) = torch.autograd.grad(torch.digamma(x).sum(), x)
errors = []
for at, number, value in zip(x.tolist(), slope.tolist(), torch.digamma(x).tolist()):
    exact = mpmath.polygamma(1, mpmath.mpf(at))
    errors.append(abs(float((number - exact) / exact)))
    beside = abs(float(value - mpmath.digamma(mpmath.mpf(at))))
    print(f"x = {at}: relative error of the derivative {errors[-1]:.1e}, error of digamma {beside:.1e}")
    assert beside < 1e-14
assert max(errors) > 1e-10, "PyTorch has changed"
END
