"""`__torch_function__`: classes that say themselves what functions do with their objects.

Nothing here is asked for plain tensors. A subclass of `Tensor` gets the base `Overriding`, whose methods ask first, in front of
`Tensor`; `lineal.overrides` makes the public functions ask, once the first such class is made. Source of the rules: PyTorch,
"Extending torch", and NEP 18.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from types import FunctionType
from typing import Any

from lineal.base import later
from lineal.core import AbstractTensor, modes
from lineal.core.modes import Setting
from lineal.tensors.tensor import Tensor, ignore_torch_function

__all__ = ["Overriding", "admit", "asked", "convert", "dispatch", "disabled", "stack"]

overrides: Any = later.module("lineal.overrides")

disabled: ContextVar[bool] = ContextVar("torch_function_disabled", default=False)
"""Whether subclasses of Tensor are taken for plain tensors: while a function computes what they have asked for."""
stack: ContextVar[tuple[Any, ...]] = ContextVar("torch_function_modes", default=())
"""The modes that hold, the innermost last."""

OPERATORS = {
    **{f"__{name}__": name for name in ("add", "sub", "mul", "pow", "matmul", "lt", "le", "gt", "ge", "ne", "neg", "abs")},
    **{f"__i{name}__": f"{name}_" for name in ("add", "sub", "mul", "pow")},
    "__truediv__": "div",
    "__itruediv__": "div_",
    "__mod__": "remainder",
    "__imod__": "remainder_",
    "__pos__": "positive",
    "__radd__": "add",
    "__rmul__": "mul",
    "__ifloordiv__": "floor_divide_",
    "__rand__": "bitwise_and",
    "__ror__": "bitwise_or",
    "__rxor__": "bitwise_xor",
}
"""The methods that PyTorch names to `__torch_function__` where an operator is used, unless it is the operator's own."""

OWN = frozenset(
    """__annotations__ __class__ __delattr__ __dict__ __dir__ __doc__ __getattribute__ __getstate__ __hash__ __init__
    __init_subclass__ __iter__ __module__ __new__ __setattr__ __sizeof__ __slots__ __subclasshook__ __torch_function__
    __weakref__ as_subclass derivative index memory node origin value""".split()
)
"""What is not asked for: how Python makes objects, and how the engine sees a tensor."""

UNCHANGED = frozenset(("grad", "_base"))
"""Properties whose results keep their class."""


def asks(kind: type) -> bool:
    """Return whether objects of a class say themselves what functions do with them."""
    found = getattr(kind, "__torch_function__", None)
    return found is not None and kind is not Tensor and found is not ignore_torch_function and not issubclass(kind, type)


class DisableTorchFunctionSubclass(Setting):
    """Within the block, subclasses of Tensor are taken for plain tensors."""

    def __init__(self) -> None:
        super().__init__((disabled, True))


class DisableTorchFunction(Setting):
    """Within the block, subclasses of Tensor are taken for plain tensors, and no mode holds."""

    def __init__(self) -> None:
        super().__init__((disabled, True), (stack, ()))


def asked(given: Iterable[Any]) -> list[Any]:
    """Return the objects among arguments, one for each class, that are to be asked: those of subclasses first."""
    found: list[Any] = []
    plain = disabled.get()
    for each in given:
        inner = each if isinstance(each, (list, tuple)) else (each,)
        for one in inner:
            kind = type(one)
            if not asks(kind) or kind in map(type, found) or (plain and isinstance(one, AbstractTensor)):
                continue
            place = next((place for place, other in enumerate(found) if issubclass(kind, type(other))), len(found))
            found.insert(place, one)
    return found


def dispatch(func: Any, holders: list[Any], args: tuple, kwargs: dict[str, Any]) -> Any:
    """Return what the innermost mode, or the first of `holders` that knows, makes of a call; TypeError if none does."""
    types = tuple(map(type, holders))
    outer = stack.get()
    if outer:
        with Setting((stack, outer[:-1])):
            y = outer[-1].__torch_function__(func, types, args, kwargs)
        if y is not NotImplemented:
            return y
    for each in holders:
        y = each.__torch_function__(func, types, args, kwargs)
        if y is not NotImplemented:
            return y
    name = getattr(func, "__name__", str(func))
    raise TypeError(
        f"{name}: Multiple dispatch failed: all __torch_function__ handlers returned NotImplemented, "
        f"those of {', '.join(each.__name__ for each in types)}"
    )


def call(func: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a method of Tensor's, or ask those who are to be asked."""
    holders = asked((*args, *kwargs.values()))
    return dispatch(func, holders, args, kwargs) if holders or stack.get() else func(*args, **kwargs)


def convert(y: Any, kind: type) -> Any:
    """Return tensors, and tuples and lists of them, as tensors of a class."""
    listener = modes.recorder.get()
    if listener is not None:
        listener.foreign(f"a result becomes a {kind.__name__}")
    if isinstance(y, (tuple, list)):
        parts = [convert(each, kind) for each in y]
        return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)
    return y.as_subclass(kind) if isinstance(y, Tensor) and not isinstance(y, kind) else y


def default(kind: type, func: Callable[..., Any], types: Iterable[type], args: tuple, kwargs: dict[str, Any] | None) -> Any:
    """Do what subclasses inherit: compute with plain tensors, and give what comes the class `kind`."""
    if not all(issubclass(kind, each) for each in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        y = func(*args, **(kwargs or {}))
        keeps = getattr(getattr(func, "__self__", None), "fget", None) in unchanged() or kind is Tensor
        return y if keeps else convert(y, kind)


@functools.cache
def unchanged() -> frozenset[Any]:
    """Return the functions of the properties whose results keep their class."""
    return frozenset(inherited(name).fget for name in UNCHANGED if hasattr(Tensor, name))


ORIGINALS: dict[str, tuple[type, Any]] = {
    name: (kind, each)
    for kind in reversed(Tensor.__mro__[:-1])
    for name, each in kind.__dict__.items()
    if name not in OWN and not isinstance(each, (classmethod, staticmethod))
}
"""What Tensor has, and from which class, before anything stands in front of it."""


def inherited(name: str) -> Any:
    """Return what Tensor itself has under a name, whether or not a mode stands before it."""
    kind, found = ORIGINALS[name]
    return getattr(kind, name) if isinstance(found, later.Method) else found


class Asking:
    """Stands for a method of Tensor: asks the classes of its arguments before it calls it."""

    def __init__(self, name: str):
        self.name = name

    @functools.cached_property
    def original(self) -> Any:
        """What it stands for, which PyTorch may call by another name."""
        found = inherited(OPERATORS.get(self.name, self.name))
        if self.name not in OPERATORS and isinstance(found, FunctionType):
            # operators share functions of other names
            found.__name__ = self.name
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return call(self.original, *args, **kwargs)

    def __get__(self, x: Any, owner: Any = None) -> Any:
        if x is None:
            # Python asks the right operand first if its class has another reflected method
            return self if self.name.startswith("__r") else inherited(self.name)
        if disabled.get() and not stack.get():
            return inherited(self.name).__get__(x, owner)
        return functools.partial(call, self.original, x)


class AskingProperty(Asking):
    """Stands for a property of Tensor."""

    @functools.cached_property
    def original(self) -> Any:
        """The property."""
        return inherited(self.name)

    def __get__(self, x: Any, owner: Any = None) -> Any:
        return self.original if x is None else call(self.original.__get__, x)

    def __set__(self, x: Any, value: Any) -> None:
        call(self.original.__set__, x, value)

    def __delete__(self, x: Any) -> None:
        call(self.original.__delete__, x)


def asking() -> dict[str, Asking]:
    """Return what stands for the methods and properties of Tensor."""
    kinds = {name: AskingProperty if isinstance(each, property) else Asking for name, (_, each) in ORIGINALS.items()}
    callables = {name for name, (_, each) in ORIGINALS.items() if callable(each) or isinstance(each, (property, later.Method))}
    return {name: kinds[name](name) for name in sorted(callables)}


class Overriding(Tensor):
    """What stands between Tensor and its subclasses: methods that ask `__torch_function__`."""

    __slots__ = ()


for _name, _each in asking().items():
    setattr(Overriding, _name, _each)


def admit(kind: type) -> None:
    """Let a new subclass of Tensor be asked, if it does not inherit that it is a plain tensor."""
    if asks(kind) and not issubclass(kind, Overriding):
        kind.__bases__ = tuple(Overriding if base is Tensor else base for base in kind.__bases__)
    if asks(kind):
        overrides.begin()
