"""`torch.jit` for programs that script or trace: a function or module runs as it is written, and `compile` makes it fast."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar
from typing import Final as Final

from lineal.base.errors import UnsupportedError
from lineal.core import no_grad
from lineal.futures import Future
from lineal.nn import Module

__all__ = [
    "Attribute",
    "Error",
    "ScriptFunction",
    "ScriptModule",
    "TracerWarning",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "optimize_for_inference",
    "save",
    "script",
    "script_if_tracing",
    "script_method",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Error(RuntimeError):
    """An error of a scripted program."""


class TracerWarning(Warning):
    """A warning that a trace may not hold for other inputs; none is given here."""


class ScriptFunction:
    """The type of scripted functions, of which there are none: `script` returns what it is given."""


class ScriptModule(Module):
    """A module, written to be scripted."""


class Attribute(typing.NamedTuple):
    """A value and its type, as scripted modules declare it."""

    value: Any
    type: Any


def script(obj: T, optimize: None = None, _frames_up: int = 0, _rcb: Any = None, example_inputs: Any = None) -> T:
    """Return `obj`, a function, module or class, as it is."""
    return obj


def trace(func: F, example_inputs: Any = None, *args: Any, example_kwarg_inputs: dict | None = None, **options: Any) -> F:
    """Return `func` as it is, after a call on the example inputs that shows whether it takes them."""
    given = example_inputs if type(example_inputs) in (tuple, list) else (example_inputs,)
    with no_grad():
        func(*(() if example_inputs is None else given), **(example_kwarg_inputs or {}))
    return func


def trace_module(mod: T, inputs: dict[str, Any], *args: Any, **options: Any) -> T:
    """Return `mod` as it is, after a call of each method on its example inputs."""
    for name, given in inputs.items():
        trace(getattr(mod, name), given)
    return mod


def export(fn: F) -> F:
    """Return `fn` as it is: a method that would be scripted too."""
    return fn


unused = script_method = script_if_tracing = interface = _overload = _overload_method = export


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Return what it decorates, or a decorator that does: a function that stays Python."""
    return drop if callable(drop) else lambda fn: fn


def freeze(mod: T, preserved_attrs: list[str] | None = None, optimize_numerics: bool = True) -> T:
    """Return `mod` as it is; RuntimeError if it is in training mode."""
    if getattr(mod, "training", False):
        raise RuntimeError("freeze: expected a module in evaluation mode; call eval() first")
    return mod


def optimize_for_inference(mod: T, other_methods: list[str] | None = None) -> T:
    """Return `mod` as it is."""
    return mod


def annotate(the_type: Any, the_value: T) -> T:
    """Return the value, whose type the program states."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Return whether `obj` is of a type, be it one with parameters such as `list[int]` or `Optional[Tensor]`."""
    origin, parameters = typing.get_origin(target_type), typing.get_args(target_type)
    if type(target_type) is tuple:
        return any(isinstance(obj, each) for each in target_type)
    if origin in (typing.Union, types.UnionType):
        return any(isinstance(obj, each) for each in parameters)
    kind = type(obj)
    if origin is None:
        return issubclass(kind, type(None) if target_type is None else target_type)
    if not issubclass(kind, origin):
        return False
    if origin is dict:
        return all(isinstance(key, parameters[0]) and isinstance(each, parameters[1]) for key, each in obj.items())
    if origin is tuple and Ellipsis not in parameters:
        return len(obj) == len(parameters) and all(map(isinstance, obj, parameters))
    return all(isinstance(each, parameters[0]) for each in obj)


def is_scripting() -> bool:
    """Return whether the code that asks runs as a script: never."""
    return False


def is_tracing() -> bool:
    """Return whether `trace` is at work: never, since what it calls is the function itself."""
    return False


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
    """Return a future that holds what `func` returns; it has run when this returns."""
    found: Future = Future()
    try:
        found.set_result(func(*args, **kwargs))
    except Exception as error:
        found.set_exception(error)
    return found


def wait(future: Future) -> Any:
    """Return what a future holds."""
    return future.wait()


def save(m: Any, f: Any, _extra_files: Any = None) -> NoReturn:
    """Refuse: scripted programs are not kept in files."""
    raise UnsupportedError(
        "jit.save: lineal writes no TorchScript archives; save the state_dict, or export the model with onnx.export"
    )


def load(f: Any, map_location: Any = None, _extra_files: Any = None, _restore_shapes: bool = False) -> NoReturn:
    """Refuse: TorchScript archives hold programs for PyTorch's interpreter."""
    raise UnsupportedError("jit.load: lineal reads no TorchScript archives; build the module in Python and load its state_dict")
