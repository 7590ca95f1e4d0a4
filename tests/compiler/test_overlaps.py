"""Programs that write to memory, given arrays that share it: few of them, and so many that a table is compared."""

import ctypes

import numpy as np
import pytest

import lineal as torch
from lineal.codegen import target
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import Engine
from lineal.codegen.kinds import int64, pointer
from lineal.compiler import compile
from lineal.compiler.kernels.overlaps import FEW, meeting
from lineal.compiler.nodes.buffers import Buffer

MANY = FEW


def shifted(*xs):
    """Write into every argument what depends on all of them."""
    total = sum(xs[1:], xs[0] * 1.0)
    for n, x in enumerate(xs):
        x.add_(total * (n + 1))
    return total


def given(count, shared):
    """Return vectors of which `shared` (pairs of places) overlap by half."""
    xs = [torch.arange(8.0) + n for n in range(count)]
    for one, other in shared:
        both = torch.arange(12.0) * (one + 1)
        xs[one], xs[other] = both[:8], both[4:]
    return xs


@pytest.mark.parametrize("count", [3, MANY])
@pytest.mark.parametrize("shared", [[], [(0, 1)], [(2, 1)], [(-1, 0), (1, -2)]])
def test_arguments_that_overlap(count, shared):
    compiled = compile(shifted)
    compiled(*given(count, []))
    for pairs in (shared, []):
        ours, eager = given(count, pairs), given(count, pairs)
        assert torch.equal(compiled(*ours), shifted(*eager))
        for x, y in zip(ours, eager):
            np.testing.assert_array_equal(x.numpy(), y.numpy())


@pytest.mark.parametrize("count", [2, MANY])
@pytest.mark.parametrize("place", [0, -1])
def test_grads_that_are_the_parameters_themselves(count, place):
    """The update of one parameter must not change the grad of another, or its own while it is read."""

    def trained(step):
        parameters = [torch.nn.Parameter(torch.arange(1.0, 5.0) + n) for n in range(count)]
        optimizer = torch.optim.SGD(parameters, lr=0.5, momentum=0.5)
        for each in parameters:
            each.grad = torch.ones(4)
        run = step(optimizer.step)
        for _ in range(3):
            run()
        parameters[place].grad = parameters[place - 1].detach()
        parameters[place - 1].grad = parameters[place].detach()[[3, 2, 1, 0]]
        for _ in range(2):
            run()
        return [each.detach().numpy() for each in parameters]

    for ours, eager in zip(trained(lambda step: compile(lambda: step())), trained(lambda step: step)):
        np.testing.assert_array_equal(ours, eager)


def test_code_grows_with_the_number_of_parameters_not_with_its_square():
    def lines(count):
        parameters = [torch.nn.Parameter(torch.ones(4) * n) for n in range(count)]
        for each in parameters:
            each.grad = torch.ones(4)
        optimizer = torch.optim.SGD(parameters, lr=0.5, momentum=0.5)
        step = compile(lambda: optimizer.step())
        for _ in range(3):
            step()
        return len(step.last.llvm().splitlines())

    few, many = lines(40), lines(80)
    assert many < 2.5 * few


@pytest.mark.parametrize("level", ["scalar", "sse", "avx2", "avx512"])
@pytest.mark.parametrize("count", [3, 16])
@pytest.mark.parametrize("lengths", [(4, 4), (1, 7)])
def test_what_counts_as_meeting(level, count, lengths):
    """Neighbours do not meet, an array does not meet itself, one element in common is enough."""
    if target.level(level).bits > target.detected().bits:
        pytest.skip(f"this processor has no {level}")
    sizes = [lengths[n % 2] for n in range(count)]
    buffers = [Buffer(n, (size,), np.dtype(np.float32), "input") for n, size in enumerate(sizes)]
    e = Emitter(target.level(level))
    with e.function("f", [("places", pointer), ("found", pointer)]) as (places, found):
        address = {buffer: e.load(places, pointer, n) for n, buffer in enumerate(buffers)}
        met = meeting(e, address, buffers[: count // 2 + 1], buffers)
        e.store(e.select(met, e.const(1, int64), 0), found)
    library = Engine(e.target, None).build(e, ["f"])
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(library["f"])

    def meet(starts):
        addresses, answer = np.array(starts, np.int64) * 4 + 4096, np.zeros(1, np.int64)
        function(addresses.ctypes.data, answer.ctypes.data)
        return bool(answer[0])

    apart = [sum(sizes[:n]) for n in range(count)]
    assert not meet(apart) and not meet([-each for each in np.cumsum(sizes)])
    for one in range(count // 2 + 1):
        for other in range(count):
            moved = list(apart)
            moved[other] = apart[one] + sizes[one] - 1
            assert meet(moved) == (one != other or sizes[one] > 1)
