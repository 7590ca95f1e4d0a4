"""An index without axes takes its axis away: batched, recorded and compiled as in eager code."""

import warnings

import numpy as np
import pytest

import lineal as torch
from lineal.core import lift
from lineal.func import jacrev, vmap

X = np.arange(2.0 * 3 * 4 * 5).reshape(2, 3, 4, 5)
MANY = np.array([0, 2])
WHOLE = slice(None)
KEYS = {
    "x[i]": lambda i, d: i,
    "x[:, i]": lambda i, d: (WHOLE, i),
    "x[..., i]": lambda i, d: (..., i),
    "x[i, i]": lambda i, d: (i, i),
    "x[i, :, i]": lambda i, d: (i, WHOLE, i),
    "x[i, i, i, i]": lambda i, d: (i, i, i, i),
    "x[i, d]": lambda i, d: (i, d),
    "x[i, :, d]": lambda i, d: (i, WHOLE, d),
    "x[d, :, i]": lambda i, d: (d * 0, WHOLE, i),
    "x[:, :, i, d]": lambda i, d: (WHOLE, WHOLE, i, d),
    "x[None, i]": lambda i, d: (None, i),
    "x[i, None, :, d]": lambda i, d: (i, None, WHOLE, d),
}


def written(key, number):
    def write(x, i, d):
        y = x.clone()
        place = key(i, d)
        y[place] = number if number is not None else (y[place] * 0 + 7).cumsum(-1)
        return y

    return write


def put(accumulate):
    return lambda x, i, d: x.clone().index_put_(
        (torch.as_tensor(i),) * 2, torch.ones_like(x[0, 0]) * x.sum(), accumulate=accumulate
    )


FUNCTIONS = {
    **{name: lambda x, i, d, key=key: x[key(i, d)] * 1 for name, key in KEYS.items()},
    **{f"{name} = 5": written(key, 5.0) for name, key in KEYS.items() if "None" not in name},
    **{f"{name} = y": written(key, None) for name, key in KEYS.items() if "None" not in name and name != "x[i, i, i, i]"},
    "index_put_": put(False),
    "index_put_ accumulate": put(True),
    "take": lambda x, i, d: torch.take(x, torch.as_tensor(i)),
    "gather": lambda x, i, d: torch.gather(x[0, 0, 0], 0, torch.as_tensor(i).reshape(1)),
    "index_select": lambda x, i, d: x.index_select(2, torch.as_tensor(i).reshape(1)),
    "argmax": lambda x, i, d: x[0, :, 0][x[i, :, 0, 0].argmax() - 2] * 1,
    "select_scatter": lambda x, i, d: x.index_fill(1, torch.as_tensor(i).reshape(1), 3.0),
}
WAYS = {"plain": lambda f: f, "compiled": torch.compile}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
def test_as_an_int(f, way):
    # int indices are basic indexing, and NumPy's and PyTorch's meaning of these
    ints = [f(lift(X.copy()), i, torch.tensor(MANY)) for i in (0, 1, 1)]
    run = way(f)
    for _ in range(3):
        torch.testing.assert_close(run(lift(X.copy()), torch.tensor(1), torch.tensor(MANY)), ints[1])
    for dims, x in (((None, 0, None), X), ((0, 0, None), np.stack([X] * 3)), ((-1, 0, None), np.stack([X] * 3, -1))):
        mapped = way(vmap(f, in_dims=dims))
        for _ in range(3):
            try:
                found = mapped(lift(x.copy()), torch.tensor([0, 1, 1]), torch.tensor(MANY))
            except RuntimeError as error:
                # a clone that is the same for all slices cannot take what differs, in PyTorch neither
                assert dims[0] is None and "inplace arithmetic" in str(error)
                break
            torch.testing.assert_close(found, torch.stack(ints))


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
def test_derivatives_as_of_an_int(f):
    x = lift(X[:, :, :2, :3].copy())
    many = torch.tensor([0, 1])
    expected = torch.stack([jacrev(f)(x, i, many) for i in (0, 1)])
    torch.testing.assert_close(vmap(jacrev(f), in_dims=(0, 0, None))(torch.stack([x, x]), torch.tensor([0, 1]), many), expected)


def test_places_in_a_list_are_read_by_python():
    with pytest.raises(RuntimeError, match=r"\.item\(\)"):
        vmap(lambda x, i: x[([i, i],)])(torch.ones(3, 2), torch.tensor([0, 1, 1]))


def of_the_part(x, i):
    x[i].add_(1)
    return x * 1


def of_the_whole(x, i):
    part = x[:, i]
    x.mul_(2)
    return part * 1


def of_both_later(x, i):
    y = x * 2
    part = y[i, 1:]
    part.mul_(3)
    return y


def returned(x, i):
    return x[i]


def returned_beside(x, i):
    y = x * 2
    return y[i], y


def read_before(x, i):
    part = x[i] * 1
    x[i] = part * 2
    return part + x[i] * 1


def inside(x, i):
    return (x * 2)[i], (x * 2)[i, 1:]


@pytest.mark.parametrize("function", [of_the_part, of_the_whole, of_both_later, returned, returned_beside, read_before, inside])
def test_a_part_at_a_place_that_numbers_decide_is_a_view(function):
    compiled = torch.compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in (0, 1, 0, 1, -1):
            ways = []
            for f, i in ((function, n), (function, torch.tensor(n)), (compiled, torch.tensor(n))):
                x = torch.arange(6.0).reshape(2, 3)
                found = f(x, i)
                found = found if isinstance(found, tuple) else (found,)
                before = [y.tolist() for y in found]
                x.add_(10)
                found[-1].mul_(2)
                ways.append((before, [y.tolist() for y in found], x.tolist()))
            assert ways[0] == ways[1] == ways[2]
    assert (compiled.eager is None) == (function in (read_before, inside))


@pytest.mark.parametrize("function", [of_the_part, of_the_whole, of_both_later])
def test_a_part_of_each_slice_is_written_slice_by_slice_under_vmap(function):
    x, places = torch.arange(12.0).reshape(2, 2, 3), torch.tensor([0, 1])
    once, looped = x.clone(), x.clone()
    expected = [function(each, i) for each, i in zip(looped, places)]
    torch.testing.assert_close(vmap(function)(once, places), torch.stack(expected))
    assert once.tolist() == looped.tolist()
