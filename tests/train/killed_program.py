"""A training run that may be killed at any moment, and goes on when it is started again: `killed_program.py FOLDER [eager]`.

All that a run can depend on is in it: dropout, batch statistics, a schedule, an average, random items, a last batch that is
smaller, batches that make a step together. It prints a checksum of everything at the end.
"""

from __future__ import annotations

import random
import sys
import zlib

import numpy as np

import lineal as torch
from lineal import nn, optim
from lineal.data import DataLoader, Dataset
from lineal.train import Accuracy, Config, EarlyStopping, JSONLog, Trainer


class Noisy(Dataset):
    """Points in two classes, a little elsewhere each time: by lineal's, Python's and NumPy's random numbers."""

    def __init__(self, count):
        made = torch.Generator().manual_seed(1)
        self.points = torch.randn(count, 6, generator=made)
        self.labels = (self.points[:, 0] * self.points[:, 1] > 0).long()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        noise = torch.randn(6) * 0.05 + random.gauss(0, 0.05) + np.random.standard_normal() * 0.05
        return self.points[index] + noise, self.labels[index]


def checksum(nest):
    """Return a number that any other bit changes."""
    found = 0
    for each in nest:
        found = zlib.crc32(each.detach().numpy().tobytes() if isinstance(each, torch.Tensor) else repr(each).encode(), found)
    return found


def main(folder, compiled=True):
    """Train, from the checkpoint on if there is one, and print the checksum."""
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    config = Config(epochs=4, accumulate=2, clip_norm=1.0, average=0.9, schedule_every="step", save_every=3, compiled=compiled)
    trainer = Trainer(
        model,
        optimizer,
        nn.CrossEntropyLoss(),
        config,
        schedule=optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=40, cycle_momentum=False),
        metrics={"accuracy": Accuracy()},
        callbacks=[EarlyStopping(patience=100), JSONLog(f"{folder}/steps.jsonl")],
        folder=folder,
    )
    training = DataLoader(Noisy(150), 8, shuffle=True)
    trainer.fit(training, DataLoader(Noisy(40), 40), resume=True)
    entries = [*optimizer.state_dict()["state"].values()]
    tensors = [*model.state_dict().values(), *(x for entry in entries for x in entry.values()), *trainer.weights().values()]
    print(checksum([*tensors, trainer.history, torch.get_rng_state(), random.random(), float(np.random.random())]))


if __name__ == "__main__":
    main(sys.argv[1], "eager" not in sys.argv[2:])
