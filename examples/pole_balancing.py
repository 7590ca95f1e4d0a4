"""Learning by trying: a policy that balances a pole on a cart, from rewards alone (REINFORCE, Williams 1992).

Run it: python examples/pole_balancing.py [picture.png]
"""

import importlib.util
import sys

import numpy as np

import lineal as torch
from lineal import nn, optim
from lineal.nn import functional as F

CARTS, LONGEST, DISCOUNT = 16, 200, 0.98
GRAVITY, CART, POLE, HALF, FORCE, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02


class Carts:
    """Carts with poles, all pushed left or right at once (Barto, Sutton and Anderson 1983), in plain NumPy."""

    def __init__(self, random):
        self.state = random.uniform(-0.05, 0.05, (CARTS, 4))

    def push(self, right):
        """Move on by 20 ms; return which poles still stand, on carts that are still on their track."""
        _, speed, angle, turning = self.state.T
        mass = CART + POLE
        force = (np.where(right, FORCE, -FORCE) + POLE * HALF * turning**2 * np.sin(angle)) / mass
        bend = GRAVITY * np.sin(angle) - np.cos(angle) * force
        bend = bend / (HALF * (4 / 3 - POLE * np.cos(angle) ** 2 / mass))
        pull = force - POLE * HALF * bend * np.cos(angle) / mass
        self.state = self.state + SECONDS * np.stack([speed, pull, turning, bend], axis=1)
        return (np.abs(self.state[:, 0]) < 2.4) & (np.abs(self.state[:, 2]) < np.radians(12))


def tried(policy, random):
    """Let the policy push until all poles have fallen; return states (t, n, 4), pushes (t, n), and which stood before them."""
    carts, stands = Carts(random), np.ones(CARTS, bool)
    states, pushes, standing = [], [], []
    while stands.any() and len(states) < LONGEST:
        states.append(carts.state.astype(np.float32))
        with torch.no_grad():
            chances = torch.sigmoid(policy(torch.from_numpy(states[-1])))[:, 0].numpy()
        pushes.append(random.random(CARTS) < chances)
        standing.append(stands)
        stands = stands & carts.push(pushes[-1])
    return np.stack(states), np.stack(pushes), np.stack(standing)


def returns_of(standing):
    """Return the discounted number of moments that each pole stands from each moment on, less the mean, over the spread."""
    total, totals = np.zeros(CARTS), []
    for stands in standing[::-1]:
        total = stands + DISCOUNT * total * stands
        totals.append(total)
    gained = np.stack(totals[::-1])
    return (gained - gained[standing].mean()) / (gained[standing].std() + 1e-8)


def train(policy, rounds, compiled, random):
    """Make pushes that led to much more likely, round by round; return how long poles stood in each."""
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)

    def step(states, pushes, gains):
        optimizer.zero_grad()
        surprise = F.binary_cross_entropy_with_logits(policy(states)[:, 0], pushes, reduction="none")
        loss = (surprise * gains).sum() / CARTS
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = torch.compile(step) if compiled else step
    lengths = []
    for _ in range(rounds):
        states, pushes, standing = tried(policy, random)
        lengths.append(standing.sum() / CARTS)
        padded = np.zeros((LONGEST, CARTS, 6), np.float32)  # one shape for all rounds: one program
        padded[: len(states)] = np.concatenate([states, pushes[..., None], (returns_of(standing) * standing)[..., None]], 2)
        rows = torch.from_numpy(padded).flatten(0, 1)
        step(rows[:, :4], rows[:, 4], rows[:, 5])
    return lengths


def main(path=None, rounds=60, compiled=True):
    """Train, print how long poles stand, and return it by round; draw a picture if asked to."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    lengths = train(policy, rounds, compiled, random)
    first, last = lengths[0] * SECONDS, sum(lengths[-5:]) / 5 * SECONDS
    print(f"poles stand for {first:.2f} seconds at first, for {last:.2f} in the end, of {LONGEST * SECONDS:.0f} at most")
    if path and importlib.util.find_spec("matplotlib"):
        figure = importlib.import_module("matplotlib.figure").Figure(figsize=(6, 3), layout="constrained")
        ax = figure.subplots()
        ax.plot([length * SECONDS for length in lengths])
        ax.set(xlabel="round", ylabel="seconds", title="how long poles stand")
        figure.savefig(path)
    return {"lengths": [float(length) for length in lengths]}


if __name__ == "__main__":
    main(*sys.argv[1:])
