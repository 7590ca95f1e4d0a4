"""A line through noisy points, in three ways that agree: NumPy, `linalg.lstsq`, gradient descent.

Run it: python examples/least_squares.py
"""

import numpy as np

import lineal as torch

WEIGHTS = [0.8, -1.2, 2.5]
POINTS, NOISE = 300, 0.05


def measurements(seed=0):
    """Return features (300, 3) and targets (300,) that follow WEIGHTS up to a little noise."""
    random = np.random.default_rng(seed)
    X = random.standard_normal((POINTS, len(WEIGHTS)))
    return X, X @ WEIGHTS + NOISE * random.standard_normal(POINTS)


def with_numpy(X, y):
    """Return the best weights as NumPy finds them."""
    return np.linalg.lstsq(X, y, rcond=None)[0]


def with_lstsq(X, y):
    """Return the best weights by orthogonal factors: the same call, but one that can be differentiated."""
    return torch.linalg.lstsq(X, y[:, None]).solution[:, 0]


def with_gradients(X, y, steps=200, rate=0.1):
    """Return the weights that gradient descent on the mean squared error arrives at."""
    w = torch.zeros(X.shape[1], dtype=X.dtype, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=rate)
    for _ in range(steps):
        loss = ((X @ w - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return w.detach()


def main():
    """Print the three answers, and return them."""
    features, targets = measurements()
    X, y = torch.from_numpy(features), torch.from_numpy(targets)
    answers = {
        "numpy": torch.from_numpy(with_numpy(features, targets)),
        "lstsq": with_lstsq(X, y),
        "descent": with_gradients(X, y),
    }
    for name, w in answers.items():
        print(f"{name:8}", [round(each, 4) for each in w.tolist()])
    error = (answers["lstsq"] - torch.tensor(WEIGHTS, dtype=torch.float64)).abs().max()
    print(f"furthest from the weights that made the data: {error:.4f}")
    return answers


if __name__ == "__main__":
    main()
