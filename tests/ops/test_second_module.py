"""Every op through a second array module: NumPy's numbers in arrays of that module, forward and back."""

from __future__ import annotations

import functools
import operator
import runpy
from pathlib import Path

import checked
import numpy as np
import pytest
from checked import Array, xp
from samples import SAMPLES

import lineal
import lineal.nn.functional as F
from lineal import ops
from lineal.base.dtypes import float64
from lineal.compiler.rewrites.determinants import SIGNED
from lineal.core import Effect, Op, apply, gradients, lift
from lineal.core.inplace import Overwrite, Renumber
from lineal.models.kernels import PROFILES
from lineal.nn.functional.binary import LOGITS
from lineal.nn.functional.robust import HUBER
from lineal.ops.contraction.attention import Attention, AttentionAdjoint, Kept
from lineal.ops.contraction.distances import SquaredDistances
from lineal.ops.contraction.grouped import GroupedProduct
from lineal.ops.contraction.products import AffineAdjoint
from lineal.ops.creation import Eye, Linspace, Range
from lineal.ops.linalg.cofactors import Cofactors, Slope
from lineal.ops.linalg.toeplitz import Convolve
from lineal.ops.random.gammas import SampleDirichlet, moving
from lineal.ops.random.generator import Advance
from lineal.ops.reductions.exponentials import SafeSoftmax
from lineal.ops.reductions.likelihood import Likelihood
from lineal.ops.reductions.normalisation import LayerNorm, NormalisationAdjoint
from lineal.ops.reductions.picking import Pick
from lineal.ops.reductions.recurrences import CumProd, Powers
from lineal.ops.reductions.standardising import InverseSpread
from lineal.ops.reductions.terms import NOT_NAN, SQUARED_DIFFERENCE, TermSum
from lineal.ops.structural.padding import EdgeFold, EdgePad
from lineal.ops.structural.reshape import ViewDtype
from lineal.tensors.tensor import Alias
from lineal.testing.contract import variables
from lineal.tracing import GraphRecorder, record

OPS = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "make_ops.py"))
CASES = [(name, number) for name, samples in SAMPLES.items() for number in range(len(samples))]
IDS = [f"{name}-{number}" for name, number in CASES]
HELD = [np.dtype(complex)] * 1000
"""References that f2py may lose: SciPy's wrappers drop one of a dtype whenever they refuse an array."""

x, A = np.array([[0.3, -1.2, 2.5], [0.7, 0.1, -0.4]]), np.array([[2.0, 0.5], [-1.0, 3.0]])
target, weight = np.array([2, 0]), np.array([0.5, 1.5, 1.0])
functional = {
    name: (getattr(F, name), x)
    for name in "elu hardsigmoid hardswish hardtanh leaky_relu gelu hardshrink logsigmoid silu softplus softshrink".split()
}
image = np.random.default_rng(8).normal(size=(2, 4, 6, 6))
many = np.random.default_rng(5).normal(size=(600, 8))
places, few = np.random.default_rng(6).integers(0, 600, (700, 8)), np.random.default_rng(7).integers(-4, 4, (600, 8))
LONG = {
    "sort": (ops.sort, many),
    "sort float32": (ops.sort, many.astype(np.float32)),
    "sort down": (functools.partial(ops.sort, dim=0, descending=True), many),
    "sort integers": (functools.partial(ops.sort, dim=0), few),
    "topk": (functools.partial(ops.topk, k=5, dim=0), many),
    "kthvalue": (functools.partial(ops.kthvalue, k=9, dim=0), many),
    "median": (functools.partial(ops.median, dim=0), many),
    "mode": (functools.partial(ops.mode, dim=0), few),
    "unique": (functools.partial(ops.unique, return_inverse=True, return_counts=True, dim=0), few),
    "scatter_add": (lambda x, index, source: ops.scatter_add(x, 0, index, source), many, places, many[places[:, 0]]),
    "index_add": (
        lambda x, index, source: ops.index_add(x, 0, index, source),
        many.round(),
        places[:, 0],
        few[places[:, 1]] * 1.0,
    ),
    "cumprod": (functools.partial(ops.cumprod, dim=0), many[:80]),
    "logcumsumexp": (functools.partial(ops.logcumsumexp, dim=0), many[:80]),
    "pow of integers": (ops.pow, few, np.abs(few)),
    "remainder of integers": (ops.remainder, few, np.abs(few) + 1),
}
"""Kernels that take another way for many numbers, or for whole ones."""

MORE = {
    **{f"{name}, long": case for name, case in LONG.items()},
    **functional,
    "gamma numbers": (moving, abs(x), abs(x) + 0.5),
    "shares": (SampleDirichlet(), abs(x), np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])),
    "unfold": (functools.partial(F.unfold, kernel_size=2, padding=1), many[:4].reshape(1, 2, 4, 4)),
    "fold": (functools.partial(F.fold, output_size=3, kernel_size=2), many[:4].reshape(1, 8, 4)),
    "gelu by tanh": (functools.partial(F.gelu, approximate="tanh"), x),
    "threshold": (functools.partial(F.threshold, threshold=0.2, value=1.0), x),
    "batch_norm": (lambda x, w: F.batch_norm(x, None, None, w, w, True), image, image[0, :, 0, 0]),
    "batch_norm, evaluated": (lambda x, w: F.batch_norm(x, w, w * w + 1, w, w), image, image[0, :, 0, 0]),
    "group_norm": (functools.partial(F.group_norm, num_groups=2), image),
    "max_pool2d": (functools.partial(F.max_pool2d, kernel_size=3, stride=2, padding=1), image),
    "interpolate": (functools.partial(F.interpolate, size=(4, 9), mode="bilinear"), image),
    "huber": (F.huber_loss, x, x[::-1].copy()),
    "huber_loss": (HUBER, x, x[::-1].copy(), np.array(0.5)),
    "prelu": (F.prelu, x, np.array([0.2])),
    "binary_cross_entropy_with_logits": (LOGITS, x, np.abs(x) / 4),
    "binary_cross_entropy": (F.binary_cross_entropy, np.abs(x) / 3, np.abs(x) / 4),
    "logit": (functools.partial(ops.logit, eps=0.1), np.abs(x) / 3),
    **{f"matern {nu}": (profile, np.abs(x)) for nu, profile in PROFILES.items()},
    **{example.key: (example, np.abs(x)) for example in OPS["EXAMPLES"]},
    "signed": (SIGNED, x, np.sign(x)),
    "AffineAdjoint": (AffineAdjoint(True), A, x, x + 1),
    "Attention": (Attention(0.5, True), x, x + 1, x - 1),
    "AttentionAdjoint": (AttentionAdjoint(Attention(0.5, False)), x, x + 1, x - 1, x, x, x[:, 0], A),
    "Kept": (Kept(Attention(0.5, False, True, 0.4), (2, 3), "float64"), np.array([3, 4])),
    "SafeSoftmax": (SafeSoftmax(1), x),
    "Advance": (Advance(), np.array([3, 4])),
    "Alias": (Alias(), x),
    "CofactorsSlope": (Slope(), A, A.T.copy()),
    "Cofactors": (Cofactors(), A),
    "Convolve": (Convolve(False), x[0], x[1]),
    "ConvolveCircular": (Convolve(True), x[0], x[1]),
    "EdgePad": (EdgePad("reflect", ((1, 0), (0, 2))), x),
    "EdgeFold": (EdgeFold(EdgePad("replicate", ((0, 0), (1, 1))), (3, 4)), np.arange(18.0).reshape(3, 6)),
    "Eye": (Eye(2, 3, float64),),
    "InverseSpread": (InverseSpread((1,), 1e-5), x),
    "LayerNorm": (LayerNorm(1e-5, "wb", 1), x, weight, weight),
    "NormalisationAdjoint": (NormalisationAdjoint(LayerNorm(1e-5, "wb", 1)), x + 1, x, weight),
    "Grouped": (GroupedProduct(), x.T, np.stack([A, A]), np.array([1, 3], np.int32)),
    "Linspace": (Linspace(0, 1, 4, float64),),
    "Likelihood": (Likelihood(-100, "mean"), x, target),
    "LikelihoodOfSome": (Likelihood(2, "none"), x, target),
    "Overwrite": (Overwrite(), x, x + 1),
    "Pick": (Pick(1), x, target[:, None]),
    "Powers": (Powers(CumProd(0)), x),
    "Range": (Range(1, 2, 3, float64),),
    "Renumber": (Renumber(), x, x + 1),
    "not_nan": (NOT_NAN, x),
    "squared_difference": (SQUARED_DIFFERENCE, x, x + 1),
    "SquaredDistances": (SquaredDistances(), x, x + 1),
    "TermSum": (TermSum(SQUARED_DIFFERENCE, (0, 1), False, 6), x, x + 1),
    "ViewDtype": (ViewDtype(float64), np.arange(3)),
    "det of a singular matrix": (ops.det, np.ones((3, 3))),
}
"""Ops that no sample reaches: what makes them, and its arrays."""

ELSEWHERE = {
    "Barrier": "a custom function's outputs as they are",
    "Boundary": "a module's inputs as they are, to be watched",
    "CopyToRanks": "its input as it is, whose cotangents processes add up",
    "Custom": "what the user's function computes",
    "Dual": "a copy of its first input",
    "Made": "what another op makes, elsewhere",
    "Recompute": "the ops of a function, which run again",
    "RecurrentLayer": "the ops of a layer's steps",
    "Rolled": "the ops of a loop, which run turn by turn",
    "SparseEmbedding": "rows of a table, as Index gives them",
    "Scanned": "the ops of a loop, which run turn by turn",
    "Taped": "the ops of a loop, which run turn by turn",
    "Rewound": "the ops of a loop's derivative, which run turn by turn",
    "Transfer": "from one device to another",
    "Variable": "the functional derivative of what it stands for",
}
"""Ops that are no kernels, by why not."""


@pytest.fixture(autouse=True)
def platform():
    with checked.registered() as found:
        yield found


class Hearing(GraphRecorder):
    """Hears every op of a call once for each kind of inputs, with their arrays."""

    def __init__(self):
        super().__init__()
        self.heard = {}

    def record(self, op, xs, ys):
        form = (op, *[(x.value.shape, x.value.dtype.str, x.value.strides) for x in xs])
        self.heard.setdefault(form, (op, [x.value for x in xs]))


def heard(function, arrays):
    """Return the ops, with their arrays, of a call and of its way back."""
    listener, xs = Hearing(), variables(arrays)

    def call():
        ys = function(xs)
        live = [y for y in ys if y.node is not None]
        if live and all(differentiable(y) for y in live):
            gs = [lift(np.ones_like(y.value)) for y in live]
            gradients(live, [x for x in xs if x.node is not None], gs, None, True, True)

    record(listener, call)
    return list(listener.heard.values())


UNDERIVABLE = ("floor_divide", "heaviside", "igamma", "igammac", "special_zeta", "standard_gamma_grad", "dirichlet_grad")
"""Ops whose derivative, by one of their inputs at least, says that there is none."""


def differentiable(y):
    """Return whether the op that gave `y` has a derivative."""
    op = getattr(y.node, "op", None)
    return op is None or (not op.no_vjp and op.key not in UNDERIVABLE)


@functools.lru_cache(1)
def sampled(name, number):
    """Return the ops, with their arrays, of a sample."""
    function, sample = operator.attrgetter(name)(lineal if "." in name else ops), SAMPLES[name][number]
    return heard(lambda xs: sample.call(function, xs), sample.arrays())


def made(name):
    """Return the ops, with their arrays, of one of `MORE`."""
    function, *arrays = MORE[name]

    def call(xs):
        ys = apply(function, *xs) if isinstance(function, Op) else function(*xs)
        return ys if isinstance(ys, tuple) else (ys,)

    return heard(call, arrays)


def same(found, expected, tolerance=0.0):
    """Raise unless arrays of the second module hold the numbers of NumPy's."""
    found, expected = (each if isinstance(each, tuple) else (each,) for each in (found, expected))
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert type(one) is Array, f"an array of the class {type(one).__name__}"
        assert one.dtype == np.asarray(other).dtype
        if tolerance:
            np.testing.assert_allclose(one.held, other, rtol=tolerance, strict=True)
        else:
            np.testing.assert_array_equal(one.held, other, strict=True) if np.ndim(other) else same_number(one.held, other)


REORDERED = {"CumProd", "LogCumSumExp", "Recurrence"}
"""Ops for which, or for whose derivatives, native code takes the steps along NumPy's arrays in another order."""


def tolerance_of(op):
    return 1e-10 if op.key in REORDERED else 0.0


def same_number(one, other):
    """Raise unless two arrays of no dimensions hold the same number."""
    assert one.shape == ()
    np.testing.assert_array_equal(one, other)


def check_kernel(op, arrays):
    """The eager kernel gives NumPy's numbers in arrays of the module it is given."""
    with np.errstate(all="ignore"):
        same(op.eager(xp, *map(Array, arrays)), op.eager(np, *arrays), tolerance_of(op))


def pulled(op, arrays, wrap):
    """Return the arrays of an op's outputs and of its inputs' cotangents, or what the rule says instead."""
    xs = [lift(wrap(each)) for each in arrays]
    xs = [x.requires_grad_() if x.value.dtype.kind in "fc" else x for x in xs]
    found = apply(op, *xs)
    ys = [y for y in (found if isinstance(found, tuple) else (found,)) if y.node is not None]
    if not ys or op.no_vjp:
        return ()
    generator = np.random.default_rng(3)
    gs = [lift(wrap(np.asarray(generator.standard_normal(y.value.shape)).astype(y.value.dtype))) for y in ys]
    try:
        by = gradients(ys, [x for x in xs if x.node is not None], gs, None, False, True)
    except RuntimeError as error:
        return str(error)
    return tuple([y.value for y in ys] + [g.value for g in by if g is not None])


def check_derivative(op, arrays):
    """The derivative rule gives NumPy's numbers in arrays of the cotangent's module."""
    expected = pulled(op, arrays, np.asarray)
    found = pulled(op, arrays, Array)
    if isinstance(expected, str):
        # a random cotangent is one of a loss that the rule refuses
        assert found == expected and ("ill-defined" in expected or "not implemented" in expected)
    else:
        same(found, expected, tolerance_of(op))


def check(cases):
    """Raise unless the kernels and the derivatives of ops are the same on both modules."""
    for op, arrays in cases:
        try:
            if not op.host_only:
                check_kernel(op, arrays)
            if op.differentiable:
                check_derivative(op, arrays)
        except Exception as error:
            error.add_note(f"{op!r} of {[(each.shape, each.dtype.name) for each in arrays]}")
            raise


@pytest.mark.parametrize(("name", "number"), CASES, ids=IDS)
def test_kernels_and_derivatives_are_those_of_any_module(name, number):
    check(sampled(name, number))


@pytest.mark.parametrize("name", MORE)
def test_so_are_those_that_no_sample_reaches(name):
    check(made(name))


def reached():
    """Return the keys of the ops that samples and `MORE` meet, and of those among them whose kernels fail there."""
    keys, failed = set(), set()
    for op, arrays in [each for case in CASES for each in sampled(*case)] + [each for name in MORE for each in made(name)]:
        keys.add(op.key)
        if op.host_only:
            try:
                check_kernel(op, arrays)
            except (TypeError, AttributeError, AssertionError):
                failed.add(op.key)
    return keys, failed


def test_every_op_is_reached_or_is_the_hosts():
    keys, failed = reached()
    classes, rows = OPS["everything"]()
    every = {op.key: op for op in (*classes, *rows) if not issubclass(getattr(op, "__class__", type), Effect)}
    assert {key for key, op in every.items() if not op.host_only} - keys == ELSEWHERE.keys()
    wrong = {key for key in keys if every[key].host_only} - failed
    assert wrong == set(), "these say that they are the host's, and are not"


def through(name, number, wrap):
    """Return the arrays of a sample's results and derivatives, its arrays being of another module."""
    function, sample = operator.attrgetter(name)(lineal if "." in name else ops), SAMPLES[name][number]
    xs = [lift(wrap(np.array(each, order="K"))) for each in sample.arrays()]
    xs = [x.requires_grad_() if x.value.dtype.kind in "fc" and sample.derivative else x for x in xs]
    ys = sample.call(function, xs)
    live = [y for y in ys if y.node is not None]
    gs = gradients(live, [x for x in xs if x.node is not None], [lineal.ones_like(y) for y in live], None, False, True)
    return tuple([y.value for y in ys] + [g.value for g in gs if g is not None])


@pytest.mark.parametrize(("name", "number"), CASES, ids=IDS)
def test_whole_functions_stay_on_the_device_of_their_inputs(name, number):
    if any(isinstance(each, np.ndarray) for each in SAMPLES[name][number].kwargs.values()):
        pytest.skip("an array of the host's beside tensors is refused, as it should be")
    same(through(name, number, Array), through(name, number, np.asarray))
