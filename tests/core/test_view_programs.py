"""Random programs of views, writes and arithmetic: the numbers are NumPy's, the gradients those of finite differences.

A program is a list of instructions on a pool of arrays that look into each other. It is drawn while NumPy runs it, so that
every instruction fits the shapes it finds; then lineal runs it with gradients. `Numbers` and `Tensors` say what an instruction
is in the two languages.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import lineal as torch

DRAWN = settings(max_examples=120, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
STEP = 1e-5


class Numbers:
    """The instructions in NumPy."""

    def constant(self, value):
        return np.array(value)

    def slice(self, a, key):
        return a[key]

    def transpose(self, a, d, e):
        return a.swapaxes(d, e)

    def view(self, a, shape):
        return a.reshape(shape, copy=False)

    def expand(self, a, shape):
        return np.broadcast_to(a, shape)

    def diagonal(self, a):
        d = np.arange(min(a.shape[:2]))
        steps = (*a.strides[2:], a.strides[0] + a.strides[1])
        return np.lib.stride_tricks.as_strided(a, (*a.shape[2:], len(d)), steps)

    def unbind(self, a, dim, place):
        return np.moveaxis(a, dim, 0)[place, ...]

    def split(self, a, size, dim, place):
        return np.moveaxis(np.moveaxis(a, dim, 0)[place * size : (place + 1) * size], 0, dim)

    def real(self, a):
        return a.view(np.complex128)[..., 0].real

    def imag(self, a):
        return a.view(np.complex128)[..., 0].imag

    def add(self, a, b, safely):
        return a * 0.5 + b

    def mul(self, a, b, safely):
        return np.sin(a * b)

    def gather(self, a, index):
        return a[index]

    def add_(self, a, b):
        a += b

    def mul_(self, a, b):
        a *= np.cos(b)

    def scale_(self, a, number):
        a *= number

    def copy_(self, a, b):
        a[...] = b.copy()

    def fill_(self, a, number):
        a[...] = number

    def masked_fill_(self, a, mask, number):
        a[mask] = number

    def set_number(self, a, key, number):
        a[key] = number

    def set_tensor(self, a, b, key):
        a[key] = b.copy()

    def add_at(self, a, b, key):
        np.add.at(a, key, b.copy())


class Tensors:
    """The instructions in lineal; without `safely`, arithmetic keeps tensors that later writes may change."""

    def constant(self, value):
        return torch.tensor(np.array(value))

    def slice(self, a, key):
        return a[key]

    def transpose(self, a, d, e):
        return a.transpose(d, e)

    def view(self, a, shape):
        return a.view(shape)

    def expand(self, a, shape):
        return a.expand(shape)

    def diagonal(self, a):
        return a.diagonal()

    def unbind(self, a, dim, place):
        return a.unbind(dim)[place]

    def split(self, a, size, dim, place):
        return a.split(size, dim)[place]

    def real(self, a):
        return torch.view_as_complex(a).real

    def imag(self, a):
        return torch.view_as_complex(a).imag

    def add(self, a, b, safely):
        return a * 0.5 + b

    def mul(self, a, b, safely):
        return ((a.clone() * b.clone()) if safely else a * b).sin()

    def gather(self, a, index):
        return a[torch.tensor(index)]

    def add_(self, a, b):
        a.add_(b)

    def mul_(self, a, b):
        a.mul_(b.clone().cos())

    def scale_(self, a, number):
        a *= number

    def copy_(self, a, b):
        a.copy_(b)

    def fill_(self, a, number):
        a.fill_(number)

    def masked_fill_(self, a, mask, number):
        a.masked_fill_(torch.tensor(mask), number)

    def set_number(self, a, key, number):
        a[key if isinstance(key, tuple) else torch.tensor(key)] = number

    def set_tensor(self, a, b, key):
        a[key if isinstance(key, tuple) else torch.tensor(key)] = b

    def add_at(self, a, b, key):
        a.index_put_((torch.tensor(key),), b.expand(len(key), *a.shape[1:]), accumulate=True)


WRITES = ("add_", "mul_", "scale_", "copy_", "fill_", "masked_fill_", "set_number", "set_tensor", "add_at")
MAKERS = ("slice", "transpose", "view", "expand", "diagonal", "unbind", "split", "real", "imag", "add", "mul", "gather")


def execute(language, program, pool):
    """Run a program on `pool`, which grows by what it makes; integers at the marked places name entries of the pool."""
    for name, operands, attributes in program:
        made = getattr(language, name)(*[pool[each] for each in operands], *attributes)
        if name not in WRITES:
            pool.append(made)
    return pool


def basic_key(draw, shape):
    key = []
    for size in shape[: draw(st.integers(1, max(len(shape), 1)))]:
        kind = draw(st.sampled_from("isn"))
        if kind == "i" and size:
            key.append(draw(st.integers(-size, size - 1)))
        else:
            low = draw(st.integers(0, max(size - 1, 0)))
            key.append(slice(low, draw(st.integers(low, size)), draw(st.integers(1, 2))))
        if kind == "n":
            key.append(None)
    return (*key, Ellipsis)


def fits(a, pool):
    """Return the entries of the pool that broadcast to the shape of `a`."""
    found = []
    for place, each in enumerate(pool):
        try:
            if np.broadcast_shapes(each.shape, a.shape) == a.shape:
                found.append(place)
        except ValueError:
            pass
    return found


def mates(a, pool):
    """Return the entries of the pool that combine with `a` to something not large."""
    found = []
    for place, each in enumerate(pool):
        try:
            if np.prod(np.broadcast_shapes(each.shape, a.shape)) <= 24:
                found.append(place)
        except ValueError:
            pass
    return found


def viewed(draw, name, a):
    """Return the attributes of a view instruction on `a`, or None if it takes no such view."""
    n = a.ndim
    if name == "slice":
        return (basic_key(draw, a.shape),) if n else None
    if name == "transpose":
        return (draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))) if n > 1 else None
    if name == "view":
        shapes = [(-1,), (1, *a.shape), a.shape[::-1], (a.size, 1)]
        return (draw(st.sampled_from(shapes)),) if a.flags.c_contiguous and a.size else None
    if name == "expand":
        shape = tuple(draw(st.integers(1, 3)) if size == 1 else size for size in a.shape)
        return ((2, *shape),) if draw(st.booleans()) else (shape,)
    if name == "diagonal":
        return () if n > 1 else None
    if name == "unbind":
        dim = draw(st.integers(0, n - 1)) if n else 0
        return (dim, draw(st.integers(0, a.shape[dim] - 1))) if n and a.shape[dim] else None
    if name == "split":
        dim = draw(st.integers(0, n - 1)) if n else 0
        if not n or not a.shape[dim]:
            return None
        size = draw(st.integers(1, a.shape[dim]))
        return size, dim, draw(st.integers(0, -(-a.shape[dim] // size) - 1))
    whole = n and a.shape[-1] == 2 and a.strides[-1] == a.itemsize and all(step % 16 == 0 for step in a.strides[:-1])
    return () if whole and a.ctypes.data % 16 == 0 and a.flags.writeable and a.size else None


def one_of_several(program, place):
    """Return whether entry `place` of the pool looks into an output of `unbind` or `split`, which may not be written."""
    made = [each for each in program if each[0] not in WRITES]
    while place >= 2:
        name, operands, _ = made[place - 2]
        if name in ("unbind", "split", "add", "mul", "gather"):
            return name in ("unbind", "split")
        place = operands[0]
    return False


def instruction(draw, pool, program):
    """Draw one instruction that fits the arrays in `pool`, which `program` has made, or None."""
    name = draw(st.sampled_from(MAKERS + WRITES + ("mul", "mul_", "set_tensor", "set_tensor", "add_at")))
    target = draw(st.integers(0, len(pool) - 1))
    a = pool[target]
    number = draw(st.sampled_from((-1.5, 0.0, 0.5, 2.0)))
    if name in ("add", "mul"):
        mate = draw(st.sampled_from([*mates(a, pool), None]))
        return None if mate is None else (name, (target, mate), None)
    if name == "gather":
        index = draw(st.lists(st.integers(-a.shape[0], a.shape[0] - 1), max_size=3)) if a.ndim and a.shape[0] else None
        return None if index is None else (name, (target,), (np.array(index, dtype=np.int64),))
    if name in MAKERS:
        attributes = viewed(draw, name, a)
        return None if attributes is None else (name, (target,), attributes)
    if not a.flags.writeable or one_of_several(program, target):
        return None
    if name in ("add_", "mul_", "copy_"):
        return name, (target, draw(st.sampled_from(fits(a, pool)))), ()
    if name in ("scale_", "fill_"):
        return name, (target,), (number,)
    if name == "masked_fill_":
        mask = np.array(draw(st.lists(st.booleans(), min_size=a.size, max_size=a.size)), dtype=bool)
        return name, (target,), (mask.reshape(a.shape), number)
    return indexed_write(draw, name, pool, target, number)


def indexed_write(draw, name, pool, target, number):
    a = pool[target]
    if name != "add_at" and draw(st.booleans()):
        key = basic_key(draw, a.shape) if a.ndim else (Ellipsis,)
    elif not a.ndim or not a.shape[0]:
        return None
    else:
        unique = name != "add_at"
        places = st.lists(st.integers(0, a.shape[0] - 1), min_size=1, max_size=3, unique=unique)
        key = np.array(draw(places), dtype=np.int64)
    if name == "set_number":
        return name, (target,), (key, number)
    source = draw(st.sampled_from([*fits(a[key], pool), None]))
    if source is None:
        return None
    return name, (target, source), (key,)


@st.composite
def programs(draw):
    """Draw the shape of the leaf, and a program of up to sixteen instructions."""
    shape = draw(st.sampled_from([(2, 3), (4,), (3, 2, 2), (2, 2), (1, 3)]))
    pool = start(shape)
    program = []
    for _ in range(draw(st.integers(4, 16))):
        drawn = instruction(draw, pool, program)
        if drawn is not None:
            name, operands, attributes = drawn
            drawn = (name, operands, ("safely",) if attributes is None else attributes)
            program.append(drawn)
            execute(Numbers(), [drawn], pool)
    return shape, program


def leaf(shape):
    return np.cos(np.arange(np.prod(shape, dtype=int)) * 1.7 + 0.3).reshape(shape)


def start(shape, x=None):
    """Return the first pool: a tensor that depends on the leaf, and a constant."""
    x = leaf(shape) if x is None else x
    return [x * 1.25, np.sin(np.arange(np.prod(shape, dtype=int)) + 1.0).reshape(shape)]


def weights(shape, place):
    return np.sin(np.arange(np.prod(shape, dtype=int)) * 0.9 + place + 1.0).reshape(shape)


def loss_by_numpy(shape, program, x):
    pool = execute(Numbers(), program, start(shape, x))
    return sum((each * weights(each.shape, place)).sum() for place, each in enumerate(pool))


def differences(shape, program):
    """Return the gradient of the NumPy program by central differences."""
    slope = np.zeros(shape)
    for place in np.ndindex(*shape):
        x = leaf(shape)
        x[place] += STEP
        above = loss_by_numpy(shape, program, x)
        x[place] -= 2 * STEP
        slope[place] = (above - loss_by_numpy(shape, program, x)) / (2 * STEP)
    return slope


def run(shape, program, safely):
    """Run a program on lineal; return the leaf, the pool, and the loss as a tensor."""
    x = torch.tensor(leaf(shape), requires_grad=True)
    pool = [x * 1.25, torch.tensor(start(shape)[1])]
    plain = [(name, operands, (safely,) if name in ("add", "mul") else attributes) for name, operands, attributes in program]
    execute(Tensors(), plain, pool)
    total = sum((each * torch.tensor(weights(tuple(each.shape), place))).sum() for place, each in enumerate(pool))
    return x, pool, total


def tame(pool):
    """Return whether the numbers are small enough for differences to be exact."""
    return all(np.abs(each).max(initial=0) < 20 for each in pool)


@DRAWN
@given(programs())
def test_numbers_and_gradients_of_a_program(drawn):
    shape, program = drawn
    expected = execute(Numbers(), program, start(shape))
    assume(tame(expected))
    x, pool, total = run(shape, program, safely=True)
    for ours, theirs in zip(pool, expected, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=1e-12, atol=1e-12)
    grad = torch.autograd.grad(total, x, allow_unused=True)[0] if total.requires_grad else None
    found = np.zeros(shape) if grad is None else grad.numpy()
    slope = differences(shape, program)
    np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-6 * max(1.0, np.abs(slope).max(initial=0)))


@DRAWN
@given(programs())
def test_a_gradient_is_right_or_refused(drawn):
    shape, program = drawn
    assume(tame(execute(Numbers(), program, start(shape))))
    x, _, total = run(shape, program, safely=False)
    try:
        grad = torch.autograd.grad(total, x, allow_unused=True)[0] if total.requires_grad else None
    except RuntimeError as error:
        assert "inplace" in str(error) or "in place" in str(error) or "in-place" in str(error)
        return
    found = np.zeros(shape) if grad is None else grad.numpy()
    slope = differences(shape, program)
    np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-6 * max(1.0, np.abs(slope).max(initial=0)))


CHANGES = {
    "the tensor": lambda y: y.add_(1),
    "an element": lambda y: y.__setitem__((0, 0), 5.0),
    "a view": lambda y: y[0].mul_(2),
    "a view of a view": lambda y: y.transpose(0, 1)[1].fill_(3),
    "by index": lambda y: y.index_fill_(0, torch.tensor([1]), 2.0),
    "by mask": lambda y: y.masked_fill_(torch.tensor([True, False]), 0.0),
    "by scatter": lambda y: y.scatter_(0, torch.tensor([[0]]), 1.0),
    "detached": lambda y: y.detach().zero_(),
    "without grad": lambda y: torch.no_grad()(y.zero_)(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_kept_tensor_that_was_changed_is_refused(change):
    x = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
    y = x * 2
    z = (y * y).sum()
    CHANGES[change](y)
    with pytest.raises(RuntimeError, match="modified"):
        z.backward()


@pytest.mark.parametrize("change", CHANGES)
def test_a_tensor_that_nobody_keeps_may_change(change):
    x = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
    y = x * 2
    z = (y + y).sum()
    CHANGES[change](y)
    z.backward()
    assert x.grad.tolist() == [[4, 4], [4, 4]]
