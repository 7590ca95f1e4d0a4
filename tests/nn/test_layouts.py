"""Where results lie: every layer and every family of ops against a table of rules, in each layout, eager and compiled."""

import numpy as np
import pytest

import lineal
import lineal.nn.functional as F
from lineal import nn
from lineal.base.layouts import dense_steps, iterated, last_steps, preserved

N, C, SIZES = 2, 4, (5, 6, 7)


def images(n, order, channels=C, batch=N):
    """Return a tensor (N, C, …) of n places' dimensions whose axes follow each other in memory in an order."""
    shape = (batch, channels, *SIZES[:n])
    order = {"dense": tuple(range(n + 2)), "last": (0, *range(2, n + 2), 1), "reversed": tuple(range(n + 2))[::-1]}[order]
    array = np.random.default_rng(0).standard_normal(shape).astype(np.float32).transpose(order)
    return lineal.from_numpy(np.ascontiguousarray(array)).permute(np.argsort(order).tolist())


def suggested(y, x):
    return last_steps(y.shape) if x.stride(1) == 1 and x.stride(-1) == x.shape[1] else dense_steps(y.shape)


def in_order(y, x):
    return dense_steps(y.shape)


def alike(y, x):
    return preserved(x.shape, x.stride())


def of_first(y, x):
    return iterated(tuple(y.shape), ((tuple(x.shape), x.stride()),))


def seeded(make):
    lineal.manual_seed(0)
    return make()


RULES = {
    suggested: {
        "conv": lambda n: seeded(lambda: getattr(nn, f"Conv{n}d")(C, 3, 3, padding=1, stride=2)),
        "transposed": lambda n: seeded(lambda: getattr(nn, f"ConvTranspose{n}d")(C, 3, 3, stride=2)),
        "depthwise": lambda n: seeded(lambda: getattr(nn, f"Conv{n}d")(C, C, 3, groups=C)),
        "batch norm": lambda n: getattr(nn, f"BatchNorm{n}d")(C),
        "group norm": lambda n: nn.GroupNorm(2, C),
        "max pool": lambda n: getattr(nn, f"MaxPool{n}d")(2, 2, return_indices=True),
        "nearest": lambda n: nn.Upsample(scale_factor=2),
        "linear": lambda n: nn.Upsample(scale_factor=2, mode={2: "bilinear", 3: "trilinear"}[n]),
        "constant pad": lambda n: getattr(nn, f"ConstantPad{n}d")(1, 2.0),
        "reflection pad": lambda n: getattr(nn, f"ReflectionPad{n}d")(1),
        "cat": lambda n: lambda x: lineal.cat([x, x], 1),
        "mean of all": lambda n: getattr(nn, f"AdaptiveAvgPool{n}d")(1),
    },
    in_order: {
        "instance norm": lambda n: getattr(nn, f"InstanceNorm{n}d")(C),
        "layer norm": lambda n: nn.LayerNorm(SIZES[:n]),
        "softmax": lambda n: nn.Softmax(1),
        "sum": lambda n: lambda x: (x.sum(1, keepdim=True), x.mean((0, 2)), x.amax(0), x.var(1)),
        "circular pad": lambda n: getattr(nn, f"CircularPad{n}d")(1),
        "cumulative": lambda n: lambda x: x.cumsum(1),
        "gather": lambda n: lambda x: x.index_select(0, lineal.tensor([1, 0])),
    },
    alike: {
        "relu": lambda n: nn.ReLU(),
        "gelu": lambda n: nn.GELU(),
        "silu": lambda n: nn.SiLU(),
        "hardtanh": lambda n: nn.Hardtanh(),
        "mixed sum": lambda n: lambda x: x + x.contiguous(),
        "channel by channel": lambda n: lambda x: x * lineal.ones(C, *[1] * n),
        "clone": lambda n: lambda x: x.clone(),
        "like": lambda n: lambda x: (lineal.zeros_like(x), lineal.full_like(x, 2.0)),
        "cast": lambda n: lambda x: x.to(lineal.float64),
        "flip": lambda n: lambda x: x.flip(1),
        "sort": lambda n: lambda x: x.sort(1)[0],
        "dropout": lambda n: getattr(nn, f"Dropout{n}d")(0.5),
    },
    of_first: {"of a part": lambda n: lambda x: x[:, 1:] * 2.0},
}
FLAT = {
    "average pool": lambda: nn.AvgPool2d(2),
    "adaptive": lambda: nn.AdaptiveMaxPool2d(2, return_indices=True),
    "cubic": lambda: nn.Upsample(scale_factor=2, mode="bicubic"),
    "shuffle": lambda: nn.PixelShuffle(2),
    "unshuffle": lambda: lambda x: F.pixel_unshuffle(x[:, :, :4], 2),
}
CASES = [(rule, name, make, n) for rule, table in RULES.items() for name, make in table.items() for n in (2, 3)]
CASES += [(suggested, name, lambda n, make=make: make(), 2) for name, make in FLAT.items()]


def tensors(y):
    return y if isinstance(y, tuple) else (y,)


@pytest.mark.parametrize("order", ["dense", "last", "reversed"])
@pytest.mark.parametrize(("rule", "name", "make", "n"), CASES, ids=[f"{name} {n}" for _, name, _, n in CASES])
def test_results_lie_as_the_rule_says(rule, name, make, n, order):
    x, function = images(n, order), make(n)
    if name == "unshuffle":
        x = x.contiguous(memory_format=lineal.channels_last) if order == "last" else x
    for y in tensors(function(x)):
        source = x[:, 1:] if rule is of_first else x[:, :, :4] if name == "unshuffle" else x
        if rule is alike and y.shape != x.shape:
            continue
        assert y.stride() == rule(y, source), (y.shape, y.stride())


@pytest.mark.parametrize("order", ["last", pytest.param("reversed", marks=pytest.mark.slow)])
def test_compiled_results_lie_likewise(order):
    x = images(2, order)
    functions = [make(2) for rule, table in RULES.items() for name, make in table.items() if name != "dropout"]

    def together(x):
        return [y for function in functions for y in tensors(function(x))]

    compiled = lineal.compile(together)
    wanted = [y.stride() for y in together(x)]
    for _ in range(3):
        assert [y.stride() for y in compiled(x)] == wanted
    assert compiled.eager is None


def net():
    return seeded(
        lambda: nn.Sequential(nn.Conv2d(C, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.ConvTranspose2d(3, 2, 1))
    )


@pytest.mark.parametrize("order", ["dense", "last"])
def test_grads_lie_as_their_leaves(order):
    model = net().to(memory_format=lineal.channels_last)
    x = images(2, order).requires_grad_()

    def step(x):
        model.zero_grad()
        (model(x) ** 2).mean().backward()

    for run in (step, compiled := lineal.compile(step), compiled, compiled):
        run(x)
        assert model[0].weight.grad.stride() == model[0].weight.stride() == last_steps((3, C, 3, 3))
        assert x.grad.stride() == x.stride()
        numbers = [p.grad.clone() for p in model.parameters()]
    plain = net()
    (plain(images(2, "dense")) ** 2).mean().backward()
    for grad, p in zip(numbers, plain.parameters()):
        lineal.testing.assert_close(grad, p.grad, rtol=1e-4, atol=1e-6)


def test_a_channels_last_weight_is_enough():
    x, w = images(2, "dense"), lineal.rand(3, C, 3, 3)
    assert F.conv2d(x, w).is_contiguous()
    assert F.conv2d(x, w.to(memory_format=lineal.channels_last)).is_contiguous(memory_format=lineal.channels_last)


@pytest.mark.parametrize(("channels", "sizes"), [(1, (4, 5)), (3, (1, 1)), (1, (1, 1))])
def test_sizes_of_one_are_told_by_their_strides(channels, sizes):
    shape = (2, channels, *sizes)
    x = lineal.rand(shape)
    last = lineal.empty(shape, memory_format=lineal.channels_last).copy_(x)
    ambiguous = channels == 1 and sizes == (1, 1)
    for each, is_last in ((x, False), (last, not ambiguous)):
        assert each.is_contiguous() and each.is_contiguous(memory_format=lineal.channels_last)
        y = F.conv2d(each, lineal.rand(4, channels, 1, 1), padding=1)
        assert y.stride() == (last_steps if is_last else dense_steps)(tuple(y.shape))
        assert each.clone().stride() == each.stride()
