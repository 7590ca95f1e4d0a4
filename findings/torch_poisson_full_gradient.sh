#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU): poisson_nll_loss(full=True) has a NaN derivative by a target of 0. Stirling's term t log t - t + log(2 π t) / 2
# is computed for all targets and left out afterwards where t <= 1, by masked_fill; backwards, 0 times the infinite slope at 0 is NaN.
# The loss itself is right. Counts of 0 are the commonest ones; targets that are differentiated (pseudo-labels, a model of rates beside
# another) lose their gradients.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import torch
from torch.nn.functional import poisson_nll_loss

rates, counts = torch.tensor([0.3, 0.3, 0.3]), torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
for full in (False, True):
    loss = poisson_nll_loss(rates, counts, full=full, reduction="sum")
    (slope,) = torch.autograd.grad(loss, counts)
    print(f"full={full}: loss {loss.item():.4f}, derivative by the counts {slope.tolist()}")
    assert loss.isfinite()
    assert slope.isnan().tolist() == [full, False, False], "PyTorch has changed"
END
