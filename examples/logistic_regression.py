"""The chance of yes: logistic regression, what its weights say, and how sure one can be of them.

Run it: python examples/logistic_regression.py [picture.png]
"""

import importlib.util
import sys

import numpy as np

import lineal as torch
from lineal.nn import functional as F

TRUE_WEIGHTS, TRUE_BIAS, COUNT = (1.5, -2.0, 0.0), 0.5, 2000


def answers(seed=0):
    """Return features (COUNT, 3) and answers 0 or 1 that were drawn by the true weights, float64."""
    random = np.random.default_rng(seed)
    features = random.standard_normal((COUNT, 3))
    chances = 1 / (1 + np.exp(-(features @ TRUE_WEIGHTS + TRUE_BIAS)))
    return torch.from_numpy(features), torch.from_numpy((random.random(COUNT) < chances).astype(np.float64))


def loss_of(weights, features, labels):
    """Return the mean of -log p of the answers; the last weight is the bias."""
    return F.binary_cross_entropy_with_logits(features @ weights[:-1] + weights[-1], labels)


def descend(features, labels, steps, compiled):
    """Return the weights that gradient descent with momentum arrives at, and the losses."""
    weights = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=0.5, momentum=0.9, nesterov=True)

    def step(features, labels):
        optimizer.zero_grad()
        loss = loss_of(weights, features, labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = torch.compile(step) if compiled else step
    losses = [step(features, labels).item() for _ in range(steps)]
    return weights.detach(), losses


def newton(features, labels, steps=8):
    """Return the weights that Newton's method arrives at: w ← w - H⁻¹ g, with the second derivatives H."""
    weights = torch.zeros(4, dtype=torch.float64)
    for _ in range(steps):
        g, H = derivatives(weights, features, labels)
        weights = weights - torch.linalg.solve(H, g)
    return weights


def derivatives(weights, features, labels):
    """Return the gradient (4,) and the second derivatives (4, 4) of the loss."""
    w = weights.clone().requires_grad_()
    (g,) = torch.autograd.grad(loss_of(w, features, labels), w, create_graph=True)
    rows = [torch.autograd.grad(each, w, retain_graph=True)[0] for each in g]
    return g.detach(), torch.stack(rows)


def draw(path, losses, weights, spread):
    """Draw the losses, and the weights with twice their standard errors, into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.semilogy([loss - min(losses) + 1e-16 for loss in losses])
    left.set(xlabel="step", title="loss above its least")
    right.errorbar(range(4), weights.numpy(), yerr=(2 * spread).numpy(), fmt="o", label="found, ± 2 standard errors")
    right.plot(range(4), [*TRUE_WEIGHTS, TRUE_BIAS], "kx", label="true")
    right.legend(frameon=False)
    figure.savefig(path)


def main(path=None, steps=200, compiled=True):
    """Find the weights in two ways, print them with their standard errors, and return them; draw a picture if asked to."""
    features, labels = answers()
    weights, losses = descend(features, labels, steps, compiled)
    exact = newton(features, labels)
    _, H = derivatives(exact, features, labels)
    spread = torch.linalg.inv(H * COUNT).diagonal().sqrt()
    accuracy = ((features @ weights[:-1] + weights[-1] > 0) == (labels > 0)).double().mean().item()
    for value, error, true in zip(weights.tolist(), spread.tolist(), (*TRUE_WEIGHTS, TRUE_BIAS)):
        print(f"weight {value:+.3f} ± {error:.3f}, true {true:+.1f}")
    difference = (weights - exact).abs().max().item()
    print(f"loss {losses[0]:.4f} → {losses[-1]:.4f}, accuracy {accuracy:.3f}; Newton's weights differ by {difference:.0e}")
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, losses, weights, spread)
    return {"weights": weights, "exact": exact, "spread": spread, "losses": losses}


if __name__ == "__main__":
    main(*sys.argv[1:])
