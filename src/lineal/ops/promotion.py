"""Promotion: operands (numbers, arrays, mixed dtypes and shapes) become tensors of one dtype and of shapes that `apply` takes.

This happens once, before an op, so that no kernel promotes and no derivative un-broadcasts. An operand that needs no derivative
is left to NumPy's broadcasting, unless a recorder listens.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base import config, dtypes
from lineal.base.dtypes import NARROW, STORED_ONLY, Category, dtype
from lineal.base.platforms import FOREIGN
from lineal.base.spec import broadcast_shapes
from lineal.core import AbstractTensor, modes
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import HALF_MAX, as_operand, cast, constant, converted, gathered, result_type

_recorder = modes.recorder.get
_grad_enabled = modes.grad_enabled.get

_KINDS = {"b": "b", "i": "iu", "f": "fV", "c": "c"}


class Domain(NamedTuple):
    """What an op computes with: the categories it takes, by letter (bool, integer, floating, complex)."""

    categories: str
    lifts: bool = False
    """Whether integers and bool are taken as the default dtype."""
    strict: bool = False
    """Whether bool tensors are refused even beside an operand that lifts the result."""
    unlifted: bool = False
    """Whether tensors are refused that numbers beside them would lift."""

    @property
    def kinds(self) -> str:
        """The letters of the NumPy kinds that need no conversion."""
        return "".join([_KINDS[each] for each in self.categories])


DOMAINS = {
    "any": Domain("bifc"),
    "compare": Domain("bifc"),
    "number": Domain("ifc"),
    "no bool": Domain("ifc", strict=True),
    "real": Domain("bif"),
    "ordered": Domain("if"),
    "only ordered": Domain("if", unlifted=True),
    "integer": Domain("bi"),
    "whole": Domain("i"),
    "float": Domain("fc", lifts=True),
    "real float": Domain("f", lifts=True),
    "only float": Domain("f", unlifted=True),
    "field": Domain("fc"),
}


@functools.lru_cache(64)
def storages(kinds: str) -> frozenset[np.dtype]:
    """Return NumPy's own dtypes of these kinds."""
    return frozenset(each for each in map(np.dtype, "?bhilqBHILQefdFD") if each.kind in kinds)


OPERANDS = (AbstractTensor, np.ndarray, np.generic, bool, int, float, complex)


def unsupported(name: str, given: dtype) -> NotImplementedError:
    """Return the error for a dtype that an op does not take."""
    return NotImplementedError(f"{name}: not implemented for {given}")


def require_computed(name: str, target: dtype) -> None:
    """Refuse dtypes that are only stored."""
    if not target.rank:
        raise unsupported(name, target)


def align(name: str, domain: str, *operands: Any) -> list[Any]:
    """Return the operands as tensors of one dtype, which `domain` allows, and of shapes that `apply` takes."""
    return broadcast(name, *(_alike(domain, operands) or _promoted(name, domain, operands)))


def _alike(domain: str, operands: tuple) -> list[Any] | None:
    """Return the operands as tensors where, as is common, tensors of one dtype stand beside numbers of it; otherwise None."""
    storage = next((x.value.dtype for x in operands if isinstance(x, AbstractTensor)), None)
    floating = storage is not None and storage.kind in "fV" and storage not in STORED_ONLY
    if storage is None or not (floating or storage.kind in "iu") or "if"[floating] not in DOMAINS[domain].categories:
        return None
    xs = []
    for x in operands:
        if isinstance(x, AbstractTensor):
            if x.value.dtype is not storage:
                return None
        elif x.__class__ is int or (floating and x.__class__ is float):
            x = as_scalar(x, storage)
        else:
            return None
        xs.append(x)
    return xs


def ready(domain: str, first: Any, second: Any, *numbers: Any) -> tuple[Any, ...] | None:
    """Return what `align` gives of one or two tensors of a dtype and shape, and numbers; None where it has to look further."""
    if not isinstance(first, AbstractTensor):
        return None
    x = first.value
    if not isinstance(second, AbstractTensor):
        constants = beside(domain, x.dtype, (second, *numbers))
        return None if constants is None else (first, *constants)
    if second.value.dtype is not x.dtype or second.value.shape != x.shape or not numbers:
        return None
    constants = beside(domain, x.dtype, numbers)
    return None if constants is None else (first, second, *constants)


def beside(domain: str, storage: np.dtype, given: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return Python numbers as `align` gives them beside a tensor of a dtype; None where it has to look further."""
    return kept_beside(domain, storage.char, *given) if _NUMBERS.issuperset(map(type, given)) and not FOREIGN else None


_NUMBERS = frozenset((int, float))


@functools.lru_cache(1024, typed=True)
def kept_beside(domain: str, char: str, *numbers: Any) -> tuple[Any, ...] | None:
    """Return `beside`, kept for good."""
    # among floats that are zero, a dict knows no signs; large whole numbers may be refused
    if char not in "fd" or "f" not in DOMAINS[domain].categories or 0 in numbers:
        return None
    if any(each.__class__ is int and not -128 <= each <= 127 for each in numbers):
        return None
    return tuple([as_scalar(each, np.dtype(char)) for each in numbers])


def _promoted(name: str, domain: str, operands: tuple) -> list[Any]:
    for operand in operands:
        if not isinstance(operand, OPERANDS):
            raise TypeError(f"{name}: expected a tensor or a number, got {type(operand).__name__}")
        if DOMAINS[domain].strict and isinstance(operand, AbstractTensor) and operand.value.dtype.kind == "b":
            raise unsupported(name, dtypes.bool_)
    if DOMAINS[domain].unlifted:
        tensors = [x for x in operands if not isinstance(x, (bool, int, float, complex))]
        if not tensors:
            raise TypeError(f"{name}: expected a tensor, got {type(operands[0]).__name__}")
        check_domain(name, domain, result_type(*tensors))
    target = check_domain(name, domain, result_type(*operands))
    return [cast(x, target) if isinstance(x, AbstractTensor) else as_constant(x, target) for x in operands]


def as_scalar(number: Any, storage: np.dtype) -> Any:
    """Return a Python number as a constant of no dimensions that NumPy stores as `storage`."""
    return _scalar(number, storage) if number else _scalar.__wrapped__(number, storage)


@functools.lru_cache(1024)
def _scalar(number: Any, storage: np.dtype) -> Any:
    # not of zeros, among which a dict knows no signs
    if -HALF_MAX < number < HALF_MAX and (number >= 0 or storage.kind != "u"):
        try:
            # kept for good, which is how a compiler knows the tensor for a literal
            return constant(number, dtypes.BY_NUMPY[storage])
        except RuntimeError:
            pass
    return as_constant(number, dtypes.BY_NUMPY[storage])


@functools.lru_cache(1024)
def holds(storage: np.dtype, number: float) -> bool:
    """Return whether half precision, stored so, has a Python number as it is."""
    with np.errstate(over="ignore"):
        return float(np.float32(number).astype(storage)) == number or number != number


def unrounded(*operands: Any) -> Sequence[Any]:
    """Return operands as an op of half precision takes them that rounds no number before it computes; nothing if none would be.

    Beside tensors of half precision, numbers are taken in the dtype that they are computed in, and so is a last tensor without
    dimensions, as in PyTorch, which rounds other tensors.
    """
    tensors = [x for x in operands if isinstance(x, AbstractTensor)]
    storage = next((x.value.dtype for x in tensors if x.value.dtype in NARROW), None)
    if storage is None or not all(isinstance(x, (AbstractTensor, int, float)) for x in operands):
        return ()
    last = operands[-1]
    exact = last is not tensors[-1] or last.value.ndim > 0 or last.value.dtype is storage
    exact = exact and all(isinstance(x, AbstractTensor) or holds(storage, x) for x in operands)
    return () if exact else in_wide(*operands)


def in_wide(*operands: Any) -> Sequence[Any]:
    """Return operands of an op of half precision in the dtype that it is computed in; nothing if it is none of these."""
    target = result_type(*operands)
    if target.numpy not in NARROW or target.numpy in STORED_ONLY:
        return ()
    return [cast(x, target.computes_in) if isinstance(x, AbstractTensor) else x for x in operands]


def as_constant(given: Any, target: dtype) -> Any:
    """Return a number or array as a constant tensor of dtype `target`; integers too large for it wrap around."""
    if isinstance(given, np.ndarray):
        return cast(as_operand(given), target)
    if target.category is Category.INTEGER and isinstance(given, (int, np.integer)):
        given = np.array(given).astype(target.numpy)
    return constant(given, target)


def check_numbers(name: str, *operands: Any, strict: bool = True) -> None:
    """Refuse numbers among the operands that the dtype of the result does not hold."""
    for each in operands:
        if isinstance(each, (int, float)) and not -128 <= each <= 127:
            converted(name, each, result_type(*(other for other in operands if other is not None)), strict)


def check_domain(name: str, domain: str, target: dtype) -> dtype:
    """Return the dtype in which an op of this domain computes; NotImplementedError if it does not take `target`."""
    categories, lifts = DOMAINS[domain][:2]
    if "bifc"[target.category] in categories:
        return target
    if lifts and target.category < Category.FLOATING:
        return config.defaults.dtype
    raise unsupported(name, target)


def broadcast(name: str, *xs: Any) -> list[Any]:
    """Expand the inputs to their common shape, except constants of no dimensions, and others where nobody would notice."""
    if FOREIGN:
        xs = gathered(xs)
    common = None
    for x in xs:
        shape = x.value.shape
        if shape == common or (shape == () and x.node is None and x.origin is None):
            continue
        if common is not None:
            break
        common = shape
    else:
        return list(xs)
    shape = broadcast_shapes(name, *[x.value.shape for x in xs])
    everywhere = _recorder() is not None
    grads = _grad_enabled()
    return [
        expand(x, shape) if (everywhere and x.value.ndim) or (grads and (x.node is not None or x.origin is not None)) else x
        for x in xs
    ]
