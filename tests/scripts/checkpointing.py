"""Saving and going on: state of model, optimizer and scheduler in one file, best model kept, names renamed."""

import copy
import os
import tempfile

import torch
import torch.nn as nn


def make():
    model = nn.Sequential(nn.Linear(5, 16), nn.ELU(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    return model, optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.97)


def save_checkpoint(state, is_best, folder):
    torch.save(state, os.path.join(folder, "checkpoint.pth.tar"))
    if is_best:
        torch.save(state["state_dict"], os.path.join(folder, "model_best.pth"))


def train(model, optimizer, scheduler, steps):
    found = []
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        found.append(loss.item())
    return found


x = torch.cos(torch.arange(100.0) * 0.7).view(20, 5)
y = torch.stack([x.sum(1), x.prod(1)], dim=1)
model, optimizer, scheduler = make()
losses, best = train(model, optimizer, scheduler, 10), float("inf")
with tempfile.TemporaryDirectory() as folder:
    state = {
        "epoch": 10,
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "best": losses[-1],
    }
    save_checkpoint(state, losses[-1] < best, folder)
    resumed, optimizer, scheduler = make()
    loaded = torch.load(os.path.join(folder, "checkpoint.pth.tar"), map_location="cpu", weights_only=True)
    resumed.load_state_dict(loaded["state_dict"])
    optimizer.load_state_dict(loaded["optimizer"])
    scheduler.load_state_dict(loaded["scheduler"])
    weights = torch.load(os.path.join(folder, "model_best.pth"), weights_only=True)
assert all(torch.equal(weights[key], value) for key, value in resumed.state_dict().items())
renamed = {f"module.{key}": value for key, value in weights.items()}
missing, unexpected = copy.deepcopy(resumed).load_state_dict(renamed, strict=False)
assert len(missing) == len(unexpected) == 4
losses += train(resumed, optimizer, scheduler, 15)
print(loaded["epoch"], losses[9], losses[-1])
