"""The networks that `lineal train` offers, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lineal import nn

__all__ = ["NETWORKS", "network"]


def linear(shape: Sequence[int], outputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """Return a linear model: logistic regression, if there are classes."""
    return perceptron(shape, outputs, ())


def perceptron(shape: Sequence[int], outputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """Return a multilayer perceptron with hidden layers of these sizes."""
    layers: list[nn.Module] = [nn.Flatten()]
    width = math.prod(shape)
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU()]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def convolutional(shape: Sequence[int], outputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """Return a convolutional network for images (height, width) or (channels, height, width): a block for each hidden size."""
    if len(shape) not in (2, 3):
        raise ValueError(f"model: cnn expects images (height, width) or (channels, height, width), got inputs {list(shape)}")
    channels, height, width = (1, *shape) if len(shape) == 2 else shape
    layers: list[nn.Module] = [nn.Unflatten(1, (1, shape[0]))] if len(shape) == 2 else []
    for size in hidden:
        layers += [nn.Conv2d(channels, size, 3, padding=1), nn.BatchNorm2d(size), nn.ReLU()]
        channels = size
        if min(height, width) >= 4:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.25), nn.Linear(channels * height * width, outputs))


NETWORKS: dict[str, Callable[[Sequence[int], int, Sequence[int]], nn.Sequential]] = {
    "mlp": perceptron,
    "cnn": convolutional,
    "linear": linear,
}
"""What makes a network of a name, of the shape of an input, the number of outputs and the hidden sizes."""


def network(name: str, shape: Sequence[int], outputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """Return the network of this name; ValueError if there is none, or it does not take such inputs."""
    if name not in NETWORKS:
        raise ValueError(f"model: expected one of {', '.join(NETWORKS)}, got {name!r}")
    return NETWORKS[name](shape, outputs, hidden)
