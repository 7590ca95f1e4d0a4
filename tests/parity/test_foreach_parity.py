"""Functions of lists of tensors: values, kinds of results and refusals as PyTorch's."""

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

UNARY = [name for name in dir(torch) if name.startswith("_foreach_")]
MORE = {
    "add": [(1.5,), ([1.0, 2.0],), ("xs",), ("t",)],
    "sub": [(1.5,), ([1.0, 2.0],), ("xs",)],
    "mul": [(1.5,), ([1.0, 2.0],), ("xs",), ("t",)],
    "div": [(1.5,), ([1.0, 2.0],), ("xs",), ("t",)],
    "pow": [(2.0,), ([1.0, 2.0],), ("xs",)],
    "lerp": [("ys", 0.3), ("ys", [0.3, 0.9]), ("ys", "xs")],
    "clamp_min": [(1.0,), ([1.0, 2.0],), ("ys",)],
    "clamp_max": [(1.0,), ([1.0, 2.0],), ("ys",)],
    "maximum": [(1.0,), ([1.0, 2.0],), ("ys",)],
    "minimum": [(1.0,), ([1.0, 2.0],), ("ys",)],
    "addcmul": [("ys", "xs"), ("ys", "xs", 2.0), ("ys", "xs", [1.0, 2.0]), ("ys", "xs", "v")],
    "addcdiv": [("ys", "xs"), ("ys", "xs", 2.0), ("ys", "xs", [1.0, 2.0]), ("ys", "xs", "v")],
    "norm": [(), (1,), (float("inf"),)],
    "copy": [("ys",)],
    "mm": [("ms",)],
}
SPECIAL = {"_foreach_powsum"}
LINEAL = [name for name in UNARY if name not in SPECIAL]


def given(library):
    random = np.random.default_rng(0)
    draw = lambda *shape: library.from_numpy(random.uniform(0.1, 0.9, shape))
    xs, ys = [draw(2, 3), draw(4)], [draw(2, 3), draw(4)]
    ms = [draw(2, 2), draw(2, 2)]
    return {"xs": xs, "ys": ys, "ms": ms, "t": library.tensor(1.5, dtype=library.float64), "v": draw(2)}


def result(library, name, arguments):
    values = given(library)
    start = [each.clone() for each in values["ms" if name == "_foreach_mm" else "xs"]]
    made = getattr(library, name)(start, *(values[each] if isinstance(each, str) else each for each in arguments))
    assert (made is start) is name.endswith("_")
    return type(made), [each.numpy() for each in made]


@pytest.mark.parametrize("name", LINEAL)
def test_values(name):
    for arguments in MORE.get(name.removeprefix("_foreach_").rstrip("_"), [()]):
        (kind, mine), (wanted, theirs) = (result(library, name, arguments) for library in (lineal, torch))
        assert kind is wanted
        for found, expected in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_powers_of_a_number():
    mine, theirs = (library._foreach_pow(2.0, given(library)["xs"]) for library in (lineal, torch))
    for found, expected in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12)


REFUSED = [
    ("_foreach_add", lambda xs: ([], 1.0)),
    ("_foreach_add", lambda xs: (xs, xs[:1])),
    ("_foreach_add", lambda xs: (xs, [1.0])),
    ("_foreach_mul", lambda xs: (xs, xs[1])),
    ("_foreach_sqrt", lambda xs: (3.0,)),
    ("_foreach_sqrt", lambda xs: ([3.0],)),
    ("_foreach_norm", lambda xs: ([], 2)),
    ("_foreach_addcmul_", lambda xs: (xs, xs[:1], xs)),
]


@pytest.mark.parametrize(("name", "make"), REFUSED)
def test_refusals(name, make):
    kinds = []
    for library in (lineal, torch):
        with pytest.raises((TypeError, RuntimeError, ValueError)) as caught:
            getattr(library, name)(*make(given(library)["xs"]))
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]
