"""The front of elementwise ops: what users may pass (numbers, arrays, mixed dtypes and shapes) becomes what `apply` takes.

Promotion and broadcasting happen here, once, so that no kernel promotes and no derivative un-broadcasts. An operand that needs
no derivative is left to NumPy's broadcasting, unless a recorder listens.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lineal.base import config, dtypes
from lineal.base.dtypes import Category, dtype
from lineal.base.spec import broadcast_shapes
from lineal.core import AbstractTensor, apply, lift, modes, write
from lineal.core.door import binary_door, unary_door
from lineal.core.inplace import preserve
from lineal.core.op import next_id
from lineal.ops.broadcasting import expand
from lineal.ops.conversion import HALF_MAX, as_operand, cast, constant, result_type
from lineal.ops.pattern import Elementwise, Rule

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
    "integer": Domain("bi"),
    "whole": Domain("i"),
    "float": Domain("fc", lifts=True),
    "real float": Domain("f", lifts=True),
    "only float": Domain("f"),
    "field": Domain("fc"),
}


@functools.lru_cache(64)
def storages(kinds: str) -> frozenset[np.dtype]:
    """Return NumPy's own dtypes of these kinds."""
    return frozenset(each for each in map(np.dtype, "?bhilqBHILQefdFD") if each.kind in kinds)


def unary(
    name: str,
    scalar: Rule,
    derivative: Rule | None = None,
    *,
    domain: str = "float",
    result: str = "same",
    numeric: Rule | None = None,
    doc: str = "",
) -> Callable[..., Any]:
    """Make the public function of an elementwise op of one input; `domain` is one of `DOMAINS`."""
    return unary_front(Elementwise(name, scalar, (derivative,), result, numeric), domain, doc)


def unary_front(op: Elementwise, domain: str, doc: str = "") -> Callable[..., Any]:
    """Return the public function of an elementwise op of one input."""
    name = op.label
    kinds, lifts = DOMAINS[domain].kinds, DOMAINS[domain].lifts

    def unusual(input: Any, out: AbstractTensor | None) -> Any:
        kind = require_tensor(name, input).dtype.kind
        if kind not in kinds:
            if not lifts or kind not in "iub":
                raise unsupported(name, dtypes.of(input.value.dtype))
            input = cast(input, config.defaults.dtype)
        y = door(input)
        return y if out is None else store(y, out, name)

    door = unary_door(op, op.kernel)
    return named(unary_door(op, op.kernel, usual=storages(kinds), unusual=unusual), name, op, doc)


def binary(
    name: str,
    scalar: Rule,
    by_first: Rule | None = None,
    by_second: Rule | None = None,
    *,
    domain: str = "any",
    result: str = "same",
    numeric: Rule | None = None,
    numbers: str = "any",
    doc: str = "",
) -> Callable[..., Any]:
    """Make the public function of an elementwise op of two inputs; `domain` is one of `DOMAINS`.

    `numbers` says which inputs may be Python numbers: "any", "one", "second" or "none". The attributes `operator` and
    `reflected` are the methods for Python's operators: they leave unknown operands to the other side.
    """
    op = Elementwise(name, scalar, (by_first, by_second), result, numeric)
    front = binary_front(op, domain, NUMBERS[numbers])
    operator = front.operator = named(binary_front(op, domain, lenient), name, op, doc)

    def reflected(self: AbstractTensor, other: Any) -> Any:
        return operator(other, self)

    front.reflected = reflected
    return named(front, name, op, doc)


@functools.lru_cache(32)
def beside_numbers(domain: str) -> tuple[frozenset[np.dtype], dict[type, str]]:
    """Return NumPy's dtypes that an op of two inputs takes as they are, and their kinds that stay so beside a Python number."""
    kinds = DOMAINS[domain].kinds.replace("V", "")
    floats = "".join([each for each in kinds if each in "fc"])
    return storages(kinds), {float: floats, int: floats + "".join([each for each in kinds if each in "iu"])}


def binary_front(op: Elementwise, domain: str, judge: Callable[[str, Any, Any], Any]) -> Any:
    """Return the function of an op of two inputs; it returns what `judge` says of unusual inputs, if that is not None."""
    name = op.label
    kernel, (usual, simple) = op.kernel, beside_numbers(domain)
    door = binary_door(op, kernel)
    first_may = judge in (lenient, NUMBERS["any"], NUMBERS["one"])
    second_may = judge is not NUMBERS["none"]

    def unusual(input: Any, other: Any, out: AbstractTensor | None) -> Any:
        if isinstance(input, AbstractTensor) and isinstance(other, AbstractTensor):
            storage = input.value.dtype
            if storage is other.value.dtype and storage in usual and out is None:
                return door(*broadcast(name, input, other))
        elif other.__class__ in simple and second_may:
            if isinstance(input, AbstractTensor) and input.value.dtype.kind in simple[other.__class__]:
                y = door(input, as_scalar(other, input.value.dtype))
                return y if out is None else store(y, out, name)
        elif input.__class__ in simple and first_may:
            if isinstance(other, AbstractTensor) and other.value.dtype.kind in simple[input.__class__]:
                y = door(as_scalar(input, other.value.dtype), other)
                return y if out is None else store(y, out, name)
        said = judge(name, input, other)
        if said is not None:
            return said
        y = door(*align(name, domain, input, other))
        return y if out is None else store(y, out, name)

    return binary_door(op, kernel, usual=usual, unusual=unusual)


def lenient(name: str, input: Any, other: Any) -> Any:
    """Return NotImplemented if an operand is neither a tensor nor a number."""
    return None if isinstance(other, OPERANDS) and isinstance(input, OPERANDS) else NotImplemented


def _accepts(*forms: tuple[bool, bool]) -> Callable[[str, Any, Any], None]:
    """Return the judge that raises unless (input is a tensor, other is a tensor) is one of `forms`."""

    def judge(name: str, input: Any, other: Any) -> None:
        if (isinstance(input, _ARRAYS), isinstance(other, _ARRAYS)) not in forms:
            given = f"{type(input).__name__} and {type(other).__name__}"
            raise TypeError(f"{name}: expected {_WORDS[len(forms)]}, got {given}")

    return judge


def nary(
    name: str, scalar: Rule, *derivatives: Rule | None, domain: str = "any", numeric: Rule | None = None, doc: str = ""
) -> Callable[..., Any]:
    """Make the function of an elementwise op of three or more inputs of one dtype."""
    op = Elementwise(name, scalar, derivatives, numeric=numeric)

    def front(*inputs: Any, out: AbstractTensor | None = None) -> Any:
        y = apply(op, *align(name, domain, *inputs))
        return y if out is None else store(y, out, name)

    return named(front, name, op, doc)


def row(
    name: str, scalar: Rule, *derivatives: Rule | None, result: str = "same", numeric: Rule | None = None
) -> Callable[..., Any]:
    """Make the function of a row that only derivatives call: its inputs need no promotion and no broadcasting."""
    op = Elementwise(name, scalar, derivatives, result, numeric)
    if len(derivatives) > 2:
        return functools.partial(apply, op)
    return (unary_door, binary_door)[len(derivatives) - 1](op, op.kernel)  # type: ignore[operator]


def zero(g: AbstractTensor) -> Any:
    """Return the derivative of a step function: zeros like `g`."""
    return lift(np.zeros(g.value.shape, g.value.dtype))


def underivable(name: str) -> Rule:
    """Return the derivative of an op that has none: it raises when backward comes to it."""

    def refuse(g: Any) -> Any:
        raise RuntimeError(f"{name}: the derivative is not implemented; detach() what goes into it, if that is meant")

    return refuse


_ARRAYS = (AbstractTensor, np.ndarray)
_WORDS = {1: "two tensors", 2: "a tensor, and a tensor or a number", 3: "at least one tensor", 4: "tensors or numbers"}
NUMBERS = {
    "none": _accepts((True, True)),
    "second": _accepts((True, True), (True, False)),
    "one": _accepts((True, True), (True, False), (False, True)),
    "any": _accepts((True, True), (True, False), (False, True), (False, False)),
}
OPERANDS = (AbstractTensor, np.ndarray, np.generic, bool, int, float, complex)


def unsupported(name: str, given: dtype) -> NotImplementedError:
    """Return the error for a dtype that an op does not take."""
    return NotImplementedError(f"{name}: not implemented for {given}")


def named(front: Callable[..., Any], name: str, op: Elementwise, doc: str) -> Callable[..., Any]:
    """Give a function made from a row its name, its documentation and its op."""
    front.__name__ = front.__qualname__ = name
    front.__doc__ = doc or None
    front.op = op  # type: ignore[attr-defined]
    return front


def require_tensor(name: str, x: Any) -> np.ndarray:
    """Return the array of a tensor; TypeError names the op if it is something else."""
    try:
        return x.value
    except AttributeError:
        raise TypeError(f"{name}: expected a tensor, got {type(x).__name__}") from None


def align(name: str, domain: str, *operands: Any) -> list[Any]:
    """Return the operands as tensors of one dtype, which `domain` allows, and of shapes that `apply` takes."""
    return broadcast(name, *(_alike(domain, operands) or _promoted(name, domain, operands)))


def _alike(domain: str, operands: tuple) -> list[Any] | None:
    """Return the operands as tensors in the common case of floating tensors of one dtype beside numbers, otherwise None."""
    storage = next((x.value.dtype for x in operands if isinstance(x, AbstractTensor)), None)
    if storage is None or storage.kind != "f" or "f" not in DOMAINS[domain].categories:
        return None
    xs = []
    for x in operands:
        if isinstance(x, AbstractTensor):
            if x.value.dtype is not storage:
                return None
        elif x.__class__ is float or x.__class__ is int:
            x = as_scalar(x, storage)
        else:
            return None
        xs.append(x)
    return xs


def _promoted(name: str, domain: str, operands: tuple) -> list[Any]:
    for operand in operands:
        if not isinstance(operand, OPERANDS):
            raise TypeError(f"{name}: expected a tensor or a number, got {type(operand).__name__}")
        if DOMAINS[domain].strict and isinstance(operand, AbstractTensor) and operand.value.dtype.kind == "b":
            raise unsupported(name, dtypes.bool_)
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


def as_constant(given: Any, target: dtype) -> Any:
    """Return a number or array as a constant tensor of dtype `target`; integers too large for it wrap around."""
    if isinstance(given, np.ndarray):
        return cast(as_operand(given), target)
    if target.category is Category.INTEGER and isinstance(given, (int, np.integer)):
        given = np.array(given).astype(target.numpy)
    return constant(given, target)


def check_domain(name: str, domain: str, target: dtype) -> dtype:
    """Return the dtype in which an op of this domain computes; NotImplementedError if it does not take `target`."""
    categories, lifts, _ = DOMAINS[domain]
    if "bifc"[target.category] in categories:
        return target
    if lifts and target.category < Category.FLOATING:
        return config.defaults.dtype
    raise unsupported(name, target)


def broadcast(name: str, *xs: Any) -> list[Any]:
    """Expand the inputs to their common shape, except constants of no dimensions, and others where nobody would notice."""
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


def store(y: Any, out: AbstractTensor, name: str) -> Any:
    """Put the result `y` into `out` (resized if it has another shape) and return `out`."""
    if not isinstance(out, AbstractTensor):
        raise TypeError(f"{name}: expected out to be a tensor, got {type(out).__name__}")
    if modes.grad_enabled.get() and (y.node is not None or out.node is not None):
        raise RuntimeError(f"{name}: functions with out=... arguments don't support automatic differentiation")
    given, wanted = dtypes.BY_NUMPY[y.value.dtype], dtypes.BY_NUMPY[out.value.dtype]
    if not dtypes.can_cast(given, wanted):
        raise RuntimeError(f"{name}: result type {given} can't be cast to the desired output type {wanted}")
    if out.value.shape != y.value.shape:
        out.value = np.empty(y.value.shape, out.value.dtype)
    return write(out, cast(y, wanted), name)


def assign(target: AbstractTensor, y: Any, name: str) -> Any:
    """Let `target` take the result `y` in place, in its own dtype; RuntimeError if y's category is higher."""
    if y.value.dtype is not target.value.dtype:
        given, wanted = dtypes.BY_NUMPY[y.value.dtype], dtypes.BY_NUMPY[target.value.dtype]
        if given.category > wanted.category:
            raise RuntimeError(f"{name}: result type {given} can't be cast to the desired output type {wanted}")
        y = cast(y, wanted)
    return write(target, y, name)


def in_place(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """Return the method `name` (by default the function's name and "_") that writes the function's result into its tensor."""
    label = name or f"{function.__name__}_"

    def method(self: AbstractTensor, *args: Any, **kwargs: Any) -> Any:
        since = next_id()
        y = function(self, *args, **kwargs)
        if y.node is not None:
            preserve(self, y.node, since)
        return assign(self, y, label)

    method.__name__ = method.__qualname__ = label
    method.__doc__ = f"Write the result of `{function.__name__}` into this tensor and return it."
    return method
