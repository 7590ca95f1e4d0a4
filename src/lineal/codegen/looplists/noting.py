"""Arrays that note what NumPy does with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from lineal.codegen.looplists.nests import Nest, nested
from lineal.codegen.looplists.ufuncs import Loop, loop_of

__all__ = ["Listing", "Noted", "NotingModule", "Operand", "Step", "Unlisted", "noted"]


TYPED = (np.ndarray, np.generic)
CORES = {"(n?,k),(k,m?)->(n?,m?)": 2, "(n),(n)->()": 1}
"""How many axes of an operand the loops know, by what ufuncs say of themselves."""


class Unlisted(Exception):  # noqa: N818
    """A kernel does what no loop list can say."""


class Operand(NamedTuple):
    """Where an operand lies: in which block of memory, and how many bytes from its beginning."""

    block: int
    offset: int


class Step(NamedTuple):
    """One nest of loops: what is called, on what."""

    loop: Loop | str
    """A loop of NumPy's, or the name of one of `running`'s own."""
    operands: tuple[Operand, ...]
    nest: Nest


class Block(NamedTuple):
    """Some memory: an input's, a constant's, or of a result."""

    array: np.ndarray
    start: int
    stop: int
    kind: str


class Listing:
    """What has been noted: blocks of memory, and steps."""

    def __init__(self, inputs: Sequence[np.ndarray]):
        self.blocks: list[Block] = []
        self.steps: list[Step] = []
        for each in inputs:
            self.add(each, "input")

    def add(self, array: np.ndarray, kind: str) -> int:
        """Enter the memory that an array lies in; return its number."""
        start, stop = extent(array)
        self.blocks.append(Block(array, start, stop, kind))
        return len(self.blocks) - 1

    def place(self, array: np.ndarray) -> Operand:
        """Return where an array lies that is known."""
        start, stop = extent(array)
        for number, block in enumerate(self.blocks):
            if block.start <= start and stop <= block.stop:
                return Operand(number, array.__array_interface__["data"][0] - block.start)
        raise Unlisted("an array that was made unseen")

    def constant(self, number: Any, dtype: np.dtype) -> np.ndarray:
        """Return a number of the program's text as an array."""
        array = np.array(number, dtype)
        self.add(array, "constant")
        return array

    def target(self, given: Any, made: np.ndarray) -> np.ndarray:
        """Return the array that a result goes to: a new one, or one that was given."""
        if given is None:
            self.add(made, "made")
            return made
        plain = np.asarray(given)
        try:
            self.place(plain)
        except Unlisted:
            owner = plain if plain.base is None else plain.base
            if not isinstance(owner, np.ndarray) or owner.nbytes != plain.nbytes or not plain.flags.c_contiguous:
                raise
            self.add(plain, "made")
        return plain

    def step(self, loop: Loop | str | None, arrays: Sequence[np.ndarray], shape: Sequence[int]) -> None:
        """Note a nest of loops over arrays, the result last, that are repeated to a shape."""
        strides = [np.broadcast_to(each, shape).strides for each in arrays]
        self.nest(loop, arrays, nested(shape, strides))

    def nest(self, loop: Loop | str | None, arrays: Sequence[np.ndarray], nest: Nest | None) -> None:
        if loop is None or nest is None or not all(each.flags.aligned and each.size for each in arrays):
            raise Unlisted("no loop for this")
        self.steps.append(Step(loop, tuple(map(self.place, arrays)), nest))

    # ufuncs

    def called(self, ufunc: np.ufunc, inputs: Sequence[Any], out: Any, **options: Any) -> Any:
        """Note the call of a ufunc; return its result."""
        if ufunc.nout != 1 or ufunc.signature is not None or options.keys() - {"casting", "subok", "dtype"}:
            raise Unlisted(f"{ufunc.__name__} with {sorted(options)}")
        plain = [np.asarray(each) if isinstance(each, np.ndarray) else each for each in inputs]
        if any(isinstance(each, np.ndarray) and not isinstance(given, Noted) for each, given in zip(plain, inputs)):
            raise Unlisted("an array that nobody knows of")
        wanted, kinds = options.get("dtype"), [each.dtype if isinstance(each, TYPED) else type(each) for each in plain]
        asked: dict[str, Any] = {} if wanted is None else {"signature": (*(None,) * ufunc.nin, np.dtype(wanted))}
        *dtypes, result = ufunc.resolve_dtypes((*kinds, None), **asked)
        arrays = [self.as_dtype(each, dtype) for each, dtype in zip(plain, dtypes)]
        given = None if out is None else out[0]
        made = np.asarray(ufunc(*plain, **options) if given is None else ufunc(*plain, out=np.asarray(given), **options))
        target = self.target(given, made)
        within = target
        if target.dtype != result:
            self.add(within := np.empty(target.shape, result), "made")
        self.step(loop_of(ufunc, (*dtypes, result)), [*arrays, within], target.shape)
        if within is not target:
            self.step(f"cast_{result.name}_{target.dtype.name}", [within, target], target.shape)
        return noted(target)

    def as_dtype(self, given: Any, dtype: np.dtype) -> np.ndarray:
        """Return an operand in the dtype of the loop."""
        if not isinstance(given, np.ndarray):
            return self.constant(given, dtype)
        return given if given.dtype == dtype else self.converted(given, dtype)

    def converted(self, given: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Note the conversion of an array; return what comes out."""
        target = self.target(None, given.astype(dtype))
        self.step(f"cast_{given.dtype.name}_{dtype.name}", [given, target], target.shape)
        return target

    def reduced(
        self, ufunc: np.ufunc, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False, **options: Any
    ) -> Any:
        """Note a reduction; return its result."""
        if out is not None or ufunc.nin != 2 or options.pop("where", True) is not True or options.keys() - {"initial"}:
            raise Unlisted("a reduction of a kind")
        if options.pop("initial", np._NoValue) is not np._NoValue or not isinstance(x, Noted):
            raise Unlisted("a reduction of a kind")
        plain = np.asarray(x)
        made = np.asarray(ufunc.reduce(plain, axis=axis, dtype=dtype, keepdims=keepdims))
        if made.dtype != plain.dtype:
            plain = self.converted(plain, made.dtype)
        self.add(made, "made")
        axes = range(plain.ndim) if axis is None else [each % plain.ndim for each in np.atleast_1d(axis)]
        whole = made.reshape([1 if place in axes else size for place, size in enumerate(plain.shape)])
        first, rest = plain[tuple([slice(1) if place in axes else slice(None) for place in range(plain.ndim)])], plain
        if ufunc.identity is not None:
            first = self.constant(ufunc.identity, made.dtype)
        elif len(axes) == 1:
            rest = plain[(slice(None),) * axes[0] + (slice(1, None),)]
        self.step(f"copy_{made.itemsize}", [first, whole], whole.shape)
        if rest.size:
            strides = [0 if place in axes else step for place, step in enumerate(whole.strides)]
            nest = nested(rest.shape, [strides, rest.strides, strides])
            self.nest(loop_of(ufunc, (made.dtype,) * 3), [whole, rest, whole], nest)
        return noted(made)

    def multiplied(self, ufunc: np.ufunc, inputs: Sequence[Any], out: Any) -> Any:
        """Note products of matrices and vectors: NumPy's loop goes through the matrices itself."""
        if out is not None or not all(isinstance(each, Noted) for each in inputs) or ufunc.signature not in CORES:
            raise Unlisted(ufunc.__name__)
        arrays = [np.asarray(each) for each in inputs]
        made = np.asarray(ufunc(*arrays))
        self.add(made, "made")
        if any(each.dtype != made.dtype for each in arrays):
            raise Unlisted("factors of several dtypes")
        whole = made
        if CORES[ufunc.signature] == 2:
            # a vector is a matrix of one row, or of one column
            a, b = arrays
            lead = made.shape[: max(a.ndim, b.ndim, 2) - 2]
            arrays = [a.reshape(1, -1) if a.ndim == 1 else a, b.reshape(-1, 1) if b.ndim == 1 else b]
            whole = made.reshape(*lead, arrays[0].shape[-2], arrays[1].shape[-1])
        self.steps.append(self.product(ufunc, arrays, whole))
        return noted(made)

    def product(self, ufunc: np.ufunc, arrays: list[np.ndarray], made: np.ndarray) -> Step:
        """Return the step of a product: the sizes of the axes that its loop knows come after the number of matrices."""
        a, b = arrays
        loop, cores = loop_of(ufunc, (made.dtype,) * 3), CORES[ufunc.signature or ""]
        if loop is None or not all(each.ndim >= cores and each.size and each.flags.aligned for each in arrays):
            raise Unlisted(f"{ufunc.__name__} of a kind")
        sizes = (a.shape[-2], a.shape[-1], b.shape[-1]) if cores == 2 else a.shape[-1:]
        ends = [len(each.shape) - cores for each in arrays]
        lead = made.shape[: made.ndim - 2] if cores == 2 else made.shape
        strides = [np.broadcast_to(each, (*lead, *each.shape[end:])).strides[: len(lead)] for each, end in zip(arrays, ends)]
        nest = nested(lead, [*strides, made.strides[: len(lead)]])
        if nest is None:
            raise Unlisted("too many axes")
        within = [step for each, end in zip(arrays, ends) for step in each.strides[end:]] + list(made.strides[len(lead) :])
        return Step(loop, tuple(map(self.place, (*arrays, made))), nest._replace(inner=(*nest.inner, *within), core=sizes))

    def accumulated(self, ufunc: np.ufunc, x: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        """Note what `accumulate` does: each number along an axis with the one before it in the result."""
        plain = np.asarray(x)
        if ufunc.nin != 2 or not plain.ndim or not isinstance(x, Noted):
            raise Unlisted("an accumulation of a kind")
        made = self.target(None if out is None else out[0], ufunc.accumulate(plain, axis, dtype))
        if made.dtype != plain.dtype:
            plain = self.converted(plain, made.dtype)
        head = (slice(None),) * (axis % plain.ndim)
        first, last, later = (*head, slice(1)), (*head, slice(-1)), (*head, slice(1, None))
        self.step(f"copy_{made.itemsize}", [plain[first], made[first]], made[first].shape)
        arrays = [made[last], plain[later], made[later]]
        if arrays[0].size:
            moved = [np.moveaxis(each, axis, -1).strides for each in arrays]
            around = nested([*np.delete(arrays[0].shape, axis).tolist(), 1], [(*each[:-1], 0) for each in moved])
            if around is None or around.sizes[0] != 1:
                raise Unlisted("too many axes")
            sizes, outer = (*around.sizes[1:], around.length), (*around.outer[1:], around.inner)
            inner = tuple([each[-1] for each in moved])
            self.nest(loop_of(ufunc, (made.dtype,) * 3), arrays, Nest(sizes, arrays[0].shape[axis], outer, inner))
        return noted(made)

    # functions

    def chosen(self, condition: Any, a: Any, b: Any) -> Any:
        """Note `np.where`; return its result."""
        made = np.where(*[np.asarray(each) if isinstance(each, Noted) else each for each in (condition, a, b)])
        if not isinstance(condition, Noted) or condition.dtype != np.bool_:
            raise Unlisted("a condition of a kind")
        sides = [self.side(each, made.dtype) for each in (a, b)]
        self.add(made, "made")
        self.step(f"where_{made.itemsize}", [np.asarray(condition), *sides, made], made.shape)
        return noted(made)

    def side(self, given: Any, dtype: np.dtype) -> np.ndarray:
        """Return an operand of `np.where` in the dtype of the result."""
        if isinstance(given, np.ndarray) and not isinstance(given, Noted):
            raise Unlisted("an array that nobody knows of")
        return self.as_dtype(np.asarray(given) if isinstance(given, Noted) else given, dtype)

    def joined(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        """Note `np.concatenate`; return its result."""
        made = np.concatenate([np.asarray(each) for each in arrays], axis)
        self.add(made, "made")
        at = 0
        for each in arrays:
            if not isinstance(each, Noted) or each.dtype != made.dtype:
                raise Unlisted("arrays of several dtypes")
            part = made[(slice(None),) * (axis % made.ndim) + (slice(at, at + each.shape[axis]),)]
            at += each.shape[axis]
            if each.size:
                self.step(f"copy_{made.itemsize}", [np.asarray(each), part], part.shape)
        return noted(made)

    def copied(self, x: Any, order: Any = "C") -> Any:
        """Note the copy of an array; return it."""
        made = np.array(np.asarray(x), order=order)
        self.add(made, "made")
        self.step(f"copy_{made.itemsize}", [np.asarray(x), made], made.shape)
        return noted(made)

    def put(self, target: Any, given: Any, where: Any = True) -> None:
        """Note the writing of numbers into a place of an array that was made, everywhere or where a condition holds."""
        plain = np.asarray(target)
        operand = self.place(plain)
        if self.blocks[operand.block].kind != "made":
            raise Unlisted("an input that is written")
        source = np.broadcast_to(self.side(given, plain.dtype), plain.shape)
        if where is True:
            plain[...] = source
            self.step(f"copy_{plain.itemsize}", [source, plain], plain.shape)
            return
        if not isinstance(where, Noted) or where.dtype != np.bool_:
            raise Unlisted("a condition of a kind")
        np.copyto(plain, source, where=np.asarray(where))
        self.step(f"where_{plain.itemsize}", [np.asarray(where), source, plain, plain], plain.shape)

    def full(self, shape: Any, number: Any, dtype: Any = None) -> Any:
        """Note the making of an array of one number; return it."""
        made = np.full(shape, number, dtype)
        self.add(made, "made")
        self.step(f"copy_{made.itemsize}", [self.constant(number, made.dtype), made], made.shape)
        return noted(made)


def extent(array: np.ndarray) -> tuple[int, int]:
    """Return where the memory of an array begins and ends."""
    low = high = array.__array_interface__["data"][0]
    for size, step in zip(array.shape, array.strides):
        low, high = min(low, low + step * (size - 1)), max(high, high + step * (size - 1))
    return low, high + array.itemsize


class Noted(np.ndarray):
    """An array whose way through NumPy is noted; nobody may look at its numbers."""

    listing: Listing | None = None
    """The listing that is made just now."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method == "__call__" and ufunc.signature is not None and not options:
            return listing().multiplied(ufunc, inputs, out)
        if method == "__call__":
            return listing().called(ufunc, inputs, out, **options)
        if method == "accumulate":
            return listing().accumulated(ufunc, *inputs, out=out, **options)
        if method == "reduce":
            return listing().reduced(ufunc, *inputs, out=out, **options)
        raise Unlisted(f"{ufunc.__name__}.{method}")

    def __array_function__(self, func: Any, types: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        if func in OWN:
            return OWN[func](listing(), *args, **kwargs)
        if func in THROUGH:
            return func._implementation(*args, **kwargs)
        raise Unlisted(func.__name__)

    def astype(self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True) -> Any:
        if np.dtype(dtype) == self.dtype:
            return listing().copied(self) if copy else self
        return noted(listing().converted(np.asarray(self), np.dtype(dtype)))

    def copy(self, order: str = "C") -> Any:
        return listing().copied(self, order)

    def dot(self, b: Any, out: Any = None) -> Any:
        if out is not None or self.ndim > 2 or not isinstance(b, Noted) or b.ndim > 2:
            refused()
        return listing().multiplied(np.vecdot if self.ndim == b.ndim == 1 else np.matmul, (self, b), None)

    def __setitem__(self, key: Any, given: Any) -> None:
        place = super().__getitem__(key)
        listing().put(place if isinstance(place, Noted) else refused(), given)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found if isinstance(found, Noted) else refused()

    def __iter__(self) -> Any:
        return super().__iter__() if self.ndim > 1 else refused()


def refused(*_: Any, **__: Any) -> NoReturn:
    raise Unlisted("numbers are looked at")


for name in (
    "__bool__ __int__ __float__ __complex__ __index__ __contains__ item tolist tobytes tofile dump dumps argmax argmin "
    "argsort argpartition nonzero searchsorted fill put itemset sort partition resize byteswap setflags trace take choose "
    "compress cumsum cumprod repeat round ptp var std"
).split():
    setattr(Noted, name, refused)

OWN: dict[Any, Callable[..., Any]] = {
    np.where: Listing.chosen,
    np.concatenate: Listing.joined,
    np.copyto: Listing.put,
    np.dot: lambda _, a, b: a.dot(b) if isinstance(a, Noted) else refused(),
}
THROUGH = {
    *(np.sum, np.prod, np.max, np.min, np.amax, np.amin, np.any, np.all, np.mean, np.clip, np.expand_dims, np.squeeze),
    *(np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.broadcast_to, np.ravel, np.empty_like),
}
"""Functions that are views, or made of ufuncs."""


class NotingModule:
    """What kernels take for NumPy while they are noted: new arrays are noted too."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def array(self, x: Any, dtype: Any = None, order: Any = "K") -> Any:
        if not isinstance(x, Noted) or dtype not in (None, x.dtype):
            refused()
        return listing().copied(x, order)

    def zeros(self, shape: Any, dtype: Any = float) -> Any:
        return listing().full(shape, 0, dtype)

    def ones(self, shape: Any, dtype: Any = float) -> Any:
        return listing().full(shape, 1, dtype)

    def full(self, shape: Any, number: Any, dtype: Any = None) -> Any:
        return refused() if isinstance(number, np.ndarray) else listing().full(shape, number, dtype)


def listing() -> Listing:
    """Return the listing that is made just now."""
    return Noted.listing or refused()


def noted(array: np.ndarray) -> Noted:
    return array.view(Noted)
