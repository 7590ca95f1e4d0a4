"""The workloads in JAX, as its users write them: pure functions of parameters and state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

jax: Any = None
jnp: Any = None
with contextlib.suppress(ImportError):
    import jax  # pyright: ignore[reportMissingImports]
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]


def normal(seed: int, *shape: int):
    """Return numbers drawn from the normal distribution."""
    return jax.random.normal(jax.random.PRNGKey(seed), shape, jnp.float32)


def layers(*sizes: int) -> list[tuple]:
    """Return the weights and biases of an MLP."""
    return [(normal(n, a, b) / a**0.5, jnp.zeros(b)) for n, (a, b) in enumerate(pairwise(sizes))]


def network(parameters: list[tuple], x):
    """Return the output of an MLP with relu between its layers."""
    for n, (w, b) in enumerate(parameters):
        x = x @ w + b
        x = jax.nn.relu(x) if n + 1 < len(parameters) else x
    return x


def squared(parameters: list[tuple], x, y):
    """Return the mean squared error."""
    return jnp.mean((network(parameters, x) - y) ** 2)


def cross_entropy(parameters: list[tuple], x, y):
    """Return the mean cross entropy."""
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(network(parameters, x)), y[:, None], 1))


def adam(rate: float, decay: float, parameters, grads, state):
    """Return the parameters and state after one step of Adam, or AdamW if weights decay."""
    count, m, v = state
    count = count + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    first, second = 1 - 0.9**count, 1 - 0.999**count
    move = lambda p, m, v: p * (1 - rate * decay) - rate * (m / first) / (jnp.sqrt(v / second) + 1e-8)
    return jax.tree.map(move, parameters, m, v), (count, m, v)


def training(loss: Callable, parameters, x, y, rate: float, with_adam: bool, decay: float = 0.0) -> Callable[[], object]:
    """Return a training step that keeps its parameters and state; what it replaces may be overwritten."""

    def step(parameters, state, x, y):
        value, grads = jax.value_and_grad(loss)(parameters, x, y)
        if with_adam:
            parameters, state = adam(rate, decay, parameters, grads, state)
        else:
            parameters = jax.tree.map(lambda p, g: p - rate * g, parameters, grads)
        return parameters, state, value

    jitted = jax.jit(step, donate_argnums=(0, 1))
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)
    held = [parameters, (jnp.zeros(()), zeros(), zeros()) if with_adam else ()]

    def run() -> None:
        held[0], held[1], value = jitted(*held, x, y)
        value.block_until_ready()

    return run


def elementwise() -> Callable[[], object]:
    """gelu(x w + b) + tanh(x) / 2."""
    n = 5_000_000
    x, w, b = (normal(seed, n) for seed in range(3))
    run = jax.jit(lambda x, w, b: jax.nn.gelu(x * w + b, approximate=False) + jnp.tanh(x) / 2)
    return lambda: run(x, w, b).block_until_ready()


def normalised() -> Callable[[], object]:
    """layer_norm, then softmax, with its derivatives."""
    x, g, w, b = normal(0, 2048, 1024), normal(1, 2048, 1024), jnp.ones(1024), jnp.zeros(1024)

    def forward(x, w, b):
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return jax.nn.softmax((x - mean) * jax.lax.rsqrt(variance + 1e-5) * w + b)

    run = jax.jit(lambda x, w, b, g: jax.vjp(forward, x, w, b)[1](g))
    return lambda: jax.block_until_ready(run(x, w, b, g))


def sums() -> Callable[[], object]:
    """Sums of all elements, of columns and of rows, and the mean square."""
    x = normal(0, 2048, 2048)
    run = jax.jit(lambda x: (x.sum(), x.sum(0), x.sum(1), (x * x).mean()))
    return lambda: jax.block_until_ready(run(x))


def transformer() -> Callable[[], object]:
    """A step of AdamW of 3 pre-norm transformer blocks."""
    layers, width, batch, length = 3, 128, 8, 64
    shapes = ((width, 3 * width), (width, width), (width, 4 * width), (4 * width, width))
    blocks = [[normal(n, *shape) * 0.02 for n, shape in enumerate(shapes)] for _ in range(layers)]
    parameters = blocks, [(jnp.ones(width), jnp.ones(width)) for _ in range(layers)]
    data = normal(1, batch, length, width), normal(2, batch, length, width)
    return training(transformed, parameters, *data, 1e-3, True, 1e-2)


def transformed(parameters, x, y):
    """Return the mean squared error of a stack of transformer blocks."""
    for (qkv, out, up, down), (first, second) in zip(*parameters):
        x = x + attention(scaled(x, first), qkv, out)
        x = x + jax.nn.gelu(scaled(x, second) @ up, approximate=False) @ down
    return jnp.mean((x - y) ** 2)


def scaled(x, scale):
    """Return x with its rows of mean 0 and variance 1, times a scale."""
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * scale


def attention(x, qkv, out, heads: int = 4):
    """Return what every position makes of all others."""
    batch, length, width = x.shape
    turned = (x @ qkv).reshape(batch, length, 3, heads, width // heads)
    q, k, v = jnp.moveaxis(turned, (2, 3), (0, 2))
    weights = jax.nn.softmax(q @ k.swapaxes(-2, -1) * (width // heads) ** -0.5)
    return jnp.swapaxes(weights @ v, 1, 2).reshape(batch, length, width) @ out


def classes():
    """Return the classes of 256 digits."""
    return jax.random.randint(jax.random.PRNGKey(1), (256,), 0, 10)


WORKLOADS = {
    "regression": lambda: training(squared, layers(5, 1), normal(1, 200, 5), normal(2, 200, 1), 0.01, False),
    "small network": lambda: training(squared, layers(16, 32, 32, 1), normal(1, 32, 16), normal(2, 32, 1), 0.01, True),
    "digits network": lambda: training(cross_entropy, layers(784, 256, 10), normal(1, 256, 784), classes(), 1e-3, True),
    "elementwise": elementwise,
    "normalised": normalised,
    "sums": sums,
    "transformer": transformer,
}


def rival(name: str) -> Callable[[], object] | None:
    """Return the workload in JAX; None without JAX, or where it is not written for it."""
    return WORKLOADS[name]() if jax is not None and name in WORKLOADS else None
