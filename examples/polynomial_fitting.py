"""A cubic from fifteen points: too few powers, too many, too many held by ridge; a line through points wrong in x and in y.

Run it: python examples/polynomial_fitting.py [picture.png]
"""

import importlib.util
import sys

import numpy as np

import lineal as torch
from lineal.models import polyfit, polyval, ridge, total_least_squares

CUBIC = torch.tensor([2.0, 0.0, -1.5, 0.3], dtype=torch.float64)
POINTS, NOISE, HIGHEST = 15, 0.2, 12
LINE, SPREAD = 1.5, 0.4


def samples(count, seed):
    """Return places in -1 … 1 and the cubic there, with noise."""
    random = np.random.default_rng(seed)
    x = torch.from_numpy(random.uniform(-1, 1, count))
    return x, polyval(CUBIC, x) + NOISE * torch.from_numpy(random.standard_normal(count))


def error(coefficients, x, y):
    """Return the root of the mean squared error."""
    return (polyval(coefficients, x) - y).square().mean().sqrt().item()


def held_back(x, y, lam):
    """Return the polynomial of the highest degree with small coefficients."""
    return ridge(torch.linalg.vander(x, N=HIGHEST + 1), y, lam).flip(0)


def slopes(seed=3, count=2000):
    """Return the slope of a line through 0 by ordinary and by total least squares, where x is measured as badly as y."""
    random = np.random.default_rng(seed)
    x = random.standard_normal(count)
    seen = x + SPREAD * random.standard_normal(count), LINE * x + SPREAD * random.standard_normal(count)
    A, b = torch.from_numpy(seen[0])[:, None], torch.from_numpy(seen[1])
    return torch.linalg.lstsq(A, b[:, None]).solution.item(), total_least_squares(A, b).item()


def draw(path, x, y, fits):
    """Draw the points and the polynomials into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(7, 4.5), layout="constrained")
    ax = figure.subplots()
    at = torch.linspace(-1, 1, 400, dtype=torch.float64)
    for name, coefficients in fits.items():
        ax.plot(at.numpy(), polyval(coefficients, at).numpy(), label=name)
    ax.plot(x.numpy(), y.numpy(), "ko", label="seen")
    ax.set(ylim=(-2, 2))
    ax.legend(frameon=False)
    figure.savefig(path)


def main(path=None):
    """Print the errors of the fits and the two slopes, and return them; draw a picture if asked to."""
    (x, y), fresh = samples(POINTS, seed=0), samples(1000, seed=1)
    fits = {f"degree {degree}": polyfit(x, y, degree) for degree in (1, 3, HIGHEST)}
    fits[f"degree {HIGHEST}, ridge"] = held_back(x, y, 0.01)
    errors = {name: (error(each, x, y), error(each, *fresh)) for name, each in fits.items()}
    for name, (seen, new) in errors.items():
        print(f"{name:16} error {seen:.3f} where seen, {new:.3f} elsewhere")
    ordinary, total = slopes()
    print(f"slope {LINE}: least squares {ordinary:.3f}, total least squares {total:.3f}")
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, x, y, fits)
    return {"errors": errors, "slopes": (ordinary, total), "cubic": fits["degree 3"]}


if __name__ == "__main__":
    main(*sys.argv[1:])
