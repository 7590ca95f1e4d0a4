"""What functions do with classes that have `__torch_function__`, as in `torch.overrides`.

The first such class, or mode, makes the public functions of lineal's namespaces ask; until then they are what they are.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Self

from lineal.core import AbstractTensor, modes
from lineal.core.modes import Setting
from lineal.tensors import Tensor
from lineal.tensors.overriding import Asking, asked, asking, dispatch, inherited, stack

__all__ = [
    "TorchFunctionMode",
    "get_default_nowrap_functions",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]

NAMESPACES = ("", "nn.functional", "nn.init", "linalg", "fft", "special", "autograd")
"""Where the functions are that ask."""

SETTINGS = ("set_", "get_", "is_deterministic", "are_")
"""How the names of functions begin that take no tensors."""
IGNORED = frozenset(
    """as_tensor asarray can_cast compile cond enable_grad explain from_dlpack from_numpy frombuffer functional gradcheck
    gradgradcheck initial_seed is_grad_enabled is_inference_mode_enabled is_storage is_tensor load manual_seed no_grad
    promote_types save seed typename use_deterministic_algorithms vmap while_loop""".split()
)
"""Functions that do not ask, mostly because they take no tensors."""


class Overridable:
    """A public function that asks the classes of its arguments before it computes; equal to the function itself."""

    def __init__(self, function: Callable[..., Any], path: str):
        functools.update_wrapper(self, function)
        self.function, self.path = function, path

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        holders = asked((*args, *kwargs.values()))
        return dispatch(self, holders, args, kwargs) if holders or stack.get() else self.function(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return self is other or self.function is other

    def __hash__(self) -> int:
        return hash(self.function)

    def __repr__(self) -> str:
        return repr(self.function)


found: dict[Any, Overridable] = {}
"""What asks, by the function it asks for."""


def overridable(function: Any, path: str) -> Any:
    """Return what asks for a function, or what is no such function as it is."""
    name = getattr(function, "__name__", "_")
    plain = not isinstance(function, (types.FunctionType, types.BuiltinFunctionType)) or name.startswith(("_", *SETTINGS))
    if plain or name in IGNORED:
        return function
    if function not in found:
        found[function] = Overridable(function, path)
    return found[function]


def open_up(space: types.ModuleType, path: str) -> None:
    """Let the functions of a namespace ask: those it has, and those it will have found."""
    names = vars(space)
    public = set(getattr(space, "__all__", dir(space)))
    for name in public & names.keys():
        names[name] = overridable(names[name], f"{path}.{name}")
    look = names.get("__getattr__")
    if look is None:
        return

    def asking_look(name: str) -> Any:
        names[name] = overridable(look(name), f"{path}.{name}")
        return names[name]

    names["__getattr__"] = asking_look


@functools.cache
def begin() -> None:
    """Let the public functions ask, from here on."""
    for each in NAMESPACES:
        open_up(import_module(f"lineal.{each}".rstrip(".")), f"torch.{each}".rstrip("."))
    for name, module in list(sys.modules.items()):
        origin = getattr(getattr(module, "__spec__", None), "origin", None)
        if name.partition(".")[0] == "torch" and origin == "lineal":
            vars(module).update(
                {
                    key: found[each]
                    for key, each in vars(module).items()
                    if isinstance(each, types.FunctionType) and each in found
                }
            )


def first(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
    """Return what a call comes to that has failed because an argument is of a class that is to be asked."""
    begin()
    name = getattr(function, "__name__", "")
    public = found.get(function) or overridable(getattr(import_module("lineal"), name, function), f"torch.{name}")
    return dispatch(public, asked((*args, *kwargs.values())), args, kwargs)


class TorchFunctionMode:
    """A context in which every public function and method asks `__torch_function__(self, func, types, args, kwargs)`.

    While that runs, the mode does not hold.
    """

    inner: list[Setting]

    def __init__(self) -> None:
        pass

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: a TorchFunctionMode must have a __torch_function__")

    def __enter__(self) -> Self:
        begin()
        watch()
        holds = Setting((stack, (*stack.get(), self)), (modes.recorder, modes.recorder.get() or modes.Unhearing()))
        self.__dict__.setdefault("inner", []).append(holds)
        holds.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.inner.pop().__exit__(*exception)

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Self:
        """Return a mode to be entered; an older name of making one."""
        return cls(*args, **kwargs)


@functools.cache
def watch() -> None:
    """Let the methods of plain tensors ask, too, from here on: a mode hears of them."""
    for name, each in asking().items():
        setattr(Tensor, name, each)


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Return whether a mode, or the class of an argument, is to be asked."""
    return bool(stack.get() or asked(relevant_args))


def has_torch_function_unary(argument: Any) -> bool:
    """Return whether a mode, or the class of an argument, is to be asked."""
    return has_torch_function((argument,))


def has_torch_function_variadic(*relevant_args: Any) -> bool:
    """Return whether a mode, or the class of an argument, is to be asked."""
    return has_torch_function(relevant_args)


def handle_torch_function(public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
    """Return what those who are to be asked make of a call of `public_api`; TypeError if none knows."""
    return dispatch(public_api, asked(relevant_args), args, kwargs)


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function so that it asks the classes of the arguments that `dispatcher` picks."""

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def asking_function(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(asking_function, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return asking_function

    return wrap


def is_tensor_like(inp: Any) -> bool:
    """Return whether something is a tensor, or has a `__torch_function__`."""
    return isinstance(inp, AbstractTensor) or hasattr(type(inp), "__torch_function__")


def get_default_nowrap_functions() -> set[Any]:
    """Return the functions whose results do not become a subclass: those of `grad`."""
    return {inherited("grad").__get__}


def get_overridable_functions() -> dict[Any, list[Any]]:
    """Return the functions and methods that ask, by the namespace they are in."""
    begin()
    spaces: dict[Any, list[Any]] = {}
    for each in NAMESPACES:
        space = import_module(f"lineal.{each}".rstrip("."))
        here = [getattr(space, name) for name in getattr(space, "__all__", ()) if name[0] != "_"]
        spaces[space] = [one for one in here if isinstance(one, Overridable)]
    spaces[Tensor] = [inherited(name) for name, each in asking().items() if type(each) is Asking]
    return spaces


def get_ignored_functions() -> set[Any]:
    """Return the functions that do not ask."""
    space = import_module("lineal")
    return {getattr(space, name) for name in IGNORED if hasattr(space, name)} | {Tensor.__new__, Tensor.as_subclass}


def get_testing_overrides() -> dict[Any, Callable[..., int]]:
    """Return a function that gives -1 for every one that asks."""
    return {each: lambda *args, **kwargs: -1 for every in get_overridable_functions().values() for each in every}


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Return whether a function is a method, or gets a property, of Tensor."""
    getter = getattr(getattr(func, "__self__", None), "fget", None)
    name = getattr(getter or func, "__name__", "")
    return getter is not None or (not isinstance(func, Overridable) and hasattr(Tensor, name) and inherited(name) == func)


def resolve_name(f: Any) -> str | None:
    """Return how PyTorch writes a function that asks, as "torch.add"; None for any other."""
    if isinstance(f, Overridable):
        return f.path
    if is_tensor_method_or_property(f):
        getter = getattr(getattr(f, "__self__", None), "fget", None)
        return f"torch.Tensor.{f.__name__}" if getter is None else f"torch.Tensor.{getter.__name__}.__get__"
    return None
