"""Thirty moving things seen through noise: one Kalman filter for all, and its noise learned from the likelihood.

Run it: python examples/kalman_filter.py [picture.png]
"""

import importlib.util
import sys

import numpy as np
from scipy.optimize import minimize

import lineal as torch
from lineal.models import kalman_filter

THINGS, TIMES = 30, 40
PUSH, BLUR = 0.3, 2.0
START = 1.0  # what is believed of both before learning

# A state is place and speed along two axes, (x, y, x', y'); a step takes one unit of time.
eye, zero = np.eye(2), np.zeros((2, 2))
F = torch.from_numpy(np.block([[eye, eye], [zero, eye]]))
H = torch.from_numpy(np.hstack([eye, zero]))
# A random push that is constant during a step moves a thing by half of what it adds to the speed.
PUSHED = torch.from_numpy(np.kron(np.array([[0.25, 0.5], [0.5, 1.0]]), eye) + 1e-9 * np.eye(4))


def tracks(seed=0):
    """Return the true places (30, 40, 2) and what is seen of them, float64."""
    random = np.random.default_rng(seed)
    state = random.standard_normal((THINGS, 4)) * [5, 5, 1, 1]
    places = []
    for _ in range(TIMES):
        places.append(state[:, :2])
        push = PUSH * random.standard_normal((THINGS, 2))
        state = state @ F.numpy().T + np.hstack([push / 2, push])
    places = np.stack(places, 1)
    return torch.from_numpy(places), torch.from_numpy(places + BLUR * random.standard_normal(places.shape))


def filtered(seen, push, blur):
    """Return what the filter finds for all things, if random pushes and the blur have these standard deviations."""
    start = torch.zeros(4, dtype=torch.float64), 25 * torch.eye(4, dtype=torch.float64)
    return kalman_filter(seen, F, H, push**2 * PUSHED, blur**2 * torch.eye(2, dtype=torch.float64), *start)


def learn(seen):
    """Return push and blur that make what was seen likely: SciPy's BFGS on their logarithms, with gradients from here."""

    def loss(logs):
        logs = torch.from_numpy(logs).requires_grad_()
        value = -filtered(seen, *logs.exp()).log_likelihood.mean()
        value.backward()
        return value.item(), logs.grad.numpy()

    best = minimize(loss, np.full(2, np.log(START)), jac=True, method="BFGS", tol=1e-3)
    return torch.from_numpy(np.exp(best.x))


def error(places, truth):
    """Return the root of the mean squared distance, the first ten times left out."""
    return ((places - truth)[:, 10:] ** 2).sum(-1).mean().sqrt().item()


def draw(path, truth, seen, found):
    """Draw four of the tracks into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(8, 8), layout="constrained")
    for ax, thing in zip(figure.subplots(2, 2).ravel(), range(4), strict=True):
        ax.plot(*seen[thing].T.numpy(), ".", color="0.6", label="seen")
        ax.plot(*truth[thing].T.numpy(), "--", label="truth")
        ax.plot(*found.means[thing, :, :2].T.numpy(), label="filtered")
        ax.legend(frameon=False)
    figure.savefig(path)


def main(path=None):
    """Learn the noise, print errors and likelihoods, and return them; draw a picture if asked to."""
    truth, seen = tracks()
    push, blur = learn(seen)
    guessed, found = filtered(seen, START, START), filtered(seen, push, blur)
    result = {
        "push": push.item(),
        "blur": blur.item(),
        "seen": error(seen, truth),
        "guessed": error(guessed.means[..., :2], truth),
        "learned": error(found.means[..., :2], truth),
    }
    print(f"learned: push {result['push']:.3f} (true {PUSH}), blur {result['blur']:.3f} (true {BLUR})")
    print(f"log likelihood of a track: {guessed.log_likelihood.mean():.1f} → {found.log_likelihood.mean():.1f}")
    print(f"distance from the truth: seen {result['seen']:.2f}, filtered {result['guessed']:.2f} → {result['learned']:.2f}")
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, truth, seen, found)
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
