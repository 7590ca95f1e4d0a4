#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU): the gradient of ctc_loss by its first argument is not the derivative by that argument. To what differences
# give, exp(log_probs) is added for every class at every time: the gradient is meant for the scores in front of a log_softmax, through
# which the extra term vanishes. Whoever hands over log probabilities that come from elsewhere (averaged models, a beam) and reads
# their gradients gets numbers of another size, and gradcheck fails. Behind log_softmax everything is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import torch
from torch.nn.functional import ctc_loss, log_softmax

x = torch.tensor([[[0.3, -1.0, 2.0]], [[1.0, 0.2, -0.5]]], dtype=torch.float64)


def loss(log_probs):
    return ctc_loss(log_probs, torch.tensor([[1]]), [2], [1], reduction="sum")


def extra(f):
    """What autograd gives beyond central differences."""
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(f(leaf), leaf)
    steps = torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape) * 1e-6
    slopes = torch.stack([(f(x + step) - f(x - step)) / 2e-6 for step in steps]).reshape(x.shape)
    return (gradient - slopes).flatten()


log_probs = extra(loss)
print("by log probabilities:", log_probs.numpy().round(4), "exp:", x.exp().flatten().numpy().round(4))
assert torch.allclose(log_probs, x.exp().flatten(), atol=1e-6), "PyTorch has changed"
scores = extra(lambda y: loss(log_softmax(y, -1)))
print("by scores:", scores.abs().max().item())
assert scores.abs().max() < 1e-6, "PyTorch has changed"
END
