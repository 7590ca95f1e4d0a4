"""The rewrite of attention that is written out: scores, a softmax and a product become one op, the backward pass another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.attention.problem import worth
from lineal.compiler.rewrites.draft import Draft, label
from lineal.compiler.rewrites.systems import PRODUCTS
from lineal.ops.broadcasting import Expand
from lineal.ops.contraction.attention import Attention, AttentionAdjoint
from lineal.ops.creation import Full
from lineal.ops.elementwise.comparison import isfinite
from lineal.ops.elementwise.logic import logical_not
from lineal.ops.indexing.masks import MaskedFill
from lineal.ops.premise import Premise
from lineal.ops.reductions.exponentials import Softmax, SoftmaxBackward
from lineal.ops.structural.triangles import Tril, Triu
from lineal.tracing import Equation, Var

__all__ = ["attention"]

FLOATS = ("float32", "float64")
NOTS = ("logical_not", "bitwise_not")


class Scores(NamedTuple):
    """What leads to a softmax: the equations from the product of queries and keys on, and what they are in one."""

    steps: list[Equation]
    scale: float
    causal: bool
    mask: Var | None
    hidden: bool
    """Whether the mask is true where a key is not seen."""


class Back(NamedTuple):
    """The backward pass: the cotangent, and which variables are those of queries, keys (or their transpose) and values."""

    g: Var
    outputs: dict[Var, int]


class Written(NamedTuple):
    """An attention that is written out: its scores, the softmax, the product with the values, perhaps the backward pass."""

    scores: Scores
    weights: Var
    product: Equation
    back: Back | None

    @property
    def turned(self) -> bool:
        """Whether keys, not their transpose, are what the product of the scores is given."""
        op: Any = self.scores.steps[0].op
        return op.right


def attention(draft: Draft) -> None:
    """softmax(c Q Kᵀ + M) V is one op that never has all scores, where nobody else reads these or the weights; so its adjoint.

    With a causal mask, which is looked for among constants, keys after a query are not read: Q, K and V are finite.
    """
    found = [made for each in draft.equations if (made := written(draft, each)) is not None]
    ahead = {each.product.outputs[0]: each for each in found}
    back = {var: each for each in found if each.back is not None for var in each.back.outputs}
    results: dict[Var, tuple[Var, ...]] = {}
    pulled: dict[Var, tuple[Var, ...]] = {}
    if not found:
        return

    def rule(each: Equation) -> tuple[Var, ...] | None:
        y = each.outputs[0]
        if y in ahead:
            results[y] = forward(draft, ahead[y])
            return results[y][:1]
        if y not in back:
            return None
        one = back[y]
        assert one.back is not None
        start = one.product.outputs[0]
        if start not in pulled:
            pulled[start] = adjoint(draft, one, results[start])
        place = one.back.outputs[y]
        result = pulled[start][place]
        return (draft.transposed(result) if place == 1 and not one.turned else result,)

    draft.rewrite(rule)


# what is made instead


def given(draft: Draft, one: Written) -> tuple[Var, ...]:
    """Return queries, keys, values and the mask if there is one."""
    a, b = one.scores.steps[0].inputs
    now: Callable[[Var], Var] = lambda var: draft.renamed.get(var, var)
    k = now(b) if one.turned else draft.transposed(now(b))
    mask = one.scores.mask
    return now(a), k, now(one.product.inputs[1]), *(() if mask is None else (seen(draft, now(mask), one.scores.hidden),))


def seen(draft: Draft, mask: Var, hidden: bool) -> Var:
    """Return a mask, the opposite of one that is true where a key is hidden; what is expanded is so afterwards."""
    if not hidden:
        return mask
    maker = draft.maker(mask)
    if maker is not None and type(maker.op) is Expand:
        part = seen(draft, maker.inputs[0], hidden)
        return draft.put(maker.op, (part,), (mask.spec.shape, mask.spec.storage), grad=False)
    return draft.put(logical_not.op, (mask,), (mask.spec.shape, mask.spec.storage), grad=False)


def forward(draft: Draft, one: Written) -> tuple[Var, ...]:
    """Add the attention; return its outputs, and what it was given."""
    factors, y = given(draft, one), one.product.outputs[0]
    if one.scores.causal:
        for each in factors[:3]:
            finite = draft.put(isfinite.op, (each,), (each.spec.shape, np.bool_), grad=False)
            draft.put(Premise(), (finite,), (each.spec.shape, np.bool_), grad=False)
    op = Attention(one.scores.scale, one.scores.causal, safe=False)
    like = ((y.spec.shape, y.spec.storage), (y.spec.shape[:-1], y.spec.storage))
    return (*draft.put(op, factors, *like), *factors)


def adjoint(draft: Draft, one: Written, made: tuple[Var, ...]) -> tuple[Var, ...]:
    """Add the backward pass; return the cotangents of queries, keys and values."""
    assert one.back is not None
    y, total, *factors = made
    g = draft.renamed.get(one.back.g, one.back.g)
    op = AttentionAdjoint(Attention(one.scores.scale, one.scores.causal, safe=False))
    like = [(each.spec.shape, each.spec.storage) for each in factors[:3]]
    return draft.put(op, (g, *factors[:3], y, total, *factors[3:]), *like)


# what is looked for


def written(draft: Draft, each: Equation) -> Written | None:
    """Return the attention that a product makes, if it is one and large, and all that reads its weights belongs to it."""
    maker = draft.maker(each.inputs[0]) if multiplies(each, False, False) else None
    if maker is None or type(maker.op) is not Softmax or maker.op.axis != len(each.outputs[0].spec.shape) - 1:
        return None
    weights = each.inputs[0]
    scores = scores_of(draft, maker.inputs[0])
    if scores is None or each.inputs[1] is weights or not fitting(each, scores):
        return None
    if any(step.grad is not each.grad for step in (*scores.steps, maker)):
        return None
    count = draft.reads[weights]
    if count == 1:
        return Written(scores, weights, each, None)
    back = back_of(draft, scores, weights, each)
    return None if back is None else Written(scores, weights, each, back)


def multiplies(each: Equation, left: bool, right: bool) -> bool:
    """Return whether an equation is a product of matrices of floating-point numbers, turned or not."""
    op: Any = each.op
    return type(op) in PRODUCTS and op.left is left and op.right is right and each.outputs[0].spec.storage.name in FLOATS


def fitting(product: Equation, scores: Scores) -> bool:
    """Return whether a routine is worth while for so large an attention."""
    *lead, queries, keys = product.inputs[0].spec.shape
    a, b = scores.steps[0].inputs
    if any(list(each.spec.shape[:-2]) != lead for each in (a, b, product.inputs[1])):
        return False
    sizes = (queries, keys, a.spec.shape[-1], product.outputs[0].spec.shape[-1])
    return worth(scores.causal, math.prod(lead), sizes, True)


def scores_of(draft: Draft, var: Var) -> Scores | None:
    """Return what leads to a variable from a product, which is scaled and then masked, if nobody else reads it."""
    steps: list[Equation] = []
    scale, causal, mask, hidden = 1.0, False, None, False
    while draft.reads[var] == 1 and (maker := draft.maker(var)) is not None:
        steps.insert(0, maker)
        op: Any = maker.op
        scaled = scaling(draft, maker)
        if type(op) in PRODUCTS:
            return None if op.left else Scores(steps, scale, causal, mask, hidden)
        if scaled is not None:
            var, scale = scaled[0], scale * scaled[1]
        elif len(steps) == 1 and (found := masking(draft, maker)) is not None:
            var, mask, hidden = found
            causal = is_later(draft, mask, hidden)
            mask, hidden = (None, False) if causal else (mask, hidden)
        else:
            return None
    return None


def masking(draft: Draft, each: Equation) -> tuple[Var, Var, bool] | None:
    """Return what an equation masks, by what, and whether that is true where a key is hidden; None if it does not."""
    if type(each.op) is MaskedFill and constant(draft, each.inputs[2]) == -math.inf:
        return each.inputs[0], each.inputs[1], True
    if label(each) == "where":
        mask, *choices = each.inputs
        for scores, other, hidden in ((choices[0], choices[1], False), (choices[1], choices[0], True)):
            if constant(draft, other) == -math.inf:
                return scores, mask, hidden
    if label(each) == "add" and all(x.spec == each.outputs[0].spec for x in each.inputs):
        return each.inputs[0], each.inputs[1], False
    return None


def constant(draft: Draft, var: Var) -> Any:
    """Return the number that a variable is, None if it is not known."""
    found = draft.literals.get(var)
    return None if found is None else found.item()


def scaling(draft: Draft, each: Equation) -> tuple[Var, float] | None:
    """Return what an equation multiplies by a number, and the number; None if it does not."""
    if label(each) not in ("mul", "div"):
        return None
    x, other = each.inputs
    if label(each) == "mul" and other not in draft.literals:
        x, other = other, x
    number = constant(draft, other)
    if number is None or not math.isfinite(number) or number == 0:
        return None
    return x, number if label(each) == "mul" else 1 / number


def is_later(draft: Draft, mask: Var, hidden: bool) -> bool:
    """Return whether a mask is a constant that hides, or makes -∞, just the keys that come after the query."""
    maker = draft.maker(mask)
    while maker is not None and (type(maker.op) is Expand or label(maker) == "bool"):
        maker = draft.maker(maker.inputs[0])
    if maker is None:
        return False
    op: Any = maker.op
    if mask.spec.storage.kind != "b":
        return type(op) is Triu and op.diagonal == 1 and filled(draft, maker.inputs[0]) == -math.inf
    if not hidden:
        return type(op) is Tril and op.diagonal == 0 and bool(filled(draft, maker.inputs[0]))
    if type(op) is Triu:
        return op.diagonal == 1 and bool(filled(draft, maker.inputs[0]))
    if label(maker) in NOTS or (label(maker) == "eq" and constant(draft, maker.inputs[1]) == 0):
        below: Any = draft.maker(maker.inputs[0])
        return below is not None and type(below.op) is Tril and below.op.diagonal == 0 and bool(filled(draft, below.inputs[0]))
    return False


def filled(draft: Draft, var: Var) -> Any:
    """Return the number that a constant has everywhere, None if there is none."""
    maker: Any = draft.maker(var)
    return maker.op.number if maker is not None and type(maker.op) is Full else None


def back_of(draft: Draft, scores: Scores, weights: Var, product: Equation) -> Back | None:
    """Return the backward pass, if all others that read the weights are part of it, and nobody else reads what it makes."""
    outputs: dict[Var, int] = {}
    cotangents: set[Var] = set()
    count = 1
    for each in draft.readers(weights):
        if multiplies(each, True, False) and each.inputs[0] is weights:
            outputs[each.outputs[0]] = 2
            cotangents.add(each.inputs[1])
        elif type(each.op) is SoftmaxBackward and each.inputs[1] is weights:
            g = by_weights(draft, each.inputs[0], product)
            if g is None or not through(draft, each.outputs[0], scores, outputs):
                return None
            cotangents.add(g)
        elif each is not product:
            return None
        count += each is not product
    if len(cotangents) != 1 or draft.reads[weights] != count or len(set(outputs.values())) != len(outputs):
        return None
    return Back(cotangents.pop(), outputs)


def by_weights(draft: Draft, var: Var, product: Equation) -> Var | None:
    """Return the cotangent of which a variable is the product with the values, read by the softmax's backward pass alone."""
    maker = draft.maker(var)
    if maker is None or draft.reads[var] != 1 or not multiplies(maker, False, True) or maker.inputs[1] is not product.inputs[1]:
        return None
    return maker.inputs[0]


def through(draft: Draft, var: Var, scores: Scores, outputs: dict[Var, int]) -> bool:
    """Return whether the cotangent of scores goes back through their steps to the factors alone; enter these's cotangents."""
    for step in reversed(scores.steps[1:]):
        if label(step) == "add":
            continue
        readers = draft.readers(var)
        if draft.reads[var] != 1 or len(readers) != 1 or not undoes(draft, readers[0], var, step):
            return False
        var = readers[0].outputs[0]
    a, b = scores.steps[0].inputs
    op: Any = scores.steps[0].op
    for each in draft.readers(var):
        if multiplies(each, False, not op.right) and each.inputs == (var, b):
            outputs[each.outputs[0]] = 0
        elif multiplies(each, True, False) and each.inputs == ((var, a) if op.right else (a, var)):
            outputs[each.outputs[0]] = 1
        else:
            return False
    return draft.reads[var] == len(draft.readers(var))


def undoes(draft: Draft, each: Equation, var: Var, step: Equation) -> bool:
    """Return whether an equation is the backward pass through a step of scores, for the cotangent `var`."""
    scaled = scaling(draft, step)
    if scaled is not None:
        return scaling(draft, each) == (var, scaled[1])
    if each.inputs[0] is not var:
        return False
    if type(step.op) is MaskedFill:
        return type(each.op) is MaskedFill and each.inputs[1] is step.inputs[1] and constant(draft, each.inputs[2]) == 0
    way = "drop" if constant(draft, step.inputs[1]) == -math.inf else "keep"
    return label(each) == way and each.inputs[1] is step.inputs[0]
