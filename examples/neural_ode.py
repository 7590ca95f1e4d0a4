"""The law behind a movement: a network learns dx/dt from places along one path, through the solver that follows it.

Run it: python examples/neural_ode.py [picture.png]
"""

import importlib.util
import sys

import lineal as torch
from lineal import nn, optim
from lineal.nn import functional as F

POINTS, DT, AHEAD, BATCH = 200, 0.05, 10, 40


def true_law(x):
    """Return dx/dt of a damped swing whose force grows with the cube."""
    position, speed = x[..., :1], x[..., 1:]
    return torch.cat([speed, -2 * position - position**3 - 0.15 * speed], dim=-1)


class Law(nn.Module):
    """A network for dx/dt."""

    def __init__(self, width=32):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2))

    def forward(self, x):
        return self.layers(x)


def follow(law, x, steps):
    """Return the places (steps + 1, …, 2) to which the classical Runge-Kutta method of fourth order follows a law."""
    path = [x]
    for _ in range(steps):
        k1 = law(x)
        k2 = law(x + DT / 2 * k1)
        k3 = law(x + DT / 2 * k2)
        k4 = law(x + DT * k3)
        x = x + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path.append(x)
    return torch.stack(path)


def train(law, seen, steps, compiled):
    """Train so that from places of the path, the law leads along the path (Chen et al. 2018); return the losses."""
    optimizer = optim.Adam(law.parameters(), lr=1e-2)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def step(begin, after):
        optimizer.zero_grad()
        loss = F.mse_loss(follow(law, begin, AHEAD)[1:], after)
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = torch.compile(step) if compiled else step
    losses = []
    for _ in range(steps):
        places = torch.randint(0, POINTS - AHEAD, (BATCH,))
        after = torch.stack([seen[places + ahead] for ahead in range(1, AHEAD + 1)])
        losses.append(step(seen[places], after).item())
        schedule.step()
    return losses


def draw(path, seen, found):
    """Draw the path and what the learned law makes of its beginning into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(5, 4), layout="constrained")
    ax = figure.subplots()
    ax.plot(*seen.T.numpy(), ".", markersize=3, label="seen")
    ax.plot(*found.T.numpy(), linewidth=1, label="the learned law, from the first place on")
    ax.set(xlabel="position", ylabel="speed")
    ax.legend(frameon=False)
    figure.savefig(path)


def main(path=None, steps=500, compiled=True):
    """Learn the law, print how far it leads from the path, and return that; draw a picture if asked to."""
    torch.manual_seed(0)
    seen = follow(true_law, torch.tensor([1.5, 0.0]), POINTS - 1)
    law = Law()
    losses = train(law, seen, steps, compiled)
    with torch.no_grad():
        found = follow(law, seen[0], POINTS - 1)
        error = (found - seen).norm(dim=1).mean().item()
        elsewhere = torch.tensor([1.0, 0.5])
        wrong = (law(elsewhere) - true_law(elsewhere)).norm().item()
    print(f"loss {losses[0]:.1e} → {losses[-1]:.1e}")
    print(f"from the first place on, the law leads past all {POINTS} places at a mean distance of {error:.3f}")
    print(f"where the path never was, it is wrong by {wrong:.2f}")
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, seen, found)
    return {"losses": losses, "error": error, "elsewhere": wrong}


if __name__ == "__main__":
    main(*sys.argv[1:])
