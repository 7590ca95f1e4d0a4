#!/usr/bin/env bash
# PyTorch 2.13.0: ContinuousBernoulli(0.499).variance is -1.6 in float32, where it is 0.0833. Near p = 1/2 two large numbers cancel, and
# the Taylor series that stands for the difference is taken between 0.499 and 0.501 only, to which 0.499 does not belong.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import torch
from torch.distributions import ContinuousBernoulli

for p in (0.4, 0.498, 0.499, 0.5):
    single = ContinuousBernoulli(torch.tensor(p)).variance.item()
    double = ContinuousBernoulli(torch.tensor(p, dtype=torch.float64)).variance.item()
    print(f"p = {p}: variance {single:.4f} in float32, {double:.4f} in float64")
    assert 0.08 < double < 0.084
assert ContinuousBernoulli(torch.tensor(0.499)).variance < 0, "PyTorch has changed"
END
