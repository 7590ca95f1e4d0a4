"""The front of elementwise ops: functions made of rows, which take what users may pass, and where results are put."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import numpy as np

from lineal.base import config, dtypes, later
from lineal.base.dtypes import NARROW, STORED_ONLY
from lineal.base.platforms import array_module
from lineal.base.signatures import Binary, Operator, Tensor, Unary
from lineal.core import AbstractTensor, apply, lift, modes, module_of, renamed, write
from lineal.core.calling import overrides, overriding, public
from lineal.core.door import binary_door, unary_door
from lineal.core.inplace import preserve
from lineal.core.op import next_id
from lineal.ops.conversion import cast, result_type
from lineal.ops.layout import address, packed
from lineal.ops.pattern import Elementwise, Rule
from lineal.ops.promotion import DOMAINS, OPERANDS, align, as_scalar, broadcast, holds, ready, storages, unrounded, unsupported

P = ParamSpec("P")

overwriting: Any = later.module("lineal.ops.overwriting")

_recorder = modes.recorder.get
_grad_enabled = modes.grad_enabled.get


def unary(
    name: str,
    scalar: Rule,
    derivative: Rule | None = None,
    *,
    domain: str = "float",
    result: str = "same",
    numeric: Rule | None = None,
    host_only: str = "",
    doc: str = "",
) -> Unary:
    """Make the public function of an elementwise op of one input; `domain` is one of `DOMAINS`."""
    return unary_front(Elementwise(name, scalar, (derivative,), result, numeric, host_only), domain, doc)


def unary_front(op: Elementwise, domain: str, doc: str = "") -> Unary:
    """Return the public function of an elementwise op of one input."""
    name = op.label
    kinds, lifts = DOMAINS[domain].kinds, DOMAINS[domain].lifts

    def unusual(input: Any, out: AbstractTensor | None) -> Any:
        try:
            kind = require_tensor(name, input).dtype.kind
            if kind not in kinds:
                if not lifts or kind not in "iub":
                    raise unsupported(name, dtypes.of(input.value.dtype))
                input = cast(input, config.defaults.dtype)
            y = door(input)
        except (TypeError, RuntimeError):
            if not overrides(input):
                raise
            return overriding.first(public, (input,), {})
        return y if out is None else store(y, out, name, input)

    door = unary_door(op, op.kernel)
    public = named(unary_door(op, op.kernel, usual=storages(kinds), unusual=unusual), name, op, doc)
    return public


def binary(
    name: str,
    scalar: Rule,
    by_first: Rule | None = None,
    by_second: Rule | None = None,
    *,
    domain: str = "any",
    result: str = "same",
    numeric: Rule | None = None,
    host_only: str = "",
    numbers: str = "any",
    widens: bool = False,
    doc: str = "",
) -> Binary:
    """Make the public function of an elementwise op of two inputs; `domain` is one of `DOMAINS`.

    `numbers` says which inputs may be Python numbers: "any", "one", "second" or "none"; an op that `widens` does not round them
    beside half precision. The attributes `operator` and `reflected` are the methods for Python's operators: they leave
    unknown operands to the other side.
    """
    op = Elementwise(name, scalar, (by_first, by_second), result, numeric, host_only)
    front = binary_front(op, domain, NUMBERS[numbers], widens)
    operator = front.operator = named(binary_front(op, domain, lenient, widens), name, op, doc)

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


def stays(storage: np.dtype, kinds: str, number: Any, widens: bool) -> bool:
    """Return whether a dtype, of these kinds or bfloat16 beside them, is the result's beside a number, and the number's too."""
    if storage not in NARROW:
        return storage.kind in kinds
    return "f" in kinds and storage not in STORED_ONLY and not (widens and not holds(storage, number))


def binary_front(op: Elementwise, domain: str, judge: Callable[[str, Any, Any], Any], widens: bool = False) -> Any:
    """Return the function of an op of two inputs; it returns what `judge` says of unusual inputs, if that is not None."""
    name = op.label
    kernel, (usual, simple) = op.kernel, beside_numbers(domain)
    door = binary_door(op, kernel)
    first_may = judge in (lenient, NUMBERS["any"], NUMBERS["one"])
    second_may = judge is not NUMBERS["none"]

    general = promoting(op, domain, judge, widens, door)

    def unusual(input: Any, other: Any, out: AbstractTensor | None) -> Any:
        try:
            if isinstance(input, AbstractTensor) and isinstance(other, AbstractTensor):
                storage = input.value.dtype
                if storage is other.value.dtype and storage in usual and out is None:
                    return door(*broadcast(name, input, other))
            elif other.__class__ in simple and second_may:
                if isinstance(input, AbstractTensor) and stays(input.value.dtype, simple[other.__class__], other, widens):
                    y = door(input, as_scalar(other, input.value.dtype))
                    return y if out is None else store(y, out, name, input, other)
            elif input.__class__ in simple and first_may:
                if isinstance(other, AbstractTensor) and stays(other.value.dtype, simple[input.__class__], input, widens):
                    y = door(as_scalar(input, other.value.dtype), other)
                    return y if out is None else store(y, out, name, other)
            y = general(input, other)
        except (TypeError, RuntimeError):
            if not overrides(input, other):
                raise
            y = NotImplemented
        if y is NotImplemented:
            return overriding.first(public, (input, other), {}) if overrides(input, other) else y
        return y if out is None else store(y, out, name, input, other)

    public = binary_door(op, kernel, usual=usual, unusual=unusual)
    return public


def promoting(
    op: Elementwise, domain: str, judge: Callable[[str, Any, Any], Any], widens: bool, door: Callable[..., Any]
) -> Callable[[Any, Any], Any]:
    """Return what an op of two inputs makes of any: what `judge` says of them, if that is not None."""
    name = op.label

    def general(input: Any, other: Any) -> Any:
        said = judge(name, input, other)
        if said is not None:
            return said
        wide = unrounded(input, other) if widens else ()
        y = door(*align(name, domain, *(wide or (input, other))))
        return narrowed(y, op, input, other) if wide else y

    return general


def narrowed(y: Any, op: Elementwise, *inputs: Any) -> Any:
    """Return what an op computed in a wider dtype, rounded to the one that its inputs promise."""
    return renamed(cast(y, result_type(*inputs)), op.grad_name)


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
) -> Callable[..., Tensor]:
    """Make the function of an elementwise op of three or more inputs of one dtype."""
    op = Elementwise(name, scalar, derivatives, numeric=numeric)

    def front(*inputs: Any, out: AbstractTensor | None = None) -> Any:
        xs = ready(domain, *inputs)
        wide = () if xs else unrounded(*inputs)
        y = apply(op, *(xs or align(name, domain, *(wide or inputs))))
        if wide:
            y = narrowed(y, op, *inputs)
        return y if out is None else store(y, out, name, *inputs)

    return named(public(front), name, op, doc)


def row(
    name: str, scalar: Rule, *derivatives: Rule | None, result: str = "same", numeric: Rule | None = None, host_only: str = ""
) -> Callable[..., Any]:
    """Make the function of a row that only derivatives call: its inputs need no promotion and no broadcasting."""
    op = Elementwise(name, scalar, derivatives, result, numeric, host_only)
    if len(derivatives) > 2:
        return functools.partial(apply, op)
    return (unary_door, binary_door)[len(derivatives) - 1](op, op.kernel)


def zero(g: AbstractTensor) -> Any:
    """Return the derivative of a step function: zeros like `g`."""
    return lift(module_of(g).zeros(g.value.shape, g.value.dtype))


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


def named(front: Any, name: str, op: Elementwise, doc: str) -> Any:
    """Give a function made from a row its name, its documentation and its op."""
    front.__name__ = front.__qualname__ = name
    front.__doc__ = doc or None
    front.op = op
    return front


def require_tensor(name: str, x: Any) -> np.ndarray:
    """Return the array of a tensor; TypeError names the op if it is something else."""
    try:
        return x.value
    except AttributeError:
        raise TypeError(f"{name}: expected a tensor, got {type(x).__name__}") from None


EXACT = frozenset(
    """abs addbmm addmm addmv alias_copy all any argmax argmin baddbmm bitwise_not bmm ceil chain_matmul clamp conj_physical
    diag diagonal_copy dot floor frac heaviside histc index_reduce inner isneginf isposinf linalg.cholesky linalg.cross
    linalg.det linalg.eigvalsh linalg.inv linalg.matrix_norm linalg.matrix_power linalg.multi_dot linalg.norm linalg.solve
    linalg.svdvals linalg.vecdot logcumsumexp matmul mm msort mv nan_to_num nanquantile narrow_copy neg nonzero quantile renorm
    round sgn sign signbit slice_copy squeeze_copy t_copy tril triu trunc vdot vector_norm where""".split()
)
"""The functions whose `out` PyTorch wants in the result's own dtype; others take any dtype of a category as high."""

SILENT = frozenset(("addbmm", "multinomial", "narrow_copy", "out"))
"""Who resizes `out` without a word, as PyTorch does; "out" is what factories call themselves."""


def store(y: Any, out: AbstractTensor, name: str, *inputs: Any) -> Any:
    """Put the result `y` into `out` and return `out`; it is resized, with a warning if it held numbers, to y's shape.

    RuntimeError if the dtype does not take the result, or if `out` overlaps one of `inputs` without being it.
    """
    if not isinstance(out, AbstractTensor):
        raise TypeError(f"{name}: expected out to be a tensor, got {type(out).__name__}")
    if modes.grad_enabled.get() and (y.node is not None or out.node is not None):
        raise RuntimeError(f"{name}: functions with out=... arguments don't support automatic differentiation")
    given, wanted = dtypes.BY_NUMPY[y.value.dtype], dtypes.BY_NUMPY[out.value.dtype]
    if given is not wanted and name in EXACT and not (wanted is dtypes.uint8 and name in ("all", "any")):
        raise RuntimeError(f"{name}: Expected out tensor to have dtype {given}, but got {wanted} instead")
    if given.category > wanted.category:
        kind = TypeError if name in ("cat", "stack") else RuntimeError
        raise kind(f"{name}: result type {given} can't be cast to the desired output type {wanted}")
    if any(isinstance(each, AbstractTensor) and overlaps(out.value, each.value) for each in inputs):
        raise RuntimeError(
            f"{name}: unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )
    if out.value.shape != y.value.shape:
        if out.value.size and name not in SILENT:
            warnings.warn(
                f"{name}: An output with one or more elements was resized since it had shape {list(out.value.shape)}, which "
                f"does not match the required output shape {list(y.value.shape)}; give an empty tensor to be resized",
                stacklevel=3,
            )
        out.value = module_of(out).empty(y.value.shape, out.value.dtype)
    return write(out, cast(y, wanted), name)


def overlaps(out: np.ndarray, x: np.ndarray) -> bool:
    """Return whether two arrays without gaps share memory, and not because they are one and the same."""
    if not array_module(out).may_share_memory(out, x) or not (packed(out) and packed(x)):
        return False
    return address(out) != address(x) or out.shape != x.shape or out.strides != x.strides


def assign(target: AbstractTensor, y: Any, name: str) -> Any:
    """Let `target` take the result `y` in place, in its own dtype; RuntimeError if y's category is higher."""
    if y.value.dtype is not target.value.dtype:
        given, wanted = dtypes.BY_NUMPY[y.value.dtype], dtypes.BY_NUMPY[target.value.dtype]
        if given.category > wanted.category:
            raise RuntimeError(f"{name}: result type {given} can't be cast to the desired output type {wanted}")
        y = cast(y, wanted)
    return write(target, y, name)


def in_place(
    function: Callable[Concatenate[Any, P], Any], name: str = "", row: Elementwise | None = None
) -> Callable[Concatenate[Any, P], Tensor]:
    """Return the method `name` (by default the function's name and "_") that writes the function's result into its tensor.

    What the function makes of tensors and numbers alone is the op `row`, if it is one.
    """
    label = name or f"{function.__name__}_"
    row = getattr(function, "op", None) if row is None else row

    def method(self: Any, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        large = row is not None and not kwargs and isinstance(self, AbstractTensor) and self.value.size >= config.LARGE_ARRAY
        if large and overwriting.overwritten(row, self, args, label):
            return self  # type: ignore[return-value]
        since = next_id()
        y = function(self, *args, **kwargs)
        if y.node is not None:
            preserve(self, y.node, since)
        return assign(self, y, label)

    method.__name__ = method.__qualname__ = label
    method.__doc__ = f"Write the result of `{function.__name__}` into this tensor and return it."
    method.__wrapped__ = function  # whose arguments it takes: read by inspect.signature
    return public(method)


def augmented(method: Callable[..., Any], operands: tuple = OPERANDS) -> Operator:
    """Return the operator, as `__iadd__`, of a method that writes; objects it does not know are left to their operators."""

    def operator(self: AbstractTensor, other: Any) -> Any:
        return method(self, other) if isinstance(other, operands) else NotImplemented

    operator.__name__ = operator.__qualname__ = method.__name__
    operator.__doc__ = method.__doc__
    return operator
