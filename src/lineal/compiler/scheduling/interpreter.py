"""The loops' meaning in NumPy: what each group gives, computed node by node, as an oracle for the code that is written for it.

Code may round otherwise: products and sums are fused, long sums are added in pieces, functions differ in the last digits. So a
group is computed several times, with noise after every operation (`noise.py`). The turns of a loop are computed op by op, by
the eager kernels: its body is lowered and scheduled for itself, which is seen here too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.codegen import kinds
from lineal.codegen.formulas import NUMPY, Formula
from lineal.codegen.kinds import Kind, float64, kind_of
from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, Pick, Place, RunSum
from lineal.compiler.nodes.node import Convolve, Draw, Map, Node, Product, Reduce, Repeat, Rewind, Runs, Scan, Scatter
from lineal.compiler.scheduling.grouping import Group
from lineal.compiler.scheduling.noise import Expected, Kernels, Noise, Unknown, noises, settled
from lineal.compiler.scheduling.rows import Rows
from lineal.core.precision import widened
from lineal.ops.contraction.convolution import columns

__all__ = ["expected", "is_known"]

View = Callable[[BufferView], np.ndarray]
Reduction = Callable[..., Any]
REDUCTIONS: dict[str, Any] = {
    "add": np.add, "squares": np.add, "multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum
}  # fmt: skip


def is_known(group: Group | Rows) -> bool:
    """Return whether the meaning of all nodes of a group is known here; others are calls of libraries and the host's."""
    return all(type(node) in MEANINGS for node in group.nodes)


def expected(group: Group | Rows, written: Sequence[Buffer], view: View) -> dict[Buffer, Expected]:
    """Return what a group is to give for each buffer that is written, from the memory that `view` shows."""
    runs = []
    try:
        with np.errstate(all="ignore"):
            for noise in noises():
                runs.append(Run(view, noise).of(group))
    except Unknown:
        return {}
    return {buffer: settled([run[buffer] for run in runs]) for buffer in written if buffer in runs[0]}


class Run:
    """One computation of a group, with noise if there is some."""

    def __init__(self, view: View, noise: Noise | None):
        self.memory, self.noise = view, noise
        self.values: dict[Buffer, np.ndarray] = {}

    def of(self, group: Group | Rows) -> dict[Buffer, np.ndarray]:
        """Return what the group gives for each buffer that its nodes make."""
        for each in group.groups if isinstance(group, Rows) else [group]:
            for node in each.nodes:
                MEANINGS[type(node)](self, node)
        return self.values

    def view(self, view: BufferView) -> np.ndarray:
        """Return what a view shows: of a literal, of what has been computed here, or of memory."""
        buffer = view.buffer
        if buffer.source == "literal":
            return np.broadcast_to(np.array(buffer.value, buffer.dtype), view.shape)
        if buffer not in self.values:
            return self.memory(view)
        size = buffer.dtype.itemsize
        memory = np.empty(1 + sum((n - 1) * step for n, step in zip(buffer.shape, buffer.strides)), buffer.dtype)
        np.ndarray(buffer.shape, buffer.dtype, memory, 0, tuple(step * size for step in buffer.strides))[...] = self.values[
            buffer
        ]
        return np.ndarray(view.shape, buffer.dtype, memory, view.offset * size, tuple(step * size for step in view.strides))

    def noisy(self, value: Any, kind: Kind, scale: Any = None) -> np.ndarray:
        """Return a value in a kind, some units in the last place of it (or of `scale`) away."""
        value = np.asarray(value)
        if self.noise is None or kind.family != "f":
            return value.astype(kind.dtype)
        away = (self.noise.side / 2 if kind.is_narrow else self.noise.away(value.shape)) * kind.eps
        size = value if scale is None else np.asarray(scale)
        moved = value + np.where(np.isfinite(size), size, 0) * away
        return np.where(value == 0, value if scale is None else moved, moved).astype(kind.dtype)

    def apply(self, formula: Formula, *xs: np.ndarray) -> np.ndarray:
        """Return what a formula gives."""
        values = list(xs)
        for operation, operands, kind in formula.steps:
            given = [values[each] if isinstance(each, int) else each.value for each in operands]
            made = NUMPY.cast(given[0], kind) if operation == "cast" else getattr(NUMPY, operation)(*given)
            scale = sum(map(np.abs, given), np.abs(made)) if operation in CANCELLING else None
            values.append(np.asarray(made).astype(kind.dtype) if operation in EXACT else self.noisy(made, kind, scale))
        return values[formula.result] if isinstance(formula.result, int) else np.asarray(formula.result.value)

    # nodes

    def map(self, node: Map) -> None:
        """out = formula(args)."""
        args = [self.argument(arg, node) for arg in node.args]
        made = np.broadcast_to(self.apply(node.formula, *args), node.space)
        # what is in the last place of the kind computed with may decide how it is rounded to a narrow one
        self.values[node.out] = self.noisy(made, kind_of(node.out.dtype)) if rounds(node) else made.astype(node.out.dtype)

    def argument(self, arg: BufferView | Place | Chosen | RunSum, node: Map) -> np.ndarray:
        """Return what a map reads."""
        if isinstance(arg, Place):
            size = node.space[arg.axis]
            return np.arange(size).reshape([size if n == arg.axis else 1 for n in range(len(node.space))])
        if isinstance(arg, Chosen):
            return widened(self.chosen(arg.view, arg.picks))
        return widened(self.run_sum(arg) if isinstance(arg, RunSum) else self.view(arg))

    def run_sum(self, arg: RunSum) -> np.ndarray:
        """Return sums of runs, which are made in float64."""
        source, order, starts = map(self.view, arg.reachable)
        kind = kind_of(source.dtype)
        terms = np.moveaxis(np.moveaxis(source, arg.axis, 0)[0], -1, 0)[order]
        terms = terms.astype(np.float64 if kind.family == "f" else kind.dtype)
        places = np.repeat(np.arange(starts.size - 1), np.diff(starts))
        sums, sizes = (np.zeros((starts.size - 1, *terms.shape[1:]), terms.dtype) for _ in range(2))
        np.add.at(sums, places, terms)
        np.add.at(sizes, places, np.abs(terms))
        return np.moveaxis(self.noisy(self.noisy(sums, kind_of(sums.dtype), sizes), kind), 0, arg.axis)

    def chosen(self, view: BufferView, picks: Sequence[Pick]) -> np.ndarray:
        """Return the elements of a view that indices choose; those out of range, which stop the program, are any."""
        indices = [self.index(pick) for pick in picks]
        sizes, steps = (tuple(getattr(pick, name) for pick in picks) for name in ("size", "step"))
        whole = self.view(BufferView(view.buffer, (*view.shape, *sizes), (*view.strides, *steps), view.offset))
        grid = np.indices(view.shape, sparse=True)
        return whole[(*grid, *indices)]

    def index(self, pick: Pick) -> np.ndarray:
        """Return an index from the front, 0 where it is out of range."""
        index = self.view(pick.index).astype(np.int64)
        index = np.where((index < 0) & pick.wraps, index + pick.size, index)
        return np.where((index >= 0) & (index < pick.size), index, 0)

    def reduce(self, node: Reduce) -> None:
        """out = arg combined over axes."""
        kind, x = kind_of(node.out.dtype), self.view(node.arg)
        terms = x.astype(np.float64 if kind.family == "f" else kind.dtype)
        terms = terms * terms if node.kind == "squares" else terms
        ends = {"maximum": kinds.lowest, "minimum": kinds.highest}
        given: dict[str, Any] = {"initial": ends[node.kind](kind)} if node.kind in ends else {}
        found = REDUCTIONS[node.kind].reduce(terms, axis=node.axes, dtype=terms.dtype, **given)
        if node.kind in ("maximum", "minimum") or kind.family != "f":
            self.values[node.out] = np.asarray(found).astype(kind.dtype)
            return
        size = np.add.reduce(np.abs(terms), axis=node.axes) if node.kind in ("add", "squares") else found * terms.size
        within = kind_of(node.arg.buffer.dtype) if node.kind == "squares" else kind
        self.values[node.out] = self.noisy(self.noisy(found, float64, size * rounding(within)), kind)

    def product(self, node: Product) -> None:
        """out = a b."""
        kind, (a, b) = kind_of(node.out.dtype), (self.view(each) for each in (node.a, node.b))
        wide = np.float64 if kind.family == "f" else kind.dtype
        found = np.matmul(a.astype(wide), b.astype(wide))
        size = np.matmul(np.abs(a.astype(wide)), np.abs(b.astype(wide)))
        self.values[node.out] = self.noisy(found, kind, size)

    def convolve(self, node: Convolve) -> None:
        """out = x convolved with w, as products of what the kernel sees."""
        kind, (x, w), geometry = kind_of(node.out.dtype), (self.view(each) for each in (node.x, node.w)), node.geometry
        matrices = lambda w: w.astype(np.float64).reshape(geometry.groups, -1, math.prod(w.shape[1:]))
        product = lambda x, w: np.matmul(matrices(w), columns(np, x.astype(np.float64), geometry)).reshape(node.out.shape)
        self.values[node.out] = self.noisy(product(x, w), kind, product(np.abs(x), np.abs(w)))

    def scan(self, node: Scan) -> None:
        """out = formula(so far, args), one after the other."""
        kind = kind_of(node.out.dtype)
        kept = float64 if kind.family == "f" else kind
        args = [np.moveaxis(self.view(each), node.axis, 0) for each in node.args]
        made, so_far = [], None if node.start is None else np.full(args[0].shape[1:], node.start, kept.dtype)
        for xs in zip(*args):
            made += [so_far] if node.exclusive else []
            so_far = xs[0].astype(kept.dtype) if so_far is None else self.apply(node.formula, so_far, *xs).astype(kept.dtype)
            made += [] if node.exclusive else [so_far]
        result = np.stack(made) if made else np.empty(args[0].shape, kept.dtype)
        out = np.empty(node.out.shape, node.out.dtype)
        flipped = tuple(n for n, step in enumerate(node.target.strides) if step < 0)
        out[...] = np.flip(np.moveaxis(result, 0, node.axis), flipped)
        self.values[node.out] = out

    def scatter(self, node: Scatter) -> None:
        """Put, or add, the source's elements one after the other where indices say."""
        source, buffer = self.view(node.source), node.out
        flat = BufferView(buffer, (1 + sum((n - 1) * step for n, step in zip(buffer.shape, buffer.strides)),), (1,))
        memory = np.array(self.memory(flat)) if 0 not in buffer.shape else np.empty(0, buffer.dtype)
        places = np.full(source.shape, node.target.offset, np.int64)
        for axis, step in enumerate(node.target.strides):
            places += np.arange(source.shape[axis]).reshape([-1] + [1] * (source.ndim - 1 - axis)) * step
        for pick in node.picks:
            places = places + self.index(pick) * pick.step
        kind = kind_of(buffer.dtype)
        for place, x in zip(places.ravel(), source.ravel()):
            memory[place] = self.noisy(memory[place] + x, kind) if node.adds else x
        steps = tuple(step * buffer.dtype.itemsize for step in buffer.strides)
        self.values[buffer] = np.ndarray(buffer.shape, buffer.dtype, memory, 0, steps)

    def repeat(self, node: Repeat) -> None:
        """outs = what the op's turns make, one after the other, of what is the same, what is walked along, what is carried."""
        assert node.equation is not None
        op: Any = node.equation.op
        carried = [self.view(BufferView(buffer, buffer.shape, buffer.strides)) for buffer in node.after]
        self.values.update(zip(node.outs, op.through(Kernels(self.noise), [*map(self.view, node.given), *carried])))

    def runs(self, node: Runs) -> None:
        """order = the elements of an index sorted stably; starts = where those of each place begin, and how many there are."""
        index = self.index(node.pick)
        self.values[node.order] = np.argsort(index, kind="stable").astype(np.int32)
        self.values[node.starts] = np.searchsorted(np.sort(index), np.arange(node.pick.size + 1)).astype(np.int32)

    def draw(self, node: Draw) -> None:
        """out = the words of NumPy's own generator."""
        key, draw = (int(each) % (1 << 64) for each in self.view(node.state)[:2])
        words = np.random.Philox(key=key, counter=draw << 128).random_raw(node.out.nbytes // 8)
        self.values[node.out] = np.asarray(words, np.uint64).view(node.out.dtype)


def rounds(node: Map) -> bool:
    """Return whether a map rounds to a narrow kind, and does not only copy numbers of such a kind."""
    kinds_read = [kind_of(each.buffer.dtype) for each in node.args if isinstance(each, BufferView)]
    return kind_of(node.out.dtype).is_narrow and not (node.formula.is_copy and any(each.is_narrow for each in kinds_read))


def rounding(kind: Kind) -> float:
    """Return how much of a float64's last place the last place of a kind is."""
    return kind.eps / float64.eps if kind.family == "f" else 1.0


EXACT = frozenset(
    "negative abs sign floor ceil trunc rint imag equal not_equal less less_equal greater greater_equal isnan isinf isfinite "
    "signbit truth logical_and logical_or logical_xor logical_not where maximum minimum fmax fmin clip copysign".split()
)
"""The operations that round nothing."""
CANCELLING = frozenset("logaddexp logaddexp2 lgamma digamma".split())
"""Those that are rounded as their operands are, where they are small themselves."""

MEANINGS: dict[type[Node], Callable[[Run, Any], None]] = {
    Map: Run.map, Reduce: Run.reduce, Product: Run.product, Convolve: Run.convolve, Scan: Run.scan, Scatter: Run.scatter,
    Repeat: Run.repeat, Rewind: Run.repeat, Draw: Run.draw, Runs: Run.runs,
}  # fmt: skip
