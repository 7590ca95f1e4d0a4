#!/usr/bin/env bash
# torch 2.13.0 on the CPU: the gradient of elu at NaN depends on how many numbers there are. Few are done one by one and get 1,
# many by vectors and get NaN, so a NaN is seen in the gradient of a large tensor and not in that of a small one. Seen: 1.0 for
# one number, nan for 4,096.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
"$folder/env/bin/python" -W ignore - <<'END'
import math

import torch

found = []
for count in (1, 4096):
    x = torch.full((count,), math.nan, requires_grad=True)
    torch.nn.functional.elu(x).sum().backward()
    found.append(x.grad[0].item())
print(*found)
assert found[0] == 1 and math.isnan(found[1]), "it has changed"
END
