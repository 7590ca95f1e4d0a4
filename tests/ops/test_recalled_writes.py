"""Calls that make tensors of nothing, draw random numbers or write into their tensor are recalled, and do what they did."""

import threading

import pytest
from test_recalled_calls import forgotten, in_python, native, same  # noqa: F401 (a fixture)

import lineal as torch
from lineal.core import recalling
from lineal.data.streams import thread_generator

F = torch.nn.functional


@pytest.fixture
def plans(monkeypatch):
    """The plans that were written down, by their functions' names; nothing is known before."""
    found = {}
    forgotten()
    for way in ("written", "written_in_place"):
        method = getattr(recalling.Recall, way)

        def heard(self, *given, method=method):
            found[self.function.__name__] = plan = method(self, *given)
            return plan

        monkeypatch.setattr(recalling.Recall, way, heard)
    return found


def compare(call, times=5):
    """See that a call gives, several times, what it gives where nothing is native; return the last result."""
    for _ in range(times):
        found = call()
        same(found, in_python(call))
    return found


def test_tensors_are_made_of_nothing(plans):
    size = torch.ones(2, 3).shape
    for call in (
        lambda: torch.zeros(size),
        lambda: torch.ones([2, 3], dtype=torch.int32),
        lambda: torch.full((2, 3), -1.5),
        lambda: torch.full((), 7),
        lambda: torch.zeros(0, 3),
        lambda: torch.arange(7),
        lambda: torch.arange(1.0, 9, 0.5),
        lambda: torch.eye(3, 4, dtype=torch.float64),
        lambda: torch.linspace(0, -1, 5),
    ):
        y = compare(call)
        if y.numel():
            y.fill_(3)
            assert not torch.equal(call(), y)
    assert {"zeros", "ones", "full", "arange", "eye", "linspace"} <= plans.keys()


def test_what_new_tensors_depend_on_is_looked_at(plans):
    for _ in range(4):
        torch.zeros(3), torch.zeros(3, dtype=torch.int8), torch.zeros(4), torch.full((3,), 0.0), torch.full((3,), -0.0)
    assert torch.zeros(3, dtype=torch.int8).dtype is torch.int8 and torch.zeros(4).shape == (4,)
    assert not torch.full((3,), 0.0).signbit().any() and torch.full((3,), -0.0).signbit().all()
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.zeros(3).dtype is torch.float64
    finally:
        torch.set_default_dtype(before)
    with torch.device("meta"):
        assert torch.zeros(3).device.type == "meta"
    for _ in range(4):
        assert torch.zeros(3, device="meta").device.type == "meta" and torch.zeros(3).device.type == "cpu"
        assert torch.zeros(3, requires_grad=True).requires_grad and not torch.zeros(3).requires_grad
        out = torch.ones(3)
        assert torch.zeros(3, out=out) is out and out.tolist() == [0, 0, 0]
    with torch.inference_mode():
        assert torch.zeros(3).is_inference()
    with pytest.raises(RuntimeError, match="zeros"):
        torch.zeros(-1)


DRAWS = {
    "rand": lambda x: torch.rand(3, 5),
    "randn": lambda x: torch.randn(x.shape, dtype=torch.float64),
    "randint": lambda x: torch.randint(2, 9, (7,)),
    "randperm": lambda x: torch.randperm(11),
    "normal": lambda x: torch.normal(1.0, 2.0, (6,)),
    "rand_like": torch.rand_like,
    "bernoulli": torch.bernoulli,
    "poisson": torch.poisson,
    "multinomial": lambda x: torch.multinomial(x, 2),
    "dropout": lambda x: F.dropout(x, 0.4),
    "uniform_": lambda x: x.clone().uniform_(1, 2),
    "normal_": lambda x: x.clone().normal_(),
    "exponential_": lambda x: x.clone().exponential_(2.0),
    "geometric_": lambda x: x.clone().geometric_(0.3),
    "cauchy_": lambda x: x.clone().cauchy_(),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_are_those_of_the_function_and_leave_the_same_state(name, plans):
    call, x = DRAWS[name], torch.linspace(0, 1, 12).reshape(3, 4)
    found = []
    for do in (lambda work: work(), in_python):
        torch.manual_seed(5)
        found.append([do(lambda: call(x)) for _ in range(8)] + [torch.get_rng_state(), torch.rand(3)])
    same(*found)
    assert len({each.value.tobytes() for each in found[0][:8]}) == 8 and name in plans
    before = torch.default_generator.state.memory.version
    call(x)
    native_steps = torch.default_generator.state.memory.version - before
    in_python(lambda: call(x))
    assert torch.default_generator.state.memory.version == before + 2 * native_steps


def test_the_derivative_of_what_drops(plans):
    for _ in range(4):
        F.dropout(torch.ones(9, requires_grad=True), 0.5)
    x = torch.ones(9, requires_grad=True)
    y = F.dropout(x, 0.5)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach()) and set(y.tolist()) <= {0.0, 2.0}


def test_what_is_refused_has_drawn_nothing(plans):
    p = torch.full((4,), 0.5)
    for _ in range(4):
        torch.bernoulli(p), torch.multinomial(p, 2)
    state = torch.get_rng_state()
    for wrong in (torch.full((4,), 1.5), torch.full((4,), -0.5)):
        with pytest.raises(RuntimeError):
            torch.bernoulli(wrong)
    with pytest.raises(RuntimeError):
        torch.multinomial(torch.zeros(4), 2)
    assert torch.equal(state, torch.get_rng_state()) and torch.rand(2).shape == (2,)


def test_generators_of_threads_and_of_calls(plans):
    for _ in range(4):
        torch.rand(5)
    state = torch.get_rng_state()
    own = torch.Generator().manual_seed(3)
    first = torch.rand(5, generator=own)
    token = thread_generator.set(torch.Generator().manual_seed(3))
    try:
        assert torch.equal(torch.rand(5), first)
    finally:
        thread_generator.reset(token)
    assert torch.equal(state, torch.get_rng_state())


def test_threads_draw_other_numbers(plans):
    for _ in range(4):
        torch.rand(2), torch.poisson(torch.ones(2))
    found = []

    def work():
        mine = [torch.rand(2).tolist() for _ in range(400)]
        found.extend(map(tuple, mine))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(found)) == 1200


WRITES = {
    "add_": lambda x, y: x.add_(y),
    "mul_": lambda x, y: x.mul_(2.5),
    "iadd": lambda x, y: x.__iadd__(y),
    "clamp_": lambda x, y: x.clamp_(-0.5, 0.5),
    "exp_": lambda x, y: x.exp_(),
    "fill_": lambda x, y: x.fill_(3),
    "zero_": lambda x, y: x.zero_(),
    "copy_": lambda x, y: x.copy_(y),
    "addcmul_": lambda x, y: x.addcmul_(y, y, value=0.5),
    "masked_fill_": lambda x, y: x.masked_fill_(y > 0, 1.0),
    "index_add_": lambda x, y: x.index_add_(0, torch.tensor([0, 0, 2]), y),
    "scatter_": lambda x, y: x.scatter_(1, torch.tensor([[0], [3], [1]]), y),
}


@pytest.mark.parametrize("name", WRITES)
def test_writes_are_those_of_the_function(name, plans):
    """Into tensors, views, what does not lie in order, and what has a history."""
    call, y = WRITES[name], torch.randn(3, 4)

    def story():
        torch.manual_seed(2)
        x, base, leaf = torch.randn(3, 4), torch.randn(6, 4), torch.randn(3, 4, requires_grad=True)
        y = torch.randn(3, 4)
        assert call(x, y) is x
        turned = torch.randn(4, 3).T
        call(turned, y), call(base[1:4], y)
        moved = leaf * 2
        call(moved, y)
        moved.square().sum().backward()
        return x, turned, base, moved, leaf.grad, x._version

    for _ in range(5):
        x = torch.randn(3, 4)
        before = x._version
        call(x, y)
        assert x._version == before + 1
    # a number's own copy is what copy_ writes, and masks choose how much
    assert ("add_" if name == "iadd" else name) in plans or name in ("copy_", "masked_fill_")
    compare(story, 3)


def test_what_may_not_be_written_is_refused(plans):
    y = torch.ones(3)
    for _ in range(5):
        torch.zeros(3).add_(y), torch.zeros(3).normal_()
    leaf = torch.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.add_(y)
    with torch.no_grad():
        leaf.add_(y)
    assert leaf.tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match="single memory"):
        torch.zeros(1).expand(3).add_(y)
    with pytest.raises(RuntimeError, match="read-only"):
        frozen().add_(y)
    with torch.inference_mode():
        made = torch.zeros(3)
    with pytest.raises(RuntimeError, match=r"[Ii]nference"):
        made.add_(y)
    with pytest.raises(RuntimeError):
        torch.zeros(3).add_(torch.ones(2, 3))


def frozen():
    """Return a tensor over memory that may not be written."""
    x = torch.zeros(3)
    x.value.flags.writeable = False
    return x


def test_a_write_is_noticed_by_what_kept_the_old_numbers(plans):
    w = torch.ones(3, requires_grad=True)
    for _ in range(5):
        torch.ones(3).mul_(2.0)
    x = torch.ones(3)
    y = (w * x).sum()
    x.mul_(2.0)
    with pytest.raises(RuntimeError, match=r"changed by `mul_` \(.*test_recalled_writes"):
        y.backward()


def test_a_tensor_and_itself_and_numbers_that_vary(plans):
    for n in range(1, 6):
        x = torch.full((4,), float(n))
        assert x.add_(x).tolist() == [2.0 * n] * 4
        assert x.mul_(n).tolist() == [2.0 * n * n] * 4
        part = torch.arange(6.0)
        part[:3].add_(part[3:])
        assert part.tolist() == [3, 5, 7, 3, 4, 5]


def test_who_listens_hears_of_writes_and_draws(plans):
    def step(x):
        y = torch.zeros(4)
        y.add_(x)
        return y * 2

    for _ in range(5):
        step(torch.ones(4))
    assert torch.func.vmap(step)(torch.ones(3, 4)).tolist() == [[2.0] * 4] * 3
    assert torch.compile(step)(torch.ones(4)).tolist() == [2.0] * 4
    noisy = torch.compile(lambda: torch.rand(4))
    assert not torch.equal(noisy(), noisy()) and not torch.equal(noisy(), torch.rand(4))


def test_ops_that_nobody_differentiates_are_one(plans):
    x, w = torch.randn(3, 4), torch.randn(3, 4, requires_grad=True)
    for call in (F.mish, F.glu, lambda x: torch.count_nonzero(x), lambda x: torch.outer(x[0], x[1])):
        compare(lambda call=call: call(x))
        assert call is not F.glu or [step.op.key for step in plans["glu"].steps] == ["Compound"]
        compare(lambda call=call: call(w))
        assert call is not F.glu or [step.op.key for step in plans["glu"].steps] != ["Compound"]
    assert {"mish", "glu", "count_nonzero"} <= plans.keys()
    (grad,) = torch.autograd.grad(F.mish(w).sum(), w)
    same(grad, in_python(lambda: torch.autograd.grad(F.mish(w).sum(), w))[0])
    with torch.no_grad():
        compare(lambda: F.mish(w))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bfloat16])
def test_places_along_an_axis(dtype, plans):
    """Places that repeat, to second order; what is out of range is refused after as before."""
    x = torch.arange(12).reshape(3, 4).to(dtype)
    y = torch.arange(12, 24).reshape(3, 4).to(dtype)
    j, rows = torch.tensor([[0, 0, 3, 1], [2, 2, 2, 2], [3, 1, 1, 0]]), torch.tensor([2, 0, 2])
    for call in (
        lambda: x.gather(1, j),
        lambda: x.gather(0, j[:2] % 3),
        lambda: x.scatter(1, j, y),
        lambda: x.scatter(1, j, 5),
        lambda: x.scatter_add(1, j, y),
        lambda: x.T.scatter_add(0, j.T, y.T),
        lambda: x.index_add(0, rows, y),
        lambda: x.index_add(1, torch.tensor([1, 1]), y[:, :2]),
        lambda: x.index_select(1, rows),
        lambda: torch.take_along_dim(x, j, 1),
        lambda: x[rows],
        lambda: x.tril(-1),
        lambda: x.T.triu(),
    ):
        for _ in range(130):
            call()
        compare(call, 2)
    for wrong in (lambda: x.gather(1, j + 1), lambda: x.scatter_add(1, j - 1, y), lambda: x.index_add(0, rows + 1, y)):
        with pytest.raises((RuntimeError, IndexError), match="out of bounds"):
            wrong()


def test_sizes_that_are_counted_from_the_end_and_numbers_that_are_large(plans):
    x = torch.randn(3, 4)
    compare(lambda: x.flip(-1)), compare(lambda: x.reshape(-1)), compare(lambda: torch.logsumexp(x, -1))
    compare(lambda: torch.full((2,), 1 << 62)), compare(lambda: torch.full((2,), float(1 << 70)))
    y = x.reshape(-1)
    assert y.data_ptr() == x.data_ptr() and y._base is x and "reshape" in plans
    y.zero_()
    assert not x.any()
