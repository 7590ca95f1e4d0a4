#!/usr/bin/env bash
# torch 2.13.0 (CPU): the gradient of torch.sinc for small x. True is sinc'(x) = -π² x / 3 + O(x³).
# Seen: float32 at 1e-4 gives -9.264e-4 instead of -3.290e-4, and 0 at 1e-8; float64 at 1e-12 gives 0 instead of -3.290e-12.
# The formula (cos πx - sinc x) / x loses all digits. Who differentiates through sinc near 0 gets a wrong number without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
"$folder/env/bin/python" -W ignore - <<'END'
import math

import torch

for dtype, x, seen in ((torch.float32, 1e-4, -9.264e-4), (torch.float32, 1e-8, 0.0), (torch.float64, 1e-12, 0.0)):
    t = torch.tensor(x, dtype=dtype, requires_grad=True)
    torch.sinc(t).backward()
    true = -math.pi**2 * x / 3
    print(f"{dtype} x={x:g}: gradient {t.grad.item():.4g}, true {true:.4g}")
    assert math.isclose(t.grad.item(), seen, rel_tol=1e-3), "the gradient of sinc has changed"
END
