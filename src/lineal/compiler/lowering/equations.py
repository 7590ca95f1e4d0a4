"""Lowering: each equation of a trace becomes nodes, or only a view.

`rules` says how, by the op's class; what has no rule, or computes with numbers the code generator does not know, is left to the
host.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.base import later
from lineal.base.blas import get_bfloat16_products
from lineal.codegen.contract.geometry import Geometry
from lineal.codegen.formulas import formula_of
from lineal.codegen.kinds import Kind, float64, int64, kind_of
from lineal.compiler import passes
from lineal.compiler.lowering.halves import is_rounded_once, narrowed
from lineal.compiler.lowering.support import identity, same, supported
from lineal.compiler.nodes.blame import Blaming
from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, Pick, Place, RunSum, dense, merged
from lineal.compiler.nodes.node import (
    Call,
    Check,
    Convolve,
    Draw,
    Host,
    Join,
    Map,
    Node,
    Product,
    Reduce,
    Routine,
    Runs,
    Scan,
    Scatter,
)
from lineal.core.inplace import Copy
from lineal.ops.pattern import Elementwise
from lineal.tracing import Equation, Var

if TYPE_CHECKING:
    from lineal.compiler.capturing.trace import Trace

__all__ = ["Lowering"]

rules: Any = later.module("lineal.compiler.lowering.rules")
"""What ops are lowered by; one-node programs need none, and these need all ops."""

Axes = tuple[int, ...]


class Lowering:
    """The nodes of a trace, and for each variable the view it is."""

    def __init__(self, trace: Trace):
        self.nodes: list[Node] = []
        self.views: dict[Var, BufferView] = {}
        self.numbers: dict[Any, Buffer] = {}
        self.known: dict[Any, tuple[BufferView, ...]] = {}
        """What ops have given, by the op and its inputs."""
        self.in_range: set[tuple] = set()
        """The indices that nodes see to be in range."""
        self.bounds: dict[Buffer, int] = {}
        """What indices that the program makes itself stay below, from 0 on."""
        self.sorted: dict[Pick, tuple[Buffer, Buffer]] = {}
        """The runs of indices."""
        self.parts: list[Buffer] = []
        """Buffers that lie inside of arrays from outside."""
        self.count = 0
        self.steps = trace.steps
        for var, array in trace.literals.items():
            self.views[var] = self.literal(array.item(), array.dtype, array.shape)
        outside = {**dict.fromkeys(trace.inputs, "input"), **dict.fromkeys(trace.captured, "captured")}
        for var, source in {**outside, **dict.fromkeys(trace.live, "live")}.items():
            self.define(var, self.outside(var, source))
        for equation in trace.equations:
            before = len(self.nodes)
            with Blaming(equation):
                self.lower(equation)
            for node in self.nodes[before:]:
                node.equation = equation  # type: ignore[misc]

    def next(self) -> int:
        self.count += 1
        return self.count - 1

    def outside(self, var: Var, source: str) -> Buffer:
        """Return the buffer of an array from outside, which lies as it lay in the trace."""
        spec = var.spec
        return Buffer(self.next(), tuple(spec.shape), spec.storage, source, self.steps.get(var))

    def define(self, var: Var, buffer: Buffer) -> None:
        """Let a variable be a whole buffer."""
        self.views[var] = BufferView(buffer, buffer.shape, buffer.strides)

    def lower(self, equation: Equation) -> None:
        """Let the outputs of an equation be views; append the nodes that make what they show."""
        args = tuple(self.views[var] for var in equation.inputs)
        key = self.key(equation.op, args)
        found = self.known.get(key) if key is not None else None
        if found is None:
            found = self.made(equation, args)
            if key is not None:
                self.known[key] = found
        self.views.update(zip(equation.outputs, found))

    def key(self, op: Any, args: tuple[BufferView, ...]) -> Any:
        """Return under what equal equations are found again, None where each stands for itself."""
        words = identity(op) if passes.enabled("common") and not op.effect else None
        return None if words is None else (words, args)

    def same(self, op: Any, *args: BufferView) -> BufferView:
        """Return the view that an op with a rule and one output gives; where an equation is equal, its own."""
        key = self.key(op, args)
        if key is None or key not in self.known:
            found = rules.RULES[type(op)](self, op, None, *args)
            if key is None:
                return found
            self.known[key] = (found,)
        return self.known[key][0]

    def made(self, equation: Equation, args: tuple[BufferView, ...]) -> tuple[BufferView, ...]:
        """Return the views that an op gives."""
        op, specs = equation.op, [var.spec for var in equation.outputs]
        if op.aliasing is not None and len(specs) == 1:
            found = self.view(op, args[0])
        elif all(supported(each) for each in (*(arg.buffer.dtype for arg in args), *(spec.storage for spec in specs))):
            row = rules.elementwise.elementwise if isinstance(op, Elementwise) else None
            rule: Callable[..., Any] | None = rules.RULES.get(type(op)) or row
            if rule is not None and is_rounded_once(op, args):
                rule = narrowed(rule)
            found = None if rule is None else rule(self, op, specs[0] if len(specs) == 1 else specs, *args)
        else:
            found = None
        if found is None:
            return self.host(equation, args)
        return found if isinstance(found, tuple) else (found,)

    # what rules are made of

    def literal(self, number: Any, dtype: Any, shape: Sequence[int] = ()) -> BufferView:
        """Return the view that shows one number everywhere."""
        dtype = np.dtype(dtype)
        key = (repr(number), dtype)
        buffer = self.numbers.get(key)
        if buffer is None:
            buffer = self.numbers[key] = Buffer(self.next(), (), dtype, "literal", value=number)
        return BufferView(buffer, tuple(shape), (0,) * len(shape))

    def map(self, shape: Any, dtype: Any, formula: Callable[..., Any], *args: Any, label: str = "map") -> BufferView:
        """Return the view on formula(m, *args); it is computed here if all of them are literals, else by a Map."""
        if (
            args
            and passes.enabled("constants")
            and all(isinstance(x, BufferView) and x.buffer.source == "literal" for x in args)
        ):
            number = folded(formula, dtype, args)
            if number is not None:
                return self.literal(number, dtype, shape)
        return self.filled(shape, dtype, formula, *args, label=label)

    def filled(
        self,
        shape: Any,
        dtype: Any,
        formula: Callable[..., Any],
        *args: Any,
        label: str = "map",
        inside: BufferView | None = None,
        after: tuple[Buffer, ...] = (),
    ) -> BufferView:
        """Append a Map, whose result may lie inside of another buffer, and return the view on it."""
        shape = tuple(shape)
        out = Buffer(self.next(), shape, np.dtype(dtype), "made", None if inside is None else inside.strides)
        out.inside = inside
        placed = tuple([self.along(each, shape) for each in args])
        self.nodes.append(Map(out, formula_of(formula, [kind_read(each) for each in args]), placed, label, after))
        return BufferView(out, shape, out.strides)

    def along(self, arg: Any, shape: tuple[int, ...]) -> Any:
        """Return what a map reads as it lies along a loop, its indices looked at."""
        if isinstance(arg, Chosen):
            return Chosen(arg.view, tuple(map(self.looked_at, arg.picks)))
        return arg.stretched(shape) if isinstance(arg, BufferView) and arg.shape != shape else arg

    def looked_at(self, pick: Pick) -> Pick:
        """Return an index of which somebody sees that it is in range: who made it, or the first node that reads it."""
        view = pick.index
        steps = merged([each for each in zip(view.shape, view.strides) if each[1]])
        key = view.buffer, view.offset, steps, pick.size, pick.wraps
        sure = key in self.in_range or self.bounds.get(view.buffer, math.inf) <= pick.size
        self.in_range.add(key)
        return replace(pick, sure=sure)

    def copy(self, view: BufferView, inside: BufferView | None = None, after: tuple[Buffer, ...] = ()) -> BufferView:
        """Append a copy, dense unless it is to lie inside of another buffer, and return the view on it."""
        if not supported(view.buffer.dtype):
            if inside is not None:
                raise NotImplementedError(f"numbers of {view.buffer.dtype} are put together or written to another tensor")
            out = self.made_buffer(view.shape, view.buffer.dtype)
            self.nodes.append(Host(Copy(), (view,), [out]))
            return BufferView(out, out.shape, out.strides)
        return self.filled(view.shape, view.buffer.dtype, same, view, label="copy", inside=inside, after=after)

    def reduce(
        self, view: BufferView, axes: Sequence[int], kind: str, dtype: Any = None, keepdim: bool = False, wide: bool = False
    ) -> BufferView:
        """Append a Reduce and return the view on what it makes, in float64 if that is to be `wide`.

        Of half precisions it is what they are computed in.
        """
        axes = tuple(axes)
        if dtype is not None and np.dtype(dtype) != kind_of(view.buffer.dtype).computed.dtype:
            view = self.map(view.shape, dtype, same, view, label="cast")
        kept = tuple(size for place, size in enumerate(view.shape) if place not in axes)
        within = np.dtype(np.float64) if wide else kind_of(view.buffer.dtype).computed.dtype
        out = Buffer(self.next(), kept, within, "made")
        self.nodes.append(Reduce(out, view, axes, kind))
        found = BufferView(out, kept, out.strides)
        for axis in sorted(axes) if keepdim else ():
            found = found.with_axis(axis)
        return found

    def product(self, a: BufferView, b: BufferView) -> BufferView:
        """Append a Product and return the view on what it makes: of half precisions sums that are not rounded."""
        shape, kind = (*a.shape[:-1], b.shape[-1]), kind_of(a.buffer.dtype)
        out = Buffer(self.next(), shape, kind.computed.dtype, "made")
        self.nodes.append(Product(out, self.readable(a), self.readable(b), pairs=has_pairs(kind)))
        return BufferView(out, shape, out.strides)

    def convolution(self, x: BufferView, w: BufferView, geometry: Geometry, shape: Sequence[int]) -> BufferView:
        """Append a Convolve, of a kernel in order, and return the view on what it makes, as `product` does."""
        kind = kind_of(x.buffer.dtype)
        out = self.made_buffer(shape, kind.computed.dtype)
        self.nodes.append(Convolve(out, x, w, geometry, has_pairs(kind)))
        return BufferView(out, out.shape, out.strides)

    def readable(self, view: BufferView) -> BufferView:
        """Return the view, or a copy of it if BLAS cannot read it where it lies."""
        rows, columns = view.strides[-2:]
        m, n = view.shape[-2:]
        if view.buffer.source != "literal" and (
            (columns == 1 and (rows >= n or m == 1)) or (rows == 1 and (columns >= m or n == 1))
        ):
            return view
        return self.copy(view)

    def block(self, shape: Sequence[int], dtype: Any) -> BufferView:
        """Return the view on a new block of memory, which is to be filled by parts and closed by `join`."""
        buffer = Buffer(self.next(), tuple(shape), np.dtype(dtype), "made")
        return BufferView(buffer, buffer.shape, buffer.strides)

    def join(self, block: BufferView, parts: Sequence[Buffer]) -> BufferView:
        """Append the Join that makes a block of the parts that lie inside of it."""
        self.nodes.append(Join(block.buffer, list(parts)))
        return block

    def scatter(
        self, block: BufferView, first: Buffer, source: BufferView, target: BufferView, picks: tuple[Pick, ...], adds: bool
    ) -> BufferView:
        """Return the block that holds `first`, with the source put or added at `target` moved by picks."""
        token = Buffer(self.next(), block.shape, block.buffer.dtype, "made")
        token.inside = block
        self.nodes.append(Scatter(token, source, target, tuple(map(self.looked_at, picks)), adds, (first,)))
        return self.join(block, [first, token])

    def runs(self, pick: Pick) -> tuple[Buffer, Buffer]:
        """Append the Runs of an index, unless they are known; return the order and where in it those of each place start."""
        found = self.sorted.get(pick)
        if found is None:
            found = self.sorted[pick] = (
                self.made_buffer(pick.index.shape, np.int32),
                self.made_buffer((pick.size + 1,), np.int32),
            )
            self.nodes.append(Runs(*found, self.looked_at(pick)))
        return found

    def draw(self, state: BufferView, shape: Sequence[int], dtype: Any) -> BufferView:
        """Append the Draw of random words (uint32 or uint64), and return them in a shape."""
        words = 32 // np.dtype(dtype).itemsize
        count = -(-math.prod(shape) // words) * words
        out = Buffer(self.next(), (count,), np.dtype(dtype), "made")
        self.nodes.append(Draw(out, state))
        return BufferView(out, tuple(shape), dense(tuple(shape)))

    def scan(
        self,
        args: Sequence[BufferView],
        axis: int,
        formula: Callable[..., Any],
        start: Any,
        back: bool,
        exclusive: bool = False,
        associative: bool = False,
    ) -> BufferView:
        """Append a Scan along an axis, from its end if `back`, and return the view on what it makes."""
        out = Buffer(self.next(), args[0].shape, args[0].buffer.dtype, "made")
        whole = BufferView(out, out.shape, out.strides)
        turn = (lambda each: each.reversed((axis,))) if back else (lambda each: each)
        read = [kind_of(each.buffer.dtype) for each in args]
        # what is so far is kept in float64, so that long sums are rounded once
        so_far = float64 if read[0].family == "f" else read[0]
        found = formula_of(formula, [so_far, *read])
        self.nodes.append(Scan(out, turn(whole), tuple(map(turn, args)), axis, found, start, exclusive, associative))
        return whole

    def routine(self, label: str, write: Call, args: Sequence[BufferView], outs: Sequence[Buffer], **known: Any) -> None:
        """Append the Routine that makes `outs` of args."""
        self.nodes.append(Routine(list(outs), list(args), write, label, **known))

    def made_buffer(self, shape: Sequence[int], dtype: Any, inside: BufferView | None = None) -> Buffer:
        """Return a new buffer for a result, which may lie inside of another one."""
        buffer = Buffer(self.next(), tuple(shape), np.dtype(dtype), "made", None if inside is None else inside.strides)
        buffer.inside = inside
        return buffer

    def check(self, holds: BufferView, lenient: bool = False) -> None:
        """Append the Check that all of some truth values hold."""
        whole = self.reduce(holds, range(len(holds.shape)), "minimum") if holds.shape else holds
        if whole.number is not True:
            self.nodes.append(Check(self.copy(whole) if whole.buffer.source == "literal" else whole, lenient=lenient))

    # the general cases

    def view(self, op: Any, view: BufferView) -> BufferView | None:
        """Return another view on the same buffer; on a copy of it if the op has to copy."""
        if view.buffer.source == "literal":
            shape = op.eager(np, np.broadcast_to(np.array(view.number, view.buffer.dtype), view.shape)).shape
            return BufferView(view.buffer, shape, (0,) * len(shape))
        return seen(view, op) or seen(self.copy(view), op)

    def host(self, equation: Equation, args: tuple[BufferView, ...]) -> tuple[BufferView, ...]:
        """Leave an equation to the host; NotImplementedError if the shape of its result is known only when it has run."""
        if rules.changing(equation.op, args):
            raise NotImplementedError(f"the shape of what {equation.op.key} returns depends on numbers")
        outs = [Buffer(self.next(), tuple(v.spec.shape), v.spec.storage, "made") for v in equation.outputs]
        self.nodes.append(Host(equation.op, args, outs))
        return tuple(BufferView(buffer, buffer.shape, buffer.strides) for buffer in outs)


def has_pairs(kind: Kind) -> bool:
    """Return whether the processor's own products of bfloat16 may be used, for numbers of a kind."""
    return kind.is_narrow and get_bfloat16_products() == "native"


def kind_read(arg: BufferView | Place | Chosen | RunSum) -> Kind:
    """Return the kind of number that a map reads."""
    if isinstance(arg, Place):
        return int64
    return kind_of((arg.view if isinstance(arg, (Chosen, RunSum)) else arg).buffer.dtype)


def folded(formula: Callable[..., Any], dtype: Any, args: Sequence[BufferView]) -> Any:
    """Return the number that a formula gives of literals, None if NumPy cannot compute it."""
    try:
        with np.errstate(all="ignore"):
            numbers = [np.array(x.number, x.buffer.dtype).astype(kind_read(x).computed.dtype) for x in args]
            return np.asarray(formula(np, *numbers)).astype(dtype).item()
    except (AttributeError, TypeError, ValueError, ArithmeticError):
        return None


def seen(view: BufferView, op: Any) -> BufferView | None:
    """Return the view that a view op makes of a view: the op runs on memory that lies like it."""
    itemsize = view.buffer.dtype.itemsize
    last = view.offset + sum(max(0, (size - 1) * step) for size, step in zip(view.shape, view.strides))
    memory = np.empty(max(last + 1, 1), view.buffer.dtype)
    steps = tuple(step * itemsize for step in view.strides)
    offset = view.offset if math.prod(view.shape) else 0
    array = np.ndarray(view.shape, memory.dtype, memory, offset * itemsize, steps)
    try:
        y = op.eager(np, array)
    except Exception:
        return None
    if y.dtype != memory.dtype or (not np.may_share_memory(y, memory) and y.size):
        return None
    start, first = memory.ctypes.data, y.__array_interface__["data"][0]
    offset = (first - start) // itemsize if y.size else 0
    return BufferView(view.buffer, y.shape, tuple(step // itemsize for step in y.strides), offset)
