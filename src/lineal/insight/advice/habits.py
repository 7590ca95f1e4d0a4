"""Habits that lose digits or end in NaN, by the op that shows them; each rule returns what to do instead, or None."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lineal.base.dtypes import NARROW
from lineal.core import AbstractTensor
from lineal.insight.advice.steps import NOTHING, Step

__all__ = ["HABITS"]

Rule = Callable[[Step, Sequence[AbstractTensor], AbstractTensor], str | None]
HABITS: dict[str, list[tuple[str, Rule]]] = {}
"""The rules by the keys of ops, each with the kind of advice it gives."""

INVERSES = ("Inverse", "InverseEx")
PRODUCTS = ("MatMul", "StackedMatMul", "BatchMatMul", "Affine")
SOFTMAXES = ("Softmax", "SafeSoftmax")
ARITHMETIC = frozenset(
    (*PRODUCTS, "add", "sub", "mul", "div", "exp", "log", "sqrt", "Power", "Sum", "Mean", "sin", "cos", "tanh")
)
"""Ops whose results are rounded, so that two ways to one number seldom end in the same."""
SMALL_MATRIX = 4
"""Up to how many rows an inverse is a matter of taste: rotations, cameras."""
MANY = 4096
"""From how many numbers on a sum in half precision is worth a word."""


def habit(kind: str, *keys: str) -> Callable[[Rule], Rule]:
    """Enter a rule for the ops of these keys."""

    def enter(rule: Rule) -> Rule:
        for key in keys:
            HABITS.setdefault(key, []).append((kind, rule))
        return rule

    return enter


def square_of(step: Step) -> Step:
    """Return what a step is the square of."""
    if step.key == "Power" and getattr(step.op, "exponent", None) == 2:
        return step.xs[0].bare if step.xs else NOTHING
    if step.key == "square" and step.xs:
        return step.xs[0].bare
    if step.key == "mul" and len(step.xs) == 2 and step.xs[0].bare is step.xs[1].bare:
        return step.xs[0].bare
    return NOTHING


def is_normal(step: Step) -> bool:
    """Return whether a step is AᵀA, of a matrix and the same one transposed."""
    if step.key not in PRODUCTS or len(step.xs) < 2 or step.xs[0].bare is not step.xs[1].bare:
        return False
    return any(each.key in ("Permute", "Transpose") for each in step.xs[:2])


def is_shifted(step: Step) -> bool:
    """Return whether an exponential is of what the largest was subtracted from."""
    inner = step.xs[0].bare if step.xs else NOTHING
    if inner.key != "sub":
        return False
    # the largest may have been picked by its place, as a part of the same numbers
    source, shift = (each.bare for each in inner.xs)
    return shift is source or any(each.key in ("ExtremeAt", "Extreme", "LogSumExp") for each in (source, shift))


def leading_to(step: Step) -> set[Step]:
    """Return the steps that led to one, as far back as they are remembered."""
    return {step}.union(*map(leading_to, step.xs))


def zeros_with_history(x: AbstractTensor) -> int:
    """Return how many zeros a tensor has whose derivative somebody may ask for."""
    return int(x.value.size - np.count_nonzero(x.value)) if x.node is not None else 0


@habit("inverse", *PRODUCTS)
def inverse_multiplied(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    for place in range(2):
        found = step.before(place)
        if found.key in INVERSES and found.shape[-1] > SMALL_MATRIX:
            if is_normal(found.before()):
                return "inv(AᵀA) squares the condition of A: linalg.lstsq(A, b) keeps twice as many digits"
            return "an inverse that is multiplied: linalg.solve(A, B) takes fewer operations and keeps more digits"
    return None


@habit("normal equations", "SolveFactored", "Solve", "SolveProbed")
def normal_equations(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    sources = [each.bare for each in step.xs]
    sources += [inner.bare for each in sources if each.key in ("LUFactor", "Cholesky") for inner in each.xs]
    if any(is_normal(each) for each in sources):
        return "solving with AᵀA squares the condition of A: linalg.lstsq(A, b) keeps twice as many digits"
    return None


@habit("logarithm", "log")
def logarithm(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    found = step.before()
    inner = found.before() if found.key == "abs" else found
    if inner.key == "Determinant":
        return "a determinant overflows where its logarithm does not: linalg.slogdet(A), or logdet(A)"
    if found.key in SOFTMAXES:
        return "log(softmax(x)) is -inf where softmax rounds to 0: log_softmax(x, dim)"
    if found.key == "sigmoid":
        return "log(sigmoid(x)) is -inf for large negative x: nn.functional.logsigmoid(x)"
    summed = found.before()
    if found.key == "Sum" and summed.key == "exp" and not is_shifted(summed):
        return "log(sum(exp(x))) overflows: logsumexp(x, dim)"
    if found.key == "add" and any(each.bare.key == "exp" for each in found.xs) and any(not each.shape for each in found.xs):
        return "log(1 + exp(x)) overflows: nn.functional.softplus(x)"
    return None


@habit("softmax twice", "LogSoftmax")
def softmax_twice(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    if step.before().key in SOFTMAXES:
        return "cross_entropy and log_softmax take scores: leave the softmax before them out, or it is applied twice"
    return None


@habit("probabilities", "Likelihood")
def likelihood_of_probabilities(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    if step.before().key in SOFTMAXES:
        return "nll_loss takes logarithms of probabilities: log_softmax instead of softmax before it, or cross_entropy"
    return None


@habit("sigmoid and loss", "binary_cross_entropy")
def sigmoid_then_entropy(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    if step.before().key == "sigmoid":
        return "a sigmoid that rounds to 0 or 1 has no gradient: binary_cross_entropy_with_logits without it"
    return None


@habit("derivative at 0", "sqrt", "Power")
def root_at_zero(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    exponent = getattr(step.op, "exponent", 0.5)
    if not isinstance(exponent, (int, float)) or not 0 < exponent < 1 or not (count := zeros_with_history(xs[0])):
        return None
    return f"the derivative of a root is infinite at 0, of which there {plural(count)}: add a small number first, or use a norm"


@habit("logarithm of 0", "log", "log2", "log10")
def logarithm_at_zero(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    if not (count := zeros_with_history(xs[0])):
        return None
    return f"the logarithm of 0 is -inf and its derivative infinite; there {plural(count)}: clamp(min=…) first"


def plural(count: int) -> str:
    """Return how many there are in words."""
    return "is 1" if count == 1 else f"are {count}"


@habit("softmax by hand", "div")
def softmax_by_hand(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    top, below = step.before(0), step.before(1)
    inner = below.before() if below.key == "Sum" else NOTHING
    if top.key != "exp" or inner.key != "exp" or top.xs[0].bare is not inner.xs[0].bare or is_shifted(top):
        return None
    return "exp(x) / sum(exp(x)) overflows: softmax(x, dim)"


@habit("division by a norm", "div")
def divided_by_norm(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    if len(step.xs) < 2:
        return None
    top, below = step.xs[0].bare, step.before(1)
    if below.key == "sqrt" and below.before().key == "Sum":
        normed = square_of(below.before().before())
    else:
        normed = below.xs[0].bare if below.key == "VectorNorm" and below.xs else NOTHING
    if normed is NOTHING or normed is not top:
        return None
    return "x / norm(x) is NaN where x is 0: nn.functional.normalize(x, dim=…), or clamp the norm"


@habit("variance", "sub")
def variance_by_squares(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    left, right = step.before(0), step.before(1)
    mean = square_of(right)
    if left.key != "Mean" or mean.key != "Mean" or not left.xs or not mean.xs:
        return None
    inner = square_of(left.xs[0].bare)
    if inner is NOTHING or inner is not mean.xs[0].bare:
        return None
    return "mean(x²) - mean(x)² cancels where the mean is large, and may be negative: var(x, correction=0)"


@habit("equal floats", "eq", "ne")
def equal_floats(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    if step.call is None or not step.call.direct or any(x.value.dtype.kind not in "fc" for x in xs):
        return None
    one, other = (each.bare for each in step.xs)
    if not {one.key, other.key} <= ARITHMETIC or one in leading_to(other) or other in leading_to(one):
        # what no longer changes is meant to be equal to the last digit
        return None
    return "two computed numbers are seldom equal to the last digit: isclose(a, b), allclose(a, b)"


@habit("half precision", "Sum", "Mean", "CumSum")
def half_sum(step: Step, xs: Sequence[AbstractTensor], y: AbstractTensor) -> str | None:
    x = xs[0].value
    terms = x.size // max(y.value.size, 1) if step.key != "CumSum" else max(x.shape, default=0)
    if step.call is None or not step.call.direct or x.dtype not in NARROW:
        return None
    if np.isinf(y.value.astype(np.float32)).any() and not np.isinf(x.astype(np.float32)).any():
        return f"a sum of {terms} numbers leaves the range of {x.dtype}: pass dtype=float32"
    if y.value.dtype in NARROW and terms >= MANY:
        return f"the result of {terms} numbers is rounded to {x.dtype}'s few digits: pass dtype=float32"
    return None
