"""What is read before a write in place, and what after: programs of reads and writes of one tensor, compiled against eager."""

import numpy as np
import pytest

import lineal as torch
from lineal.compiler import compile

READS = {
    "sum": lambda x: x.sum(),
    "mean of rows": lambda x: x.mean(-1),
    "amax of columns": lambda x: x.amax(0),
    "max": lambda x: x.max(-1),
    "prod": lambda x: x.prod(-1),
    "argmin": lambda x: x.argmin(),
    "var": lambda x: x.var(-1),
    "cumsum": lambda x: x.cumsum(0),
    "double": lambda x: x * 2,
    "product": lambda x: x.reshape(-1, 4) @ torch.ones(4, 2, dtype=x.dtype),
    "turned": lambda x: x.flip(0) + 0,
    "chosen": lambda x: x[torch.tensor([0, 0])],
    "norm": lambda x: x.norm(),
    "softmax": lambda x: x.softmax(-1),
    "itself": lambda x: x,
    "first": lambda x: x[0],
}
WRITES = {
    "add_": lambda x: x.add_(1),
    "mul_": lambda x: x.mul_(0.5),
    "zero_": lambda x: x.zero_(),
    "a row": lambda x: x[-1].mul_(3),
    "a column": lambda x: x[..., 0].add_(2),
    "its own row": lambda x: x[0].copy_(x[-1]),
    "one piece": lambda x: x.chunk(1)[0].add_(0.25),
    "the last of few": lambda x: x.split(2, 0)[-1].mul_(-1),
    "all of them": lambda x: x.view(x.shape).sub_(x.mean()),
    "unbound": lambda x: x.unbind(0)[0].add_(1),
}


def drawn(random, length=5):
    """Return the names of a program's steps: reads, with at least one write between."""
    return [str(random.choice(list(WRITES if random.random() < 0.4 else READS))) for _ in range(length)]


def outcome(function, x, weight):
    """Return numbers of everything that a call gives, and leaves in the tensors it writes."""
    found = function(x)
    flat = [each for part in found for each in (part if isinstance(part, tuple) else (part,))]
    return [each.numpy().copy() for each in (*flat, x, *weight)]


def programs(steps):
    """Return the same program of an argument, and of a captured tensor, as a function that makes it anew."""

    def of_argument(weight):
        return lambda x: [READS.get(step, WRITES.get(step))(x) for step in steps]

    def of_captured(weight):
        return lambda x: [READS.get(step, WRITES.get(step))(weight[0]) * x.sum() for step in steps if step != "max"]

    return of_argument, of_captured


def check(steps, shape):
    for make in programs(steps):
        numbers = np.random.default_rng(5)
        weights = [[torch.tensor(np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape))] for _ in range(2)]
        eager, compiled = make(weights[0]), compile(make(weights[1]))
        for turn in range(3):
            data = numbers.uniform(0.5, 1.5, shape)
            want, got = (outcome(f, torch.tensor(data), w) for f, w in zip((eager, compiled), weights))
            for n, (a, b) in enumerate(zip(want, got, strict=True)):
                np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12, err_msg=f"{steps}, tensor {n} of call {turn}")
        assert compiled.eager is None, compiled.eager


@pytest.mark.parametrize("read", READS)
@pytest.mark.slow
def test_every_read_before_every_write(read):
    for write in WRITES:
        check([read, write], (3, 4))


@pytest.mark.parametrize("seed", range(16))
def test_reads_and_writes_in_any_order(seed):
    random = np.random.default_rng(seed)
    check(drawn(random), ((3, 4), (8, 4), (2, 33, 4), (7, 4))[seed % 4])


def test_long_reductions_in_chunks_read_before_the_write():
    check(["sum", "add_", "mean of rows", "mul_", "amax of columns"], (10, 40_000))


def test_what_is_saved_in_parts_of_parts_is_read_where_it_lies():
    """A derivative saves blocks that are made of parts: each part lies at its own place within what is saved."""

    def slope(loss, x):
        return torch.autograd.grad(loss, [x], create_graph=True)[0]

    def steps(x):
        joined = torch.cat([x.cumprod(-1), x.sin(), torch.nn.functional.pad(x, (1, 0))], -1)
        chosen = joined.index_fill(0, torch.tensor([0]), 1.0).roll(1, 0)
        return slope((chosen.exp() * joined.cumsum(0).tanh()).sum(), x), x.amin(), torch.stack([x.cos(), x.sin()]).prod(0)

    compiled, random = compile(steps), np.random.default_rng(0)
    for _ in range(4):
        data = random.standard_normal((4, 3))
        found = [[each.detach().numpy() for each in f(torch.tensor(data, requires_grad=True))] for f in (steps, compiled)]
        for want, got in zip(*found):
            np.testing.assert_allclose(got, want, rtol=1e-10)
    assert compiled.eager is None
