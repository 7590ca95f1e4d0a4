#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU): gelu(x, approximate="tanh") has a NaN derivative where the square of x overflows, in float32 from about 2e19 on. It
# is 1 there, and gelu itself is right: the infinite slope of the inner cubic is multiplied by 1 - tanh² = 0. The exact gelu has no such
# numbers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import torch
from torch.nn.functional import gelu

for approximate in ("none", "tanh"):
    x = torch.tensor([5.0, 1e10, 1e30], requires_grad=True)
    y = gelu(x, approximate=approximate)
    (slope,) = torch.autograd.grad(y.sum(), x)
    print(f"{approximate}: values {y.tolist()}, derivatives {slope.tolist()}")
    assert torch.equal(y[1:], x[1:])
    assert slope.isnan().tolist() == [False, False, approximate == "tanh"], "PyTorch has changed"
END
