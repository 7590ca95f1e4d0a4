"""Compiled equals eager, numbers and gradients, for every op that has samples; and what is left to the host is on a list."""

import operator
import pathlib
import sys

import numpy as np
import pytest
from harness import Comparison, moved, with_gradients

import lineal
from lineal import ops
from lineal.compiler import passes
from lineal.compiler.lowering.rules.elementwise import SCIPY_ROWS

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "ops"))

from samples import SAMPLES

HOST = frozenset(
    # linear algebra; two ops are Eigh and SVD without vectors
    "HermitianEigenvalues SingularValues "
    "CholeskyUpdate Eigh Exponential ExtremePairs Frechet LDLFactor LeastSquares Logarithm LowerCommutator PseudoInverse "
    "Reflectors SVD Schur SolveBanded SolveCirculant SolveToeplitz SquareRoot Sylvester UnitaryFactor Correlate "
    # sorting, searching, counting
    "Edges HistC Histogram IsIn Median MedianOfAll Mode SearchSorted "
    # recurrences
    "CumExtreme LogCumSumExp "
    # SciPy's transforms and Bessel functions
    "FftC2C FftC2R FftR2C ModifiedBessel "
    # the rest
    "Frexp MaskedGather MaskedScatter PairDistance Polygamma ReciprocalCondition ScatterExtreme ScatterProduct "
    "UnravelIndex".split()
)
"""The ops that run on the host; this list may only become shorter."""

HOST_ROWS = frozenset([*"bitwise_left_shift bitwise_right_shift gcd lcm".split(), *SCIPY_ROWS])
"""Elementwise ops that do so for whole numbers."""

COMPLEX = frozenset("complex polar view_as_complex fft.ifft fft.ihfft fft.ihfft2 fft.ihfftn stft".split())
"""Functions that make complex numbers, of which the code generator knows nothing."""

EAGER = frozenset(
    "argwhere bincount masked_select nonzero unique unique_consecutive "
    "linalg.ldl linalg.null_space linalg.orth linalg.subspace_angles".split()
)
"""Functions that never compile: they read numbers, or the shape of what they return depends on numbers."""

PIVOTS = frozenset(("linalg.ldl_solve",))
"""Functions whose whole numbers are not free: others would be no factorisation."""

FARTHEST, FACTORED = 8, 64
"""How many units in the last place of the largest number a result may be apart: in general, and in linear algebra, where
a program may take another kernel than eager code."""


def cases():
    for name, samples in SAMPLES.items():
        if name not in PIVOTS and any(not complex_(sample) for sample in samples):
            yield name


def complex_(sample):
    return any(each.dtype.kind == "c" for each in sample.arrays())


def compared(name, sample, storage):
    """Return the comparison of one sample in one precision."""
    function = operator.attrgetter(name)(lineal if "." in name else ops)
    arrays = [each.astype(storage) if each.dtype.kind == "f" else each for each in sample.arrays()]
    run = with_gradients(lambda *xs: sample.call(function, list(xs)), sample.derivative > 0)
    return Comparison(run, [(moved(arrays, turn), [np.asarray(0.3 + 0.1 * turn)]) for turn in range(3)])


@pytest.mark.parametrize("storage", [np.float64, pytest.param(np.float32, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", list(cases()))
def test_compiled_equals_eager(name, storage):
    for sample in SAMPLES[name]:
        if complex_(sample) or (storage is np.float32 and not sample.single):
            continue
        found = compared(name, sample, storage)
        farthest = FACTORED if name.startswith("linalg.") else FARTHEST
        assert found.distance <= farthest, f"{found.distance} ulp apart: {sample.args} {sample.kwargs}"
        assert (found.eager is not None) == (name in EAGER), found.eager
        hosts = set(found.hosts()) - HOST
        rows = hosts == {"Elementwise"} and name.replace(".", "_") in HOST_ROWS
        assert not hosts or rows or name in COMPLEX, f"host steps {hosts}"


@pytest.mark.parametrize("name", ["softmax", "var", "cat", "gather", "index_put"])
@pytest.mark.parametrize("off", sorted(passes.PASSES))
def test_passes_change_no_result(name, off):
    with passes.without(off):
        for sample in SAMPLES[name]:
            assert compared(name, sample, np.float64).distance <= FARTHEST


def test_a_pass_that_is_none_is_refused():
    with pytest.raises(ValueError, match="without: expected names of"):
        passes.without("magic")
