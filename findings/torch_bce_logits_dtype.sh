#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU): binary_cross_entropy_with_logits has the dtype of the target. Scores in float64 beside a target in float32, as
# labels often are, give a loss in float32 (and a target in float64 makes the loss of a float32 model float64), where mse_loss and the
# other losses promote, and binary_cross_entropy refuses the pair. A model in float64 trains on a loss of seven digits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import torch
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, mse_loss

scores, target = torch.full((2,), 0.1, dtype=torch.float64), torch.ones(2)
loss = binary_cross_entropy_with_logits(scores, target)
print("with logits:", loss.dtype, " the other way round:", binary_cross_entropy_with_logits(scores.float(), target.double()).dtype)
print("mse_loss:", mse_loss(scores, target).dtype)
assert loss.dtype is torch.float32 and mse_loss(scores, target).dtype is torch.float64, "PyTorch has changed"
assert binary_cross_entropy_with_logits(scores.float(), target.double()).dtype is torch.float64, "PyTorch has changed"
try:
    binary_cross_entropy(scores.sigmoid(), target)
except RuntimeError as error:
    print("binary_cross_entropy:", error)
else:
    raise AssertionError("PyTorch has changed")
END
