"""The elementwise pattern: a row (name, scalar expression, derivatives) is an op.

A row reads

    exp = unary("exp", lambda m, x: m.exp(x), lambda g, y: g * y)

The first function is the scalar expression; `m` is an array module or an Emitter. Then comes one derivative per input, which
takes the cotangent `g` and, by the names used in the scalar expression, the inputs it reads, and `y` for the output (if no
input is called so); None means a zero derivative. What the derivatives name is what the node keeps.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from lineal.base import dtypes, later
from lineal.base.config import LARGE_ARRAY, LARGE_FORMULA, LARGE_NARROW
from lineal.base.dtypes import NARROW, NARROW_SIZES, STORED_ONLY
from lineal.base.layouts import elementwise, in_order
from lineal.base.platforms import FOREIGN
from lineal.base.spec import broadcast_shapes
from lineal.core import AbstractTensor, Node, Op
from lineal.core.door import again, binary_pull, is_long, unary_pull
from lineal.core.op import changed, index_of, node_of, output
from lineal.core.opening import settle
from lineal.core.precision import require_computable, rounded

Rule = Callable[..., Any]
SPARED = 4096
"""From how many elements on steps that need not be repeated are worth looking for, where the layout does not depend on it."""
programs: Any = later.module("lineal.compiler.single.expressions")


BITWISE = frozenset("abs eq ne isnan isinf isfinite where".split())
"""The elementwise ops that look at numbers, or move them, and round nothing: they take dtypes that are only stored."""

PASSES = frozenset(
    (np.add, np.subtract, np.multiply, np.divide, np.negative, np.reciprocal, np.sqrt, np.exp, np.log, np.maximum, np.minimum)
) | {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.isnan, np.isinf, np.isfinite, np.invert}
PASSES |= {np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.absolute, np.square, np.floor, np.ceil, np.trunc, np.rint}
"""The functions of NumPy that make one pass of vectors over the numbers that they take."""

PARTWISE = frozenset(("neg",))
"""The ops that do with each part of a complex number what they do with a real one; NumPy does some of them number by number."""


class Elementwise(Op):
    """y = scalar(x0, x1, …) element by element, on inputs of one shape (or constants that NumPy broadcasts).

    `result` is the output's dtype: "same" as the inputs', "bool", "real" (the parts of a complex input) or "complex".
    """

    label: str
    result: str
    scalar: ClassVar[Rule]
    kernel: ClassVar[Callable[..., Any]]
    """`eager` of NumPy arrays: the NumPy function itself where the scalar expression is one call of it."""
    layout = elementwise
    rules: ClassVar[tuple]
    function: ClassVar[Callable[..., Any] | None]

    def __init__(
        self,
        label: str,
        scalar: Rule,
        derivatives: tuple[Rule | None, ...],
        result: str = "same",
        numeric: Rule | None = None,
        host_only: str = "",
    ):
        """Make the op of a row; `numeric` is the eager kernel where NumPy needs more words than the scalar expression."""
        names = arguments(scalar)
        positions = {"y": len(names), **{name: place for place, name in enumerate(names)}}
        picked = [() if rule is None else tuple(positions[name] for name in arguments(rule)) for rule in derivatives]
        rules = tuple(zip(derivatives, picked))
        function = called(scalar) if numeric is None else None
        self.__dict__.update(
            label=label,
            result=result,
            scalar=scalar,
            eager=scalar if function else widened(numeric or scalar),
            kernel=function or bound(numeric or scalar, len(names)),
            rules=rules,
            key=label if type(self) is Elementwise else self.key,
            any_dtype=label in BITWISE,
            keeps=tuple(" ".join("y" if pick == len(names) else str(pick) for pick in picks) for _, picks in rules),
            plans={},
            function=function,
            large=LARGE_ARRAY if function in PASSES else LARGE_FORMULA,
            differentiable=result != "bool" and any(derivatives),
            aliasing=None,
            host_only=host_only,
        )
        if len(names) < 3:
            self.__dict__["pull"] = (unary_pull, binary_pull)[len(names) - 1](rules)
        else:
            settle(self, self.as_kernel())

    @property
    def grad_name(self) -> str:
        words = "".join(word.capitalize() for word in self.label.split("_"))
        return re.sub(r"(?<=\d)[a-z]", lambda match: match.group().upper(), words) + "Backward0"

    def remember(self, node: Node, xs: tuple[AbstractTensor, ...], value: Any) -> None:
        node.edges = edges = tuple(map(node_of, xs))
        node.indices = tuple(map(index_of, xs))
        plan = self.plan(tuple([edge is not None for edge in edges]))
        node.kept = xs if len(plan.inputs) == len(xs) else tuple([x if keep else None for x, keep in zip(xs, plan.marks)])
        node.y = value if plan.output else None

    def pull(self, node: Node, g: Any, edges: tuple) -> tuple:
        if node.kept is None:
            return again(node, g, edges, self.rules)
        for place, x in enumerate(node.kept):
            if x is not None and x.memory is not None and x.memory.written > node.id:
                raise changed(node, x.memory, f"input {place} of shape {list(x.value.shape)}")
        y = None if node.y is None else output(node)
        return self.vjp(tuple([edge is not None for edge in edges]), g, y, *node.kept)

    def vjp(self, needs, g, y, *xs):
        values = (*xs, y)
        return tuple(
            rule(g, *[values[pick] for pick in picks]) if needed and rule is not None else None
            for needed, (rule, picks) in zip(needs, self.rules)
        )

    def check(self, *xs: AbstractTensor) -> None:
        broadcast_shapes(self.label, *[x.value.shape for x in xs])

    def run(self, xs: tuple[AbstractTensor, ...]) -> Any:
        if STORED_ONLY:
            require_computable(self, *xs)
        values = [x.value for x in xs]
        if values[0].__class__ is not np.ndarray or (FOREIGN and any(each.__class__ in FOREIGN for each in values)):
            return super().run(xs)
        return self.eager(np, *values) if self.settles else self.worked(*values)

    def as_kernel(self) -> Callable[..., Any]:
        return functools.partial(self.elsewhere, self.eager)

    def elsewhere(self, eager: Callable[..., Any], xp: Any, *values: Any) -> Any:
        """Return what NumPy makes of arrays, or `eager` elsewhere."""
        return self.worked(*values) if xp is np else eager(xp, *values)

    def worked(self, *values: np.ndarray) -> Any:
        """Return what is made of NumPy's arrays, laid by the rule: by NumPy, or by native loops if there are many elements."""
        size = max([each.size for each in values])
        work = self.native if size >= self.large or (size >= LARGE_NARROW and is_long(self, values)) else self.kernel
        # NumPy's order is the rule's for matrices, unless they lie otherwise than each other: to look takes a tenth of an op
        plain = max([each.ndim for each in values]) < 3 or all(each.flags.c_contiguous for each in values)
        return work(*values) if plain else in_order(work, *values)

    def native(self, *arrays: np.ndarray) -> Any:
        """Return what `kernel` returns, by a native loop over all threads where one can be written."""
        if arrays[0].dtype.kind == "c" and self.label in PARTWISE and all(each.flags.c_contiguous for each in arrays):
            parts = dtypes.of(arrays[0].dtype).to_real().numpy
            return self.native(*[each.view(parts) for each in arrays]).view(arrays[0].dtype)
        found = programs.mapping(self.scalar, self.result, self.label, tuple([(x.shape, x.strides, x.dtype) for x in arrays]))
        y = None if found is None else found(*arrays)
        return self.kernel(*arrays) if y is None else y


def called(scalar: Rule) -> Callable[..., Any] | None:
    """Return the NumPy function of which a scalar expression is the one call, as in `m.exp(x)`; None if it is more."""
    xs = tuple(object() for _ in arguments(scalar))
    try:
        call = scalar(_PROBE, *xs)
    except (TypeError, AttributeError):
        return None
    return call.function if isinstance(call, _Call) and call.xs == xs else None


def bound(scalar: Rule, count: int) -> Callable[..., Any]:
    """Return `widened(scalar)` of NumPy, for a fixed number of arrays: without packing them, half as long on the way."""
    work = functools.partial(scalar, np)

    def unary(x: Any) -> Any:
        return rounded(work, x) if x.itemsize in NARROW_SIZES and x.dtype in NARROW else scalar(np, x)

    def binary(a: Any, b: Any) -> Any:
        if (0 in a.strides or 0 in b.strides) and not (a.size < SPARED and (a.flags.c_contiguous or b.flags.c_contiguous)):
            a, b = unrepeated(a, b)
        return rounded(work, a, b) if a.itemsize in NARROW_SIZES and a.dtype in NARROW else scalar(np, a, b)

    def ternary(a: Any, b: Any, c: Any) -> Any:
        if 0 in a.strides or 0 in b.strides or 0 in c.strides:
            a, b, c = unrepeated(a, b, c)
        return rounded(work, a, b, c) if a.dtype in NARROW else scalar(np, a, b, c)

    return {1: unary, 2: binary, 3: ternary}.get(count) or functools.partial(widened(scalar), np)


def unrepeated(*arrays: np.ndarray) -> Sequence[np.ndarray]:
    """Return arrays of one shape without what some of them repeat, as `expand` does, along axes where others do not.

    So steps of an expression are done once for what is repeated, and the result lies as if NumPy had broadcast, in a trace too.
    """
    if any(each.shape != arrays[0].shape for each in arrays) or not arrays[0].size:
        return arrays
    differ = [any(steps) for steps in zip(*[each.strides for each in arrays])]
    first = lambda x: tuple([slice(0, 1) if not step and some else slice(None) for step, some in zip(x.strides, differ)])
    return [each[first(each)] if 0 in each.strides else each for each in arrays]


def widened(scalar: Rule) -> Rule:
    """Return `scalar` computing half precisions in float32, so that an expression of several steps is rounded once."""

    def eager(m: Any, x: Any, *others: Any) -> Any:
        return rounded(functools.partial(scalar, m), x, *others) if x.dtype in NARROW else scalar(m, x, *others)

    return eager


def arguments(rule: Rule) -> tuple[str, ...]:
    """Return the names of a rule's arguments after the first."""
    return rule.__code__.co_varnames[1 : rule.__code__.co_argcount]


class _Call:
    """A call of a NumPy function, seen by the probe."""

    def __init__(self, function: Callable[..., Any], xs: tuple):
        self.function = function
        self.xs = xs


class _Probe:
    """Stands for the array module in a scalar expression, to see which function it calls on what."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(np, name)
        return lambda *xs: _Call(function, xs)


_PROBE = _Probe()
