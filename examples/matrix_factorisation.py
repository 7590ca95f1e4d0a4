"""Who will like what: a table of ratings, most of them unknown, as the product of two narrow matrices.

Run it: python examples/matrix_factorisation.py [picture.png]
"""

import importlib.util
import sys

import numpy as np

import lineal as torch
from lineal import nn, optim
from lineal.nn import functional as F

PEOPLE, FILMS, TASTES, KNOWN, NOISE = 300, 200, 3, 0.2, 0.3


def ratings(seed=0):
    """Return the ratings that are known, as rows (person, film) and values, a tenth of them for the test."""
    random = np.random.default_rng(seed)
    tastes, traits = random.standard_normal((PEOPLE, TASTES)), random.standard_normal((FILMS, TASTES))
    kindness, fame = 0.5 * random.standard_normal((PEOPLE, 1)), 0.5 * random.standard_normal(FILMS)
    whole = 3 + tastes @ traits.T / TASTES**0.5 + kindness + fame + NOISE * random.standard_normal((PEOPLE, FILMS))
    places = np.argwhere(random.random(whole.shape) < KNOWN)
    random.shuffle(places)
    values = torch.from_numpy(whole[tuple(places.T)].astype(np.float32))
    rows, count = torch.from_numpy(places), len(places) // 10
    return (rows[count:], values[count:]), (rows[:count], values[:count])


class Factors(nn.Module):
    """A rating is a mean, what is a person's and a film's own, and the product of taste and traits (Koren et al. 2009)."""

    def __init__(self, mean, factors=TASTES):
        super().__init__()
        self.mean = mean
        self.people, self.films = nn.Embedding(PEOPLE, factors + 1), nn.Embedding(FILMS, factors + 1)
        for table in (self.people, self.films):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, rows):
        person, film = self.people(rows[:, 0]), self.films(rows[:, 1])
        return self.mean + person[:, 0] + film[:, 0] + (person[:, 1:] * film[:, 1:]).sum(1)


def train(model, rows, values, steps, compiled):
    """Train on all known ratings at once; return the losses."""
    optimizer = optim.AdamW(model.parameters(), lr=0.05, weight_decay=0.2)

    def step(rows, values):
        optimizer.zero_grad()
        loss = F.mse_loss(model(rows), values)
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = torch.compile(step) if compiled else step
    return [step(rows, values).item() for _ in range(steps)]


def draw(path, losses, guessed, values):
    """Draw the losses, and guessed ratings over real ones, into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.semilogy(losses)
    left.set(xlabel="step", title="mean squared error")
    right.scatter(values.numpy(), guessed.numpy(), s=3)
    right.set(xlabel="rating", ylabel="guessed", title="ratings not seen")
    figure.savefig(path)


def main(path=None, steps=200, compiled=True):
    """Train, print the error on ratings not seen beside that of the mean alone, and return both; draw a picture if asked to."""
    torch.manual_seed(0)
    (rows, values), (test_rows, test_values) = ratings()
    model = Factors(values.mean().item())
    losses = train(model, rows, values, steps, compiled)
    with torch.no_grad():
        guessed = model(test_rows)
    error = F.mse_loss(guessed, test_values).sqrt().item()
    alone = (test_values - values.mean()).square().mean().sqrt().item()
    print(f"{len(values)} of {PEOPLE * FILMS} ratings are known; loss {losses[0]:.2f} → {losses[-1]:.3f}")
    print(f"error of ratings not seen: {error:.3f}; of the mean alone {alone:.3f}; {NOISE} of it is noise")
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, losses, guessed, test_values)
    return {"losses": losses, "error": error, "alone": alone}


if __name__ == "__main__":
    main(*sys.argv[1:])
