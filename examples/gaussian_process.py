"""A curve from noisy points with honest error bars: a Gaussian process that learns its own smoothness and noise.

Run it: python examples/gaussian_process.py [picture.png]
"""

import importlib.util
import sys

import numpy as np

import lineal as torch
from lineal.models import RBF, GaussianProcess, Matern

POINTS, NOISE, STEPS = 40, 0.15, 80


def truth(x):
    """Return the curve that is to be found."""
    return np.sin(2 * x) + 0.5 * np.cos(5 * x)


def observations(seed=0):
    """Return places (40, 1) with a gap in the middle, and what was seen there, float64."""
    random = np.random.default_rng(seed)
    x = np.sort(np.concatenate([random.uniform(0, 2.2, POINTS // 2), random.uniform(3, 6, POINTS // 2)]))
    y = truth(x) + NOISE * random.standard_normal(POINTS)
    return torch.from_numpy(x)[:, None], torch.from_numpy(y)


def learn(model, x, y):
    """Make the log marginal likelihood large by Adam; return where it started and where it ended."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    history = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = -model(x, y)
        loss.backward()
        optimizer.step()
        history.append(-loss.item())
    return history[0], history[-1]


def draw(path, x, y, at, bands):
    """Draw points, truth, means and bands of two standard deviations into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(10, 4), layout="constrained")
    places = at[:, 0].numpy()
    for ax, (name, (mean, deviation)) in zip(figure.subplots(1, 2, sharey=True), bands.items(), strict=True):
        ax.fill_between(places, (mean - 2 * deviation).numpy(), (mean + 2 * deviation).numpy(), alpha=0.3)
        ax.plot(places, mean.numpy(), label="mean ± 2σ")
        ax.plot(places, truth(places), "--", label="truth")
        ax.plot(x[:, 0].numpy(), y.numpy(), "k.", label="seen")
        ax.set(title=name)
        ax.legend(frameon=False)
    figure.savefig(path)


def main(path=None):
    """Learn two kernels, print what they found, and return it; draw a picture if asked to."""
    x, y = observations()
    at = torch.linspace(0, 6, 121, dtype=torch.float64)[:, None]
    kernels = {"squared exponential": RBF(dtype=torch.float64), "Matérn, ν = 5/2": Matern(dtype=torch.float64)}
    result, bands = {}, {}
    for name, kernel in kernels.items():
        model = GaussianProcess(kernel, noise=0.5)
        before, after = learn(model, x, y)
        with torch.no_grad():
            mean, covariance = model.predict(x, y, at)
        deviation = covariance.diagonal().sqrt()
        inside = ((mean - torch.from_numpy(truth(at[:, 0].numpy()))).abs() < 2 * deviation).double().mean().item()
        bands[name] = (mean, deviation)
        result[name] = {"before": before, "after": after, "noise": model.noise.item() ** 0.5, "inside": inside}
        print(
            f"{name}: log likelihood {before:.1f} → {after:.1f}, lengthscale {kernel.lengthscale.item():.2f}, "
            f"noise {result[name]['noise']:.3f} (true {NOISE}), {inside:.0%} of the truth within 2σ"
        )
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, x, y, at, bands)
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
