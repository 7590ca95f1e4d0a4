"""Sizes that vary: one code for all of them, equal to eager code at each, compiled a handful of times."""

import copy
import gc
import random
import warnings
import weakref

import numpy as np
import pytest

import lineal as torch
from lineal import nn, optim
from lineal.codegen.template import TemplateEmitter
from lineal.compiler.calling import general, program, sizes
from lineal.compiler.kernels import products
from lineal.compiler.kernels.sketch import Module
from lineal.compiler.nodes.buffers import Buffer, BufferView
from lineal.compiler.nodes.node import Product
from lineal.compiler.scheduling.grouping import Group
from lineal.linalg import solve
from lineal.nn import functional as F

SIZES = (7, 12, 5, 1, 9, 17, 33, 130, 0, 16, 1000)


@pytest.fixture
def at_once(monkeypatch):
    """Let all sizes share code from the second one on."""
    monkeypatch.setattr(sizes, "OWN", 0)
    monkeypatch.setattr(general, "FEWEST", 2)


def filled(*shape, seed=0):
    return torch.tensor(np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32))


def close(a, b, tolerance=3e-4):
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    a, b = a.detach().numpy(), b.detach().numpy()
    most = np.abs(b[np.isfinite(b)]).max(initial=1)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * most)


def outcome(function, args):
    """Return what a function returns as a tuple, or the type of its error."""
    try:
        found = function(*args)
    except Exception as error:
        return type(error)
    return found if isinstance(found, tuple) else (found,)


def agree(function, compiled, args):
    wanted, found = outcome(function, args), outcome(compiled, args)
    if isinstance(wanted, type) or isinstance(found, type):
        assert wanted == found
        return
    for a, b in zip(found, wanted, strict=True):
        close(a, b)


W, V, BIG, SQUARE = filled(20, 10), filled(10), filled(64, 300), filled(6, 6)


def by_shape(x):
    return x * 2 if x.shape[0] % 2 else x + x.shape[0]


def by_numbers(x):
    return x * 2 if x.sum() > 0 else x - 1


def attention(x):
    return torch.softmax(x @ x.transpose(1, 2) / 8**0.5, dim=-1) @ x


def written(x):
    y = x.clone()
    y[1:].mul_(3)
    y[:, 0] = 1
    return y, y.sum(0)


N, M = "n", "m"
FUNCTIONS = {
    "elementwise": (lambda x: (torch.exp(x) * 2 + torch.sin(x) / 3, (x > 0).sum(), x.mean()), [(N,)]),
    "reductions": (lambda x: (x.sum(0), x.sum(1), x.prod(1), x.amax(0), x.std(1), x.norm()), [(N, 3)]),
    "rows": (lambda x: (F.layer_norm(x, (40,)), torch.softmax(x, 1), torch.log_softmax(x, 0)), [(N, 40)]),
    "product": (lambda x: torch.softmax(x @ W, dim=1), [(N, 20)]),
    "large product": (lambda x: torch.relu(x @ BIG) @ BIG.t(), [(N, 64)]),
    "one column": (lambda x: (x @ V, x.t() @ x[:, :1]), [(N, 10)]),
    "outer products": (lambda x, y: (x.t() @ y, x @ x.t()), [(N, 5), (N, 7)]),
    "attention": (attention, [(2, N, 8)]),
    "scans": (lambda x: (x.cumsum(0), x.cumsum(1), x.cumprod(1), x.logsumexp(0)), [(N, 8)]),
    "structure": (lambda x: (x.flip(0), torch.cat([x, x * 2]), x.roll(2, 0), F.pad(x, (1, 2)), x[::2], x[1:]), [(N, 6)]),
    "places": (lambda x: (x.argmax(1), x.sort(1).values, x.topk(2, 1).indices, x.tril(), x.triu(1)), [(N, 6)]),
    "made of sizes": (lambda x: (torch.arange(x.shape[0]) * 2.0 + x, torch.linspace(0, 1, x.shape[0])), [(N,)]),
    "indices": (lambda x: (x[x.argsort(0)[:, 0]], x.gather(1, x.argsort(1))), [(N, 6)]),
    "systems": (lambda x: solve(x @ x.transpose(1, 2) + 4 * torch.eye(4), x), [(N, 4, 4)]),
    "two sizes": (lambda x: (x.sum(0) + 1, x.sum(1), x.t() @ x, x / (1 + x.norm())), [(N, M)]),
    "views": (lambda x: (x.reshape(-1), x.reshape(x.shape[0], 2, 5).transpose(1, 2)), [(N, 10)]),
    "host step": (lambda x: (x.to(torch.complex64) * 2j).abs() + 1, [(N, 3)]),
    "writes": (written, [(N, 10)]),
    "branch by shape": (by_shape, [(N, 10)]),
    "branch by numbers": (by_numbers, [(N, 10)]),
}


def shaped(shape, n, m):
    return tuple({N: n, M: m}.get(each, each) for each in shape)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_size_equals_eager_code(name, at_once):
    function, shapes = FUNCTIONS[name]
    compiled = torch.compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for turn, n in enumerate(SIZES):
            args = [filled(*shaped(shape, n, SIZES[turn * 3 % 7]), seed=k) for k, shape in enumerate(shapes)]
            for _ in range(3):
                agree(function, compiled, args)
    assert compiled.eager is None
    assert len(compiled.sizes.bound) >= 7
    assert compiled.sizes.compilations <= 8


STEPS = (
    lambda a, b: a + b,
    lambda a, b: a * torch.sigmoid(b),
    lambda a, b: a - b.mean(0),
    lambda a, b: a / (1 + b.abs().sum(1, keepdim=True)),
    lambda a, b: torch.relu(a @ SQUARE) + b,
    lambda a, b: a @ (b.t() @ a) / (1 + a.shape[0]),
    lambda a, b: torch.cat([a[1:], b[:1]]),
    lambda a, b: a.cumsum(0) / (1 + a.shape[0]) + b.flip(0),
    lambda a, b: torch.where(a > b, a, b),
    lambda a, b: torch.softmax(a, 1) + b.amax(0),
)


def random_function(seed):
    """Return a function of two tensors of some rows of six numbers."""
    choose = random.Random(seed)
    path = [(choose.choice(STEPS), choose.random() < 0.5) for _ in range(5)]

    def function(a, b):
        for step, turned in path:
            a, b = (step(b, a), a) if turned else (step(a, b), b)
        return a, b.sum()

    return function


@pytest.mark.parametrize("seed", range(12))
def test_random_functions_equal_eager_code_at_any_size(seed, at_once):
    function = random_function(seed)
    compiled = torch.compile(function)
    for n in random.Random(seed).sample(range(1, 90), 6):
        for _ in range(3):
            agree(function, compiled, (filled(n, 6), filled(n, 6, seed=1)))


def perceptron():
    return nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.LayerNorm(32), nn.Linear(32, 10))


def step_of(net, opt):
    def step(x, t):
        opt.zero_grad()
        loss = F.cross_entropy(net(x), t)
        loss.backward()
        opt.step()
        return loss

    return step


@pytest.mark.parametrize("optimizer", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.Adam(p, lr=0.01)])
def test_training_with_many_batch_sizes_compiles_a_handful_of_programs(optimizer):
    torch.manual_seed(0)
    net = perceptron()
    twin = copy.deepcopy(net)
    eager, step = step_of(net, optimizer(net.parameters())), torch.compile(step_of(twin, optimizer(twin.parameters())))
    choose = random.Random(0)
    for n in [choose.choice((3, 20, 41, 64, 65, 100, 130, 200)) for _ in range(60)]:
        x, t = filled(n, 12), torch.tensor(np.random.default_rng(n).integers(0, 10, n))
        close(step(x, t), eager(x, t))
    for a, b in zip(twin.parameters(), net.parameters()):
        close(a, b, 1e-3)
        close(a.grad, b.grad, 1e-3)
    assert len(step.sizes.bound) >= 5
    assert step.sizes.compilations <= 6


@pytest.mark.parametrize("step", [41, pytest.param(1, marks=pytest.mark.slow)])
def test_a_thousand_sizes_compile_a_handful_of_programs(step):
    function = lambda x: (torch.softmax(x * 2 + 1, 1), (x * x).sum())
    compiled = torch.compile(function)
    for _ in range(2):
        for n in range(1, 1001, step):
            x = filled(n, 5)
            for a, b in zip(compiled(x), function(x), strict=True):
                close(a, b)
    assert compiled.sizes.compilations <= 6
    assert len(compiled.sizes.bound) > 900 // step
    ran = compiled.sizes.compilations
    compiled(filled(5000, 5))
    assert compiled.sizes.compilations == ran


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3])
def test_norms_of_nothing_at_any_size(p, at_once):
    function = lambda x: torch.linalg.vector_norm(x, p, 0)
    compiled = torch.compile(function)
    for n in (5, 7, 0, 9, 0, 3):
        for _ in range(2):
            agree(function, compiled, (filled(n, 2),))


def test_the_way_back_outside_of_the_function_at_any_size(at_once):
    function = lambda x, w: torch.tanh(x @ w).cumsum(0).sum(1)
    compiled = torch.compile(function)
    for n in (4, 9, 6, 30, 5):
        for _ in range(3):
            grads = []
            for each in (function, compiled):
                x, w = filled(n, 6).requires_grad_(True), filled(6, 3).requires_grad_(True)
                (each(x, w) ** 2).sum().backward()
                grads.append((x.grad, w.grad))
            for a, b in zip(*grads, strict=True):
                close(a, b)
    assert compiled.sizes.bound


def test_numbers_that_vary_share_code(at_once):
    function = lambda x, scale, count: x * scale + count
    compiled = torch.compile(function)
    for k in range(1, 30):
        for _ in range(2):
            agree(function, compiled, (filled(5), k / 7, k))
    assert compiled.sizes.compilations <= 4


def test_the_first_two_sizes_have_programs_of_their_own():
    compiled = torch.compile(lambda x: x * 2 + 1)
    for n in (4, 9):
        compiled(filled(n))
        compiled(filled(n))
        assert compiled.last.codes is None
    for _ in range(3):
        compiled(filled(11))
    assert compiled.last.codes is not None
    compiled(filled(9))
    assert compiled.last.codes is None


def test_a_size_that_is_called_very_often_gets_a_program_of_its_own(at_once, monkeypatch):
    monkeypatch.setattr(program, "HOT", 5)
    function = lambda x: torch.exp(x) + 1
    compiled = torch.compile(function)
    for n in (3, 5, 8):
        for _ in range(12):
            agree(function, compiled, (filled(n),))
        assert compiled.last.codes is None
    assert len(next(iter(compiled.programs.values()))) == 2


def rows_apart(x):
    total = x[0] * 0
    for k, row in enumerate(x):
        total = torch.sin(total + row * k)
    return total


def test_what_is_another_program_at_each_size_ends_in_eager_code_with_one_warning(monkeypatch):
    monkeypatch.setattr(general, "MOST", 4)
    compiled = torch.compile(rows_apart)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            for n in range(1, 24):
                x = filled(n, 3)
                close(compiled(x), rows_apart(x))
    assert compiled.sizes.compilations <= sizes.OWN + general.MOST
    said = [str(each.message) for each in caught if "runs eagerly for some arguments" in str(each.message)]
    assert len(said) == 1
    assert "size 0 of tensor 0" in said[0] and "pad or bucket" in said[0]
    assert compiled.eager is None


def test_what_was_bound_lets_go_of_arguments(at_once):
    compiled = torch.compile(lambda x: torch.exp(x).sum())
    seen = []
    for n in (3, 5, 8, 13):
        x = filled(n, 4)
        for _ in range(3):
            compiled(x)
        seen.append(weakref.ref(x))
    del x
    gc.collect()
    # the first samples are compiled for; what shares their code holds nothing
    assert sum(each() is not None for each in seen) == 0


@pytest.mark.parametrize("seed", range(20))
def test_the_code_of_a_product_is_what_its_form_says(seed):
    choose = random.Random(seed)
    side = lambda: choose.choice((1, 2, 3, 5, 8, 13, 16, 40, 64, 100, 300))
    spread, lead = choose.random() < 0.5, choose.choice(((), (3,), (2, 5)))

    def product(m, n, k):
        """Return a group that multiplies matrices, either of which may be turned."""
        found = []
        for number, (rows, columns) in enumerate(((m, k), (k, n))):
            turned = layouts[number]
            buffer = Buffer(number, (*lead, *((columns, rows) if turned else (rows, columns))), np.dtype(np.float32), "input")
            steps = (*buffer.strides[:-2], *(buffer.strides[:-3:-1] if turned else buffer.strides[-2:]))
            found.append(BufferView(buffer, (*lead, rows, columns), steps))
        group = Group(0, None)
        group.add(Product(Buffer(2, (*lead, m, n), np.dtype(np.float32), "made"), *found))
        group.stored = list(group.nodes[0].writes)
        return group

    layouts = [choose.random() < 0.5 for _ in range(2)]
    known = {}
    for _ in range(12):
        group = product(side(), side(), side())
        e = TemplateEmitter(spread=spread)
        form = products.form_of(e, group.nodes[0])
        if form is None:
            continue
        products.write_product(e, group, "loop")
        module = Module.of(e)
        before = known.setdefault(form, module).renumbered(form.numbers)
        assert before.template == module.template
        assert before.numbers.tolist() == module.numbers.tolist()
