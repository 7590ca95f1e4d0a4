"""Lowering: each equation of a trace becomes nodes, or only a window.

`RULES` says how, by the op's class; what has no rule, or computes with numbers the code generator does not know, is left to the
host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.compiler.nodes import Base, Chosen, Host, Map, Node, Place, Product, Reduce, Window, dense
from lineal.compiler.support import supported
from lineal.compiler.trace import Trace

from lineal.core.inplace import Copy, Overwrite
from lineal.ops.broadcasting import SumToShape
from lineal.ops.contraction.products import Affine, AffineWithBias, Dot, MatMul
from lineal.ops.conversion import Cast
from lineal.ops.creation import Full
from lineal.ops.indexing.gathering import Gather, GatherSum
from lineal.ops.pattern import Elementwise
from lineal.ops.reductions.exponentials import LogSoftmax, LogSoftmaxBackward, Softmax, SoftmaxBackward
from lineal.ops.reductions.sums import Mean, Sum
from lineal.ops.structural.reshape import Clone
from lineal.tracing import Equation, Var

__all__ = ["Lowering"]

Axes = tuple[int, ...]
Rule = Callable[["Lowering", Equation], None]


class Lowering:
    """The nodes of a trace, and for each variable the window it is."""

    def __init__(self, trace: Trace):
        self.nodes: list[Node] = []
        self.windows: dict[Var, Window] = {}
        self.count = 0
        self.steps = trace.steps
        for var, array in trace.literals.items():
            self.define(var, Base(self.next(), array.shape, array.dtype, "literal", value=array.item()))
        outside = {**dict.fromkeys(trace.inputs, "input"), **dict.fromkeys(trace.captured, "captured")}
        for var, source in {**outside, **dict.fromkeys(trace.live, "live")}.items():
            self.define(var, self.outside(var, source))
        for equation in trace.equations:
            self.lower(equation)

    def next(self) -> int:
        self.count += 1
        return self.count - 1

    def outside(self, var: Var, source: str) -> Base:
        """Return the base of an array from outside, which lies as it lay in the trace."""
        spec = var.spec
        return Base(self.next(), tuple(spec.shape), spec.storage, source, self.steps.get(var))

    def define(self, var: Var, base: Base) -> None:
        """Let a variable be a whole base."""
        self.windows[var] = Window(base, base.shape, base.strides)

    def lower(self, equation: Equation) -> None:
        """Append the nodes of one equation."""
        op = equation.op
        if op.aliasing == "view":
            self.view(equation)
            return
        rule = RULES.get(type(op)) or (elementwise if isinstance(op, Elementwise) else None)
        vars_ = (*equation.inputs, *equation.outputs)
        if rule is None or not all(supported(var.spec.storage) for var in vars_) or not rule(self, equation):
            self.host(equation)

    # what rules are made of

    def args(self, equation: Equation) -> list[Window]:
        """Return the windows that the inputs are."""
        return [self.windows[var] for var in equation.inputs]

    def map(self, shape: Any, dtype: Any, formula: Callable[..., Any], *args: Any, label: str = "map") -> Window:
        """Append a Map and return the window on what it makes."""
        shape = tuple(shape)
        out = Base(self.next(), shape, np.dtype(dtype), "made")
        stretched = tuple(each.stretched(shape) if isinstance(each, Window) and each.shape != shape else each for each in args)
        self.nodes.append(Map(out, formula, stretched, label))
        return Window(out, shape, out.strides)

    def reduce(self, window: Window, axes: Axes, kind: str, dtype: Any = None, keepdim: bool = False) -> Window:
        """Append a Reduce and return the window on what it makes."""
        if dtype is not None and np.dtype(dtype) != window.base.dtype:
            window = self.map(window.shape, dtype, lambda m, x: x, window, label="cast")
        kept = tuple(size for place, size in enumerate(window.shape) if place not in axes)
        out = Base(self.next(), kept, window.base.dtype, "made")
        self.nodes.append(Reduce(out, window, axes, kind))
        found = Window(out, kept, out.strides)
        for axis in sorted(axes) if keepdim else ():
            found = found.with_axis(axis)
        return found

    def product(self, a: Window, b: Window) -> Window:
        """Append a Product and return the window on what it makes."""
        shape = (*a.shape[:-1], b.shape[-1])
        out = Base(self.next(), shape, a.base.dtype, "made")
        self.nodes.append(Product(out, self.readable(a), self.readable(b)))
        return Window(out, shape, out.strides)

    def readable(self, window: Window) -> Window:
        """Return the window, or a copy of it if BLAS cannot read it where it lies."""
        rows, columns = window.strides[-2:]
        m, n = window.shape[-2:]
        if (columns == 1 and (rows >= n or m == 1)) or (rows == 1 and (columns >= m or n == 1)):
            return window
        return self.map(window.shape, window.base.dtype, lambda m, x: x, window, label="copy")

    # the general cases

    def view(self, equation: Equation) -> None:
        """Let the output be another window on the input's base; a copy if the op has to copy."""
        window = self.windows[equation.inputs[0]]
        (var,) = equation.outputs
        found = seen(window, equation.op)
        if found is None:
            copied = self.map(window.shape, window.base.dtype, lambda m, x: x, window, label="copy")
            found = seen(copied, equation.op)
        if found is None:
            self.host(equation)
        else:
            self.windows[var] = found

    def host(self, equation: Equation) -> None:
        """Leave an equation to the host."""
        outs = [Base(self.next(), tuple(v.spec.shape), v.spec.storage, "made") for v in equation.outputs]
        self.nodes.append(Host(equation.op, self.args(equation), outs))
        for var, base in zip(equation.outputs, outs):
            self.define(var, base)


def seen(window: Window, op: Any) -> Window | None:
    """Return the window that a view op makes of a window: the op is run on memory that lies the same way, and only its place read."""
    itemsize = window.base.dtype.itemsize
    span = 1 + window.offset + sum((size - 1) * step for size, step in zip(window.shape, window.strides) if size)
    memory = np.empty(max(span, 1), window.base.dtype)
    steps = tuple(step * itemsize for step in window.strides)
    array = np.ndarray(window.shape, memory.dtype, memory, window.offset * itemsize, steps)
    try:
        y = op.eager(np, array)
    except Exception:
        return None
    start, first = memory.ctypes.data, y.__array_interface__["data"][0]
    if y.dtype != memory.dtype or not np.may_share_memory(y, memory) and y.size:
        return None
    offset = (first - start) // itemsize if y.size else 0
    return Window(window.base, y.shape, tuple(step // itemsize for step in y.strides), offset)


# the rules; each says whether it applies


def elementwise(low: Lowering, equation: Equation) -> bool:
    """y = scalar(x0, x1, …)."""
    op: Any = equation.op
    (var,) = equation.outputs
    args = low.args(equation)
    kinds = tuple(each.base.dtype for each in args)
    if not supported(op, kinds):
        return False
    low.windows[var] = low.map(var.spec.shape, var.spec.storage, op.scalar, *args, label=op.label)
    return True


def identity(low: Lowering, equation: Equation) -> bool:
    """y = x, to be copied only where memory of its own is asked for."""
    low.windows[equation.outputs[0]] = low.windows[equation.inputs[-1]]
    return True


def cast(low: Lowering, equation: Equation) -> bool:
    """y = x in another dtype."""
    (var,) = equation.outputs
    low.windows[var] = low.map(var.spec.shape, var.spec.storage, lambda m, x: x, *low.args(equation), label="cast")
    return True


def full(low: Lowering, equation: Equation) -> bool:
    """y = one number everywhere."""
    op: Any = equation.op
    (var,) = equation.outputs
    value = Base(low.next(), (), var.spec.storage, "literal", value=np.array(op.number).astype(var.spec.storage).item())
    low.windows[var] = Window(value, tuple(var.spec.shape), (0,) * len(var.spec.shape))
    return True


def total(low: Lowering, equation: Equation) -> bool:
    """y = Σ x."""
    op: Any = equation.op
    (x,), (var,) = low.args(equation), equation.outputs
    low.windows[var] = low.reduce(x, tuple(op.axes), "add", var.spec.storage, op.keepdim)
    return True


def mean(low: Lowering, equation: Equation) -> bool:
    """y = Σ x / n."""
    op: Any = equation.op
    (x,), (var,) = low.args(equation), equation.outputs
    y = low.reduce(x, tuple(op.axes), "add", None, op.keepdim)
    count = int(np.prod([x.shape[axis] for axis in op.axes]))
    low.windows[var] = low.map(y.shape, var.spec.storage, lambda m, total: total / count, y, label="mean")
    return True


def sum_to_shape(low: Lowering, equation: Equation) -> bool:
    """y = x summed over what was broadcast."""
    op: Any = equation.op
    (x,), (var,) = low.args(equation), equation.outputs
    lead = len(x.shape) - len(op.shape)
    axes = (*range(lead), *(lead + n for n, size in enumerate(op.shape) if size == 1 != x.shape[lead + n]))
    y = low.reduce(x, axes, "add")
    low.windows[var] = Window(y.base, tuple(op.shape), dense(tuple(op.shape)))
    return True


def softmax(low: Lowering, equation: Equation) -> bool:
    """y = exp(x - max x) / Σ exp(x - max x)."""
    op: Any = equation.op
    (x,), (var,) = low.args(equation), equation.outputs
    if not x.shape:
        return False
    peak = low.reduce(x, (op.axis,), "maximum", keepdim=True)
    e = low.map(x.shape, x.base.dtype, lambda m, x, top: m.exp(x - top), x, peak, label="exp")
    whole = low.reduce(e, (op.axis,), "add", keepdim=True)
    low.windows[var] = low.map(x.shape, x.base.dtype, lambda m, e, total: e / total, e, whole, label="softmax")
    return True


def log_softmax(low: Lowering, equation: Equation) -> bool:
    """y = x - max x - log Σ exp(x - max x)."""
    op: Any = equation.op
    (x,), (var,) = low.args(equation), equation.outputs
    if not x.shape:
        return False
    peak = low.reduce(x, (op.axis,), "maximum", keepdim=True)
    e = low.map(x.shape, x.base.dtype, lambda m, x, top: m.exp(x - top), x, peak, label="exp")
    whole = low.reduce(e, (op.axis,), "add", keepdim=True)
    formula = lambda m, x, top, total: (x - top) - m.log(total)
    low.windows[var] = low.map(x.shape, x.base.dtype, formula, x, peak, whole, label="log_softmax")
    return True


def softmax_backward(low: Lowering, equation: Equation) -> bool:
    """z = y (g - Σ g y)."""
    op: Any = equation.op
    (g, y), (var,) = low.args(equation), equation.outputs
    if not y.shape:
        return False
    both = low.map(y.shape, y.base.dtype, lambda m, g, y: g * y, g, y, label="mul")
    whole = low.reduce(both, (op.axis,), "add", keepdim=True)
    formula = lambda m, both, y, total: both - y * total
    low.windows[var] = low.map(y.shape, y.base.dtype, formula, both, y, whole, label="softmax_backward")
    return True


def log_softmax_backward(low: Lowering, equation: Equation) -> bool:
    """z = g - exp(y) Σ g."""
    op: Any = equation.op
    (g, y), (var,) = low.args(equation), equation.outputs
    if not y.shape:
        return False
    whole = low.reduce(g, (op.axis,), "add", keepdim=True)
    formula = lambda m, g, y, total: g - m.exp(y) * total
    low.windows[var] = low.map(y.shape, y.base.dtype, formula, g, y, whole, label="log_softmax_backward")
    return True


def turned(window: Window, yes: bool) -> Window:
    """Return the window with its last two axes exchanged, if `yes`."""
    if not yes:
        return window
    swap = lambda each: (*each[:-2], each[-1], each[-2])
    return Window(window.base, swap(window.shape), swap(window.strides), window.offset)


def is_real_product(*windows: Window) -> bool:
    """Return whether BLAS multiplies such numbers."""
    return all(each.base.dtype.name in ("float32", "float64") and 0 not in each.shape for each in windows)


def matmul(low: Lowering, equation: Equation) -> bool:
    """Y = A B, either turned."""
    op: Any = equation.op
    a, b = low.args(equation)
    if not is_real_product(a, b):
        return False
    low.windows[equation.outputs[0]] = low.product(turned(a, op.left), turned(b, op.right))
    return True


def affine(low: Lowering, equation: Equation) -> bool:
    """y = x W (+ b), for every row of x."""
    op: Any = equation.op
    x, w, *bias = low.args(equation)
    (var,) = equation.outputs
    rows = (int(np.prod(x.shape[:-1])), x.shape[-1])
    if not is_real_product(x, w):
        return False
    if len(x.shape) != 2:
        if not x.whole and x.strides != dense(x.shape):
            x = low.map(x.shape, x.base.dtype, lambda m, x: x, x, label="copy")
        x = Window(x.base, rows, dense(rows), x.offset)
    y = low.product(x, turned(w, op.transposed))
    shape = tuple(var.spec.shape)
    y = Window(y.base, shape, dense(shape))
    if bias:
        y = low.map(shape, y.base.dtype, lambda m, y, b: y + b, y, bias[0], label="add")
    low.windows[var] = y
    return True


def dot(low: Lowering, equation: Equation) -> bool:
    """y = Σ a b."""
    a, b = low.args(equation)
    if a.base.dtype.kind != "f":
        return False
    both = low.map(a.shape, a.base.dtype, lambda m, a, b: a * b, a, b, label="mul")
    low.windows[equation.outputs[0]] = low.reduce(both, (0,), "add")
    return True


def gather(low: Lowering, equation: Equation) -> bool:
    """y = x at one index along an axis, elsewhere at its own place."""
    op: Any = equation.op
    x, index = low.args(equation)
    (var,) = equation.outputs
    shape = tuple(var.spec.shape)
    if index.shape[op.dim] != 1 or any(size != x.shape[n] for n, size in enumerate(shape) if n != op.dim):
        return False
    low.windows[var] = low.map(shape, var.spec.storage, lambda m, x: x, Chosen(x, op.dim, index), label="gather")
    return True


def gather_sum(low: Lowering, equation: Equation) -> bool:
    """y = g where the index is the place along the axis, else 0: the adjoint of a gather of one index."""
    op: Any = equation.op
    g, index = low.args(equation)
    (var,) = equation.outputs
    shape = tuple(var.spec.shape)
    if index.shape[op.dim] != 1 or any(size != shape[n] for n, size in enumerate(index.shape) if n != op.dim):
        return False
    formula = lambda m, g, index, place: m.where(index == place, g, 0)
    low.windows[var] = low.map(shape, var.spec.storage, formula, g, index, Place(op.dim), label="scatter")
    return True


RULES: dict[type, Callable[[Lowering, Equation], bool]] = {
    Copy: identity,
    Clone: identity,
    Overwrite: identity,
    Cast: cast,
    Full: full,
    Sum: total,
    Mean: mean,
    SumToShape: sum_to_shape,
    Softmax: softmax,
    SoftmaxBackward: softmax_backward,
    LogSoftmax: log_softmax,
    LogSoftmaxBackward: log_softmax_backward,
    MatMul: matmul,
    Affine: affine,
    AffineWithBias: affine,
    Dot: dot,
    Gather: gather,
    GatherSum: gather_sum,
}
