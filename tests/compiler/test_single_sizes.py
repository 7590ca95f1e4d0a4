"""One-node programs of all sizes: what is bound to sizes is what would be written for them."""

import numpy as np
import pytest

from lineal.codegen.strides import form_of
from lineal.compiler.single import program
from lineal.compiler.single.expressions import Mapped, mapped
from lineal.compiler.single.program import Written, numbers_of
from lineal.compiler.single.reductions import Along, Folded, Rowwise, folded

RNG = np.random.default_rng(0)
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def arrays(shapes):
    """Return arrays of some shapes; a third of them are parts of others."""
    found = []
    for shape in shapes:
        x = np.asarray(RNG.standard_normal([size + 2 for size in shape]), "float32")
        cut = x[(..., *(slice(1, size + 1) for size in shape))]
        found.append(cut if RNG.random() < 0.3 else cut.copy())
    return found


def softmax(m, x):
    e = m.exp(x - m.row_max(x))
    return e / m.row_sum(e)


def moments(m, x, w, n):
    centre = m.row_sum(x) / n
    return (x - centre) * w, centre, x


def product(m, x, y):
    return m.exp(x) * y


BUILDS = {
    "map": (Mapped(product, FLOAT32), lambda r, n: [(r, n), (r, n)]),
    "map of a row": (Mapped(product, FLOAT32), lambda r, n: [(r, n), (n,)]),
    "map of a column": (Mapped(product, FLOAT32), lambda r, n: [(r, n), (r, 1)]),
    "map of short rows": (Mapped(product, FLOAT32), lambda r, n: [(r, 3), (3,)]),
    "map of rows of two": (Mapped(product, FLOAT32), lambda r, n: [(r, n, 2), (n, 1)]),
    "sum of short rows": (Folded("add", (1,), FLOAT32, None, None), lambda r, n: [(r, 3)]),
    "sum": (Folded("add", (0, 1), FLOAT32, None, None), lambda r, n: [(r, n)]),
    "sum of columns": (Folded("add", (0,), FLOAT64, None, None), lambda r, n: [(r, n)]),
    "largest of rows": (Folded("maximum", (1,), FLOAT32, None, None), lambda r, n: [(r, n)]),
    "sum in the middle": (Folded("add", (1,), FLOAT32, product, None), lambda r, n: [(3, r, n), (3, r, n)]),
    "softmax": (Along(softmax, (1,)), lambda r, n: [(r, n)]),
    "softmax of columns": (Along(softmax, (0,)), lambda r, n: [(r, n)]),
    "rows": (Rowwise(moments, (False, False, True)), lambda r, n: [(r, n), (n,), ()]),
}


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.slow
def test_what_is_bound_to_sizes_is_what_is_written_for_them(name):
    build, shapes = BUILDS[name]
    bound = 0
    for _ in range(6):
        first, *others = [[form_of(x) for x in arrays(shapes(*RNG.integers(400, 1600, 2).tolist()))] for _ in range(4)]
        made = Written(build, first)
        for forms in others:
            values = made.ledger.follow(numbers_of(forms))
            if values is not None:
                anew = Written(build, forms)
                assert made.same(anew)
                np.testing.assert_array_equal(made.e.table(values), anew.e.table(anew.ledger.values))
                bound += 1
    assert bound > 0


def test_many_sizes_have_few_programs():
    def formula(m, x, y):
        return x * y + m.sqrt(m.abs(y))

    build = Mapped(formula, FLOAT32)
    for _ in range(100):
        r, n = RNG.integers(2, 400, 2).tolist()
        x, y = RNG.standard_normal((r, n)).astype("float32"), RNG.standard_normal(n).astype("float32")
        np.testing.assert_allclose(mapped(formula, (x, y), FLOAT32), formula(np, x, y), rtol=1e-6, atol=1e-6)
    (found,) = [programs for key, programs in program.PROGRAMS.items() if key[0] == build]
    assert len(found) <= 8


@pytest.mark.parametrize("shape", [(0,), (0, 5), (5, 0), (1,), (1, 1), (1, 300), (300, 1), (2, 1, 70)])
@pytest.mark.parametrize("ufunc", [np.add, np.maximum])
def test_empty_arrays_and_single_elements_are_reduced_as_by_numpy(shape, ufunc):
    x = RNG.standard_normal(shape).astype("float32")
    for axis in range(x.ndim):
        try:
            wanted = ufunc.reduce(x, axis=axis, keepdims=True)
        except ValueError:
            continue
        y = folded(ufunc, x, (axis,))
        if y is not None:
            np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-4)


def test_a_program_that_is_another_one_for_other_sizes_is_written_for_each(monkeypatch):
    written = []

    class Counted(Mapped):
        def __call__(self, low, *xs):
            # the whole number of the size is looked at, behind the ledger's back
            hidden = int.__pos__(xs[0].shape[0])
            written.append(hidden)
            return Mapped(lambda m, x: x * hidden, FLOAT32)(low, *xs)

    build = Counted(product, FLOAT32)
    for n in (100, 200, 300, 200):
        x = np.ones(n, np.float32)
        (y,) = program.run(build, (x,))
        np.testing.assert_array_equal(y, x * n)
