"""Kernels as steps: what NumPy is called for while a kernel runs on small arrays, for `cpython/stepcall.py`.

A kernel is run once on proxies of arrays. Whatever it does to them is done, by NumPy, and noted: which inner loop, on which
memory. What proxies do not know (indices, branches that look at numbers) is `UnwritableError`: then
the kernel stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.cpython.stepcall import FLAG, MOST_ARRAYS, MOST_OPERANDS, SIZED, STORED, own_loop
from lineal.codegen.innerloops import inner_loop
from lineal.codegen.kinds import bool_, float32, float64, int64, kind_of
from lineal.codegen.proxies import Block, Proxy, UnwritableError, constant, leading, same_place

__all__ = ["Recording", "Step"]

MOST_STEPS, MOST_SORTED, MOST_COMPARED, MOST_ELEMENTS = 128, 32, 1 << 10, 1 << 14
KNOWN = {each.dtype: each for each in STORED}
WORDS = {4: float32, 8: int64}
"""As what numbers of other dtypes are copied, by their width."""


class Step(NamedTuple):
    """Calls of a loop: its address, or the name of one of lineal's own, and its data's; how often, along two axes."""

    loop: tuple[Any, int]
    turns: tuple[int, int]
    sizes: list[int]
    strides: list[int]
    places: list[tuple[Block, int, int, int]]
    """Of each operand the block, where it begins there, and how far it moves on along the two axes, in bytes."""


class Recording:
    """What a kernel does to arrays of certain forms, step by step."""

    def __init__(self, arrays: Sequence[np.ndarray], first: int = 0):
        self.arrays, self.first = arrays, first
        self.end = first + len(arrays)
        """The places of the arrays among the arguments: from `first` to `end`."""
        self.steps: list[Step] = []
        self.blocks: list[Block] = []
        self.left = False
        """Whether the kernel took numbers somewhere that is not noted."""
        self.kept: list[Any] = []
        """What holds the code that steps run."""

    def run(self, kernel: Callable[..., Any]) -> Sequence[Proxy]:
        """Run a kernel; return what it gives, whose memory has places behind the arguments'."""
        xs = [Proxy(self, each, self.block(each, False, place)) for place, each in enumerate(self.arrays, self.first)]
        made = kernel(*xs)
        if self.left:
            raise UnwritableError("numbers")
        return self.results(made if type(made) is tuple else (made,))

    def block(self, value: np.ndarray, new: bool, place: int | None = None) -> Block:
        """Return the record of memory."""
        if value.dtype.kind not in "biuf" or not value.dtype.isnative or value.size > MOST_ELEMENTS:
            raise UnwritableError(f"{value.dtype}{list(value.shape)}")
        self.blocks.append(Block(value, new, place))
        return self.blocks[-1]

    def made(self, value: Any) -> Proxy:
        """Return the proxy of a new array."""
        value = np.asarray(value)
        return Proxy(self, value, self.block(value, True))

    def operand(self, given: Any, storage: np.dtype) -> Proxy:
        """Return what is given to a function in the dtype of its loop."""
        if type(given) is not Proxy:
            if np.ndim(given) and not constant(given):
                raise UnwritableError("an array of the kernel's own")
            value = np.array(given, storage)
            return Proxy(self, value, self.block(value, False))
        return given if given.dtype == storage else self.cast(given, storage)

    # what is done

    def called(self, function: np.ufunc, method: str, inputs: tuple, options: dict[str, Any]) -> Proxy:
        """Do and note what a function of NumPy does."""
        if method == "reduce":
            return self.reduced(function, *inputs, **options)
        out = options.pop("out", (None,))[0]
        if method != "__call__" or options or function.nout != 1:
            raise UnwritableError(f"{function.__name__}.{method}")
        given = tuple([each.dtype if type(each) is Proxy else scalar_type(each) for each in inputs])
        storages = function.resolve_dtypes((*given, None if out is None else out.dtype), casting="same_kind")
        value = np.asarray(function(*[each.value if type(each) is Proxy else each for each in inputs]))
        # NumPy has another power for a number alone than for arrays
        if (value.dtype != storages[-1] and out is None) or (function is np.power and not value.ndim):
            raise UnwritableError(function.__name__)
        xs = [self.operand(each, storage) for each, storage in zip(inputs, storages)]
        if out is not None and any(each.block is out.block and not same_place(each, out) for each in xs):
            raise UnwritableError("overlaps")
        y = self.made(value.astype(storages[-1])) if out is None or out.dtype != storages[-1] else self.target(out)
        if out is not None:
            np.copyto(out.value, value, casting="same_kind")
        if function.signature is None:
            self.mapped(inner_loop(function, storages), [*xs, y])
        else:
            self.along_cores(function, storages, [*xs, y])
        return y if out is None or y is out else self.copied(y, self.target(out))

    def target(self, out: Proxy) -> Proxy:
        """Return where a result goes, which must be memory of the kernel's own."""
        if type(out) is not Proxy or not out.block.new:
            raise UnwritableError("out")
        return out

    def cast(self, x: Proxy, storage: np.dtype) -> Proxy:
        """Return a copy in a dtype."""
        return self.copied(x, self.made(x.value.astype(storage)))

    def copied(self, x: Proxy, y: Proxy) -> Proxy:
        """Note that x is copied to y, and converted."""
        same = x.dtype == y.dtype and x.dtype not in KNOWN
        kinds = [WORDS[x.itemsize]] * 2 if same else [KNOWN[x.dtype], KNOWN[y.dtype]]
        self.mapped((own_loop("cast", *kinds), 0), [x, y])
        return y

    def joined(self, xs: Sequence[Proxy], axis: int = 0) -> Proxy:
        """Do and note `np.concatenate` of arrays of one dtype."""
        if any(type(x) is not Proxy or x.dtype != xs[0].dtype for x in xs):
            raise UnwritableError("arrays of several dtypes")
        y, end, before = self.made(np.concatenate([x.value for x in xs], axis)), 0, (slice(None),) * (axis % xs[0].ndim)
        for x in xs:
            self.copied(x, y[(*before, slice(end, end + x.shape[axis]))])
            end += x.shape[axis]
        return y

    def taken(self, x: Proxy, keys: tuple) -> Proxy:
        """Do and note the reading of places along the last of some axes, whatever stands at the others."""
        y = self.made(np.ascontiguousarray(x.value[keys]))
        for place, each in enumerate(keys[-1].tolist()):
            self.copied(x[(*keys[:-1], slice(each, each + 1))], y[(*(slice(None),) * (len(keys) - 1), slice(place, place + 1))])
        return y

    def put(self, given: Any, y: Proxy) -> None:
        """Do and note the writing of something, which may be repeated, into memory of the kernel's own."""
        x = self.operand(given, y.dtype)
        np.copyto(y.value, x.value)
        self.copied(x, y)

    def decided(self, x: Proxy) -> bool:
        """Return whether one number is not 0, and note that the plan holds only where it is so."""
        if x.size != 1:
            raise UnwritableError("several truths")
        found, x = bool(x.value.item()), self.operand(x, bool_.dtype)
        self.note((f"expect_{'true' if found else 'false'}", 0), (1, 1), [1, 0], [0, 0], self.places([self.flag(1), x]))
        return found

    def read(self, x: Proxy) -> float:
        """Return a number, and note that the plan holds only for this one."""
        if x.size != 1 or x.dtype != float64.dtype:
            raise UnwritableError("a number")
        number = x.value.reshape(1)
        self.note(("expect_word", number.view(np.int64).item()), (1, 1), [1, 0], [0, 0], self.places([self.flag(1), x]))
        return number.item()

    def flag(self, ndim: int) -> Proxy:
        """Return the number that is set where a plan does not hold."""
        flag = self.made(np.zeros((1,) * ndim, np.int64))
        flag.block.place = FLAG
        return flag

    def sliced(self, x: Proxy, places: Sequence[int], axis: int) -> Proxy:
        """Do and note `np.take` of places along an axis that follow each other."""
        places = list(places)
        if not places or places != list(range(places[0], places[0] + len(places))) or places[0] < 0:
            raise UnwritableError("places")
        return x[(*(slice(None),) * (axis % x.ndim), slice(places[0], places[0] + len(places)))].copy()

    def ordered(self, x: Proxy, axis: int) -> Proxy:
        """Do and note a stable `np.argsort` of short rows."""
        if x.shape[axis] > MOST_SORTED:
            raise UnwritableError("long rows")
        y = self.made(np.argsort(x.value, axis=axis, kind="stable"))
        self.by_rows("argsort", x, y, axis)
        return y

    def by_rows(self, name: str, x: Proxy, y: Proxy, axis: int) -> None:
        """Note calls of a loop for each row of x and y, which lie along an axis."""
        if x.size > MOST_COMPARED:
            raise UnwritableError("many numbers, which NumPy compares in vectors")
        first = [Proxy(self, each.value[leading(axis, x.ndim)], each.block) for each in (x, y)]
        strides = [each.strides for each in first]
        axes = [(size, *steps) for size, *steps in zip(first[0].shape, *strides) if size > 1]
        if len(axes) > 2:
            raise UnwritableError("axes")
        (far, *further), (near, *moves) = ([(1, 0, 0)] * 2 + axes)[-2:]
        places = [(one.block, self.offset(one), *by) for one, *by in zip(first, further, moves)]
        loop = own_loop(name, KNOWN[x.dtype]), 0
        self.note(loop, (far, near), [x.shape[axis], 0], [x.strides[axis], y.strides[axis]], places)

    def extreme(self, name: str, x: Proxy, axis: int, keepdims: bool = False) -> Proxy:
        """Do and note `np.argmax` or `np.argmin` along an axis."""
        y = self.made(getattr(np, name)(x.value, axis=axis, keepdims=True))
        self.by_rows(name, x, y, axis)
        return y if keepdims else y.squeeze(axis)

    def gathered(self, x: Proxy, index: Any, axis: int) -> Proxy:
        """Do and note `np.take_along_axis` for places that are counted from the beginning."""
        axis %= x.ndim
        sizes = zip(x.shape, index.shape)
        alike = all(place == axis or a == b for place, (a, b) in enumerate(sizes)) and index.dtype == np.int64
        if type(index) is not Proxy or not alike or 0 in index.shape:
            raise UnwritableError("places")
        y = self.made(np.take_along_axis(x.value, index.value, axis))
        self.taking(Proxy(self, x.value[leading(axis, x.ndim)], x.block), x, index, y, axis)
        return y

    def named(self, x: Proxy, index: Any, axis: int) -> Proxy:
        """Do and note `np.take` of what places name along an axis."""
        axis %= x.ndim
        if type(index) is not Proxy or index.dtype != np.int64:
            raise UnwritableError("places")
        y = self.made(np.take(x.value, index.value, axis))
        first, behind = x.value[leading(axis, x.ndim)], (1,) * (x.ndim - axis - 1)
        across = first.reshape(*first.shape[:axis], *(1,) * index.ndim, *first.shape[axis + 1 :])
        self.taking(Proxy(self, across, x.block), x, index.reshape(*index.shape, *behind), y, axis)
        return y

    def placed(self, name: str, y: Any, index: Any, given: Any) -> None:
        """Do and note that numbers are put to places of a vector, or added there, one after the other."""
        if type(index) is not Proxy or index.dtype != np.int64 or y.ndim != 1 or not index.ndim:
            raise UnwritableError("places")
        y, x = self.target(y), self.operand(given, y.dtype)
        if name == "add":
            np.add.at(y.value, index.value, x.value)
        else:
            y.value[index.value] = x.value
        loop = own_loop(name, KNOWN[y.dtype]), y.shape[0]
        self.mapped(loop, [y[:1], index, x, self.flag(index.ndim)], index, y.strides[0])

    def filled(self, x: Proxy, number: Any, dtype: Any = None, order: Any = "C", shape: Any = None) -> Proxy:
        """Do and note `np.full_like`, in C order."""
        y = self.made(np.full_like(x.value, number, dtype=dtype, order=order, shape=shape))
        return self.copied(self.operand(number, y.dtype), y)

    def picked(self, x: Proxy, rows: Any, index: Proxy) -> Proxy:
        """Do and note the reading of one number in each row of a matrix."""
        if index.dtype != np.int64 or not np.array_equal(rows, np.arange(len(x.value))):
            raise UnwritableError("places")
        y = self.made(x.value[rows, index.value])
        self.taking(Proxy(self, x.value[:, 0], x.block), x, index, y, 1)
        return y

    def taking(self, first: Proxy, x: Proxy, index: Proxy, y: Proxy, axis: int) -> None:
        """Note that y is what stands in x at places along an axis."""
        loop = own_loop("take", KNOWN[x.dtype]), x.shape[axis]
        self.mapped(loop, [first, index, y, self.flag(y.ndim)], y, x.strides[axis])

    def places(self, operands: Sequence[Proxy]) -> list[tuple[Block, int, int, int]]:
        """Return where operands of one call are."""
        return [(each.block, self.offset(each), 0, 0) for each in operands]

    def ran(self, native: Any, given: Sequence[np.ndarray | Proxy], *numbers: int) -> list[Proxy]:
        """Note that a `native.Native` has made arrays of proxies, by a table of these numbers; return what was made."""
        arrays = [each if type(each) is Proxy else self.made(each) for each in given]
        if not all(each.flags.c_contiguous for each in arrays):
            raise UnwritableError("gaps")
        # the table begins where a loop's sizes do, and goes on where its strides are
        table = [*numbers, *[0] * SIZED]
        self.kept.append(native)
        self.note((native.address, 0), (1, 1), table[:SIZED], table[SIZED:], self.places(arrays))
        return [each for each, before in zip(arrays, given) if each is not before]

    def selected(self, condition: Any, a: Any, b: Any) -> Proxy:
        """Do and note `np.where`."""
        given = [each.value if type(each) is Proxy else each for each in (condition, a, b)]
        y = self.made(np.where(*given))
        xs = [self.operand(condition, bool_.dtype), self.operand(a, y.dtype), self.operand(b, y.dtype)]
        self.mapped((own_loop("select", kind_of(y.dtype)), 0), [*xs, y])
        return y

    def reduced(
        self,
        function: np.ufunc,
        x: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        **others: Any,
    ) -> Proxy:
        """Do and note a reduction."""
        if others or out is not None or type(x) is not Proxy or not x.size:
            raise UnwritableError(f"{function.__name__}.reduce")
        y = self.made(function.reduce(x.value, axis=axis, dtype=dtype, keepdims=True))
        loop = inner_loop(function, (y.dtype,) * 3)
        axes = range(x.ndim) if axis is None else {each % x.ndim for each in np.atleast_1d(axis).tolist()}
        self.fold(loop, function.identity, self.operand(x, y.dtype), y, [place in axes for place in range(x.ndim)])
        return y if keepdims else y.reshape([size for place, size in enumerate(y.shape) if place not in axes])

    # how it is done

    def fold(self, loop: tuple[Any, int], identity: Any, x: Proxy, y: Proxy, marks: Sequence[bool]) -> None:
        """Note a reduction along the axes that are marked; what it begins with is its identity, or else the first numbers.

        NumPy goes through axes in the order of memory, the last one by the function's own loop.
        """
        steps = np.broadcast_to(y.value, x.shape).strides
        axes = joined([(*each,) for each in zip(x.shape, marks, x.strides, steps) if each[0] > 1])
        if any(not far > near > 0 for (_, _, far, _), (_, _, near, _) in pairwise(axes)) or (axes and axes[-1][2] <= 0):
            raise UnwritableError("axes in another order")
        begins = 0
        if identity is not None:
            self.copied(self.operand(identity, y.dtype), y)
        else:
            first = tuple([slice(0, 1) if each else slice(None) for each in marks])
            self.copied(Proxy(self, x.value[first], x.block), y)
            reduced = [place for place, axis in enumerate(axes) if axis[1]]
            if not reduced:
                return
            if len(axes) > 2 or len(reduced) > 1:
                raise UnwritableError("axes")
            size, _, begins, _ = axes[reduced[0]]
            axes[reduced[0]] = (size - 1, *axes[reduced[0]][1:])
        operands = [(y, self.offset(y)), (x, self.offset(x) + begins), (y, self.offset(y))]
        self.looped(loop, [(size, far, near, far) for size, _, near, far in axes], operands)

    def mapped(self, loop: tuple[Any, int], operands: Sequence[Proxy], like: Proxy | None = None, size: int = 0) -> None:
        """Note a loop over the shape of one operand, by default the last, to which others broadcast; `size` is its second."""
        shape: tuple[int, ...] = (operands[-1] if like is None else like).value.shape
        if 0 in shape:
            raise UnwritableError("no elements")
        strides = [np.broadcast_to(each.value, shape).strides for each in operands]
        axes = joined([(size, False, *steps) for size, *steps in zip(shape, *strides) if size > 1])
        self.looped(loop, [(each, *steps) for each, _, *steps in axes], [(each, self.offset(each)) for each in operands], size)

    def looped(
        self, loop: tuple[Any, int], axes: list[tuple[int, ...]], operands: list[tuple[Proxy, int]], second: int = 0
    ) -> None:
        """Note a loop over axes, of which each has a size and the operands' strides: calls along the last one."""
        if len(axes) > 3:
            (size, *moves), *rest = axes
            for turn in range(size):
                self.looped(loop, rest, [(each, place + turn * move) for (each, place), move in zip(operands, moves)], second)
            return
        (far, *further), (near, *moves), (size, *steps) = ([(1, *[0] * len(operands))] * 3 + axes)[-3:]
        places = [(each.block, place, *by) for (each, place), *by in zip(operands, further, moves)]
        self.note(loop, (far, near), [size, second], steps, places)

    def along_cores(self, function: np.ufunc, storages: Sequence[np.dtype], operands: Sequence[Proxy]) -> None:
        """Note products of vectors along the last axes, or of matrices."""
        a, b, y = [each.value for each in operands]
        if function is np.matmul:
            self.products(inner_loop(function, storages), operands, a, b, y)
            return
        if function is not np.vecdot or a.shape != b.shape or not all(each.flags.c_contiguous for each in (a, b, y)):
            raise UnwritableError(function.__name__)
        n, width = a.shape[-1], a.itemsize
        strides = [n * width, n * width, y.itemsize, width, width]
        self.note(inner_loop(function, storages), (1, 1), [y.size, n], strides, self.places(operands))

    def products(self, loop: tuple[int, int], operands: Sequence[Proxy], a: np.ndarray, b: np.ndarray, y: np.ndarray) -> None:
        """Note products of matrices, of which a vector is one row or one column; the loop goes through many itself."""
        lead = y.shape[: max(a.ndim, b.ndim, 2) - 2]
        a, b = a.reshape(1, -1) if a.ndim == 1 else a, b.reshape(-1, 1) if b.ndim == 1 else b
        y = y.reshape(*lead, a.shape[-2], b.shape[-1])
        if 0 in y.shape or 0 in a.shape:
            raise UnwritableError("no elements")
        strides = [np.broadcast_to(each, (*lead, *each.shape[-2:])).strides for each in (a, b, y)]
        axes = joined([(size, False, *steps) for size, *steps in zip(lead, *strides) if size > 1])
        if len(axes) > 3:
            raise UnwritableError("many axes")
        (far, *further), (near, *moves), (size, *steps) = ([(1, 0, 0, 0)] * 3 + [(n, *each) for n, _, *each in axes])[-3:]
        places = [(each.block, self.offset(each), *by) for each, *by in zip(operands, further, moves)]
        within = [step for each in (a, b, y) for step in each.strides[-2:]]
        self.note(loop, (far, near), [size, a.shape[-2], a.shape[-1], b.shape[-1]], [*steps, *within], places)

    def offset(self, x: Proxy) -> int:
        """Return where a view begins in its block, in bytes."""
        return x.value.ctypes.data - x.block.value.ctypes.data

    def note(self, *step: Any) -> None:
        """Note a step."""
        self.steps.append(Step(*step))
        if len(self.steps) > MOST_STEPS or len(self.steps[-1].places) > MOST_OPERANDS:
            raise UnwritableError("many steps, or operands")

    # the plan

    def repeated(self, value: np.ndarray) -> Proxy:
        """Note the copying of an array that a kernel makes of no numbers: it is the same in each call."""
        return self.copied(Proxy(self, value, self.block(value, False)), self.made(value.copy()))

    def results(self, made: Sequence[Any]) -> Sequence[Proxy]:
        """Return the results, each of which fills memory of its own, and give that its place."""
        made = [self.repeated(each) if type(each) is np.ndarray else each for each in made]
        if not all(type(each) is Proxy and each.block.new and each.flags.c_contiguous for each in made):
            raise UnwritableError("results")
        made = [each if each.size == each.block.value.size else each.copy() for each in made]
        blocks = [each.block for each in made]
        if len({id(each) for each in blocks}) != len(blocks) or self.end + len(blocks) >= MOST_ARRAYS:
            raise UnwritableError("results")
        for place, each in enumerate(blocks, self.end):
            each.place = place
        return made


def scalar_type(given: Any) -> Any:
    """Return what decides which dtypes meet, of a number beside arrays."""
    if isinstance(given, (bool, np.bool_)):
        return bool_.dtype
    if isinstance(given, (np.generic, np.ndarray)):
        return given.dtype
    if type(given) not in (int, float):
        raise UnwritableError(type(given).__name__)
    return type(given)


def joined(axes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return axes (size, mark, strides) of which those that lie one after the other, and are marked alike, are one."""
    found: list[tuple[int, ...]] = []
    for size, mark, *steps in axes:
        if found and found[-1][1] == mark and all(a == size * b for a, b in zip(found[-1][2:], steps)):
            size *= found.pop()[0]
        found.append((size, mark, *steps))
    return found
