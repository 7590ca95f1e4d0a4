"""Handwritten digits in few coordinates: principal components, what they keep, and a classifier of ten normal densities.

Run it: python examples/pca_digits.py [picture.png]
"""

import importlib.util
import sys

import lineal as torch
from lineal.data import digits
from lineal.models import gaussian_log_prob, pca

KEPT = 20
SMOOTHING = 0.05


def kept_of(pixels, counts=(2, 5, 10, 20, 40)):
    """Return the part of the variance that so many components keep."""
    parts = pca(pixels).explained_variance / pixels.var(0).sum()
    return {count: parts[:count].sum().item() for count in counts}


def densities(scores, labels):
    """Return mean (10, k) and covariance (10, k, k) of each digit's images, with a little added for directions rarely seen."""
    groups = [scores[labels == digit] for digit in range(10)]
    floor = SMOOTHING * scores.var(0).mean() * torch.eye(scores.shape[1])
    return torch.stack([each.mean(0) for each in groups]), torch.stack([each.T.cov() + floor for each in groups])


def draw(path, labels, found):
    """Draw the first components as images, and the digits in the plane of the first two, into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    framed = torch.full((4, 4, 9, 9), torch.nan)
    framed[..., :8, :8] = found.components[:16].reshape(4, 4, 8, 8)
    left.imshow(framed.permute(0, 2, 1, 3).reshape(36, 36).numpy(), cmap="RdBu", vmin=-0.4, vmax=0.4)
    left.set(title="16 components", xticks=[], yticks=[])
    x, y = found.scores[:, :2].T.numpy()
    points = right.scatter(x, y, c=labels.numpy(), s=4, cmap="tab10")
    right.set(title="the digits in the plane of the first two")
    figure.colorbar(points, ax=right)
    figure.savefig(path)


def main(path=None):
    """Print what the components keep and how well digits are told apart by them, and return it; draw a picture if asked to."""
    (images, labels), (test_images, test_labels) = (part.tensors for part in digits())
    pixels, test_pixels = images.flatten(1), test_images.flatten(1)
    kept = kept_of(pixels)
    print("variance kept:", ", ".join(f"{part:.1%} by {count}" for count, part in kept.items()))

    found = pca(pixels, KEPT)
    torch.manual_seed(0)
    at_random = torch.pca_lowrank(pixels, KEPT + 10, niter=4)[1][:KEPT]
    difference = (at_random**2 / (len(pixels) - 1) / found.explained_variance - 1).abs().max().item()
    print(f"the variances found by random projection differ by {difference:.1e} at most")

    means, covariances = densities(found.scores, labels)
    test_scores = (test_pixels - found.mean) @ found.components.T
    scores = gaussian_log_prob(test_scores[:, None], means, covariances)
    accuracy = (scores.argmax(1) == test_labels).float().mean().item()
    print(f"a normal density for each digit, in {KEPT} coordinates instead of 64: accuracy {accuracy:.3f}")
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, labels, found)
    return {"kept": kept, "difference": difference, "accuracy": accuracy}


if __name__ == "__main__":
    main(*sys.argv[1:])
