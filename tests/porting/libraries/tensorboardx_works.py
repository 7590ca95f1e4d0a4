"""tensorboardX on lineal."""

from __future__ import annotations

import tempfile

import torch  # isort: skip
from tensorboardX import SummaryWriter  # isort: skip

with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
    writer.add_scalar("loss", torch.tensor(1.0), 0)
    writer.add_scalars("several", {"a": 1.0, "b": torch.tensor(2.0)}, 0)
    writer.add_histogram("weights", torch.randn(100), 0)
    writer.add_image("image", torch.rand(3, 8, 8), 0)
    writer.add_pr_curve("curve", torch.tensor([0, 1, 1]), torch.tensor([0.2, 0.6, 0.9]))
    writer.add_embedding(torch.randn(5, 3), metadata=list("abcde"))
print("tensorboardX works")
