"""Parametrizations: a tensor of a module that is computed from others, anew at each reading."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar

from lineal.core import modes, no_grad
from lineal.nn.containers import ModuleDict, ModuleList
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter
from lineal.tensors import Tensor

__all__ = [
    "cached",
    "ParametrizationList",
    "register_parametrization",
    "is_parametrized",
    "remove_parametrizations",
    "type_before_parametrizations",
    "transfer_parametrizations_and_params",
]

M = TypeVar("M", bound=Module)

caching: ContextVar[bool] = ContextVar("caching", default=False)
computed: ContextVar[dict[tuple, tuple[Any, Any]] | None] = ContextVar("computed", default=None)
"""What `cached` has seen computed, by who listens, module and name; it holds these, so that nothing else gets their ids."""


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor at its first reading within the block only.

    A compiled function called within the block computes it once in each call.
    """
    if computed.get() is not None:
        yield
        return
    with modes.Setting((caching, True), (computed, {})):
        yield


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, the first one innermost, and `original`, from which it is computed.

    Where the `right_inverse` of the first one gives several tensors, they are `original0`, `original1`, … instead.
    `register_parametrization` makes it.
    """

    original: Tensor

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False):
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        with no_grad():
            new = self._undone(original)
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        news = self._checked(original, new)
        if not unsafe:
            # before anything is changed, so that a refusal leaves the original as it was
            require_same(self._applied(news), original, ("unparametrized ", "parametrized "), "`unsafe`")
        if self.is_tensor:
            # the original itself, which optimizers may know
            take(original, new)
            news = [original]
        for key, each in zip(self._keys(), news):
            hold(self, key, each)

    def _maps(self) -> list[Module]:
        """Return the parametrizations; what else may be held is parametrizations of the originals."""
        return [module for key, module in self._modules.items() if key.isdigit()]

    def _undone(self, value: Any) -> Any:
        """Return what the parametrizations make `value` of; one that cannot tell is taken for the identity."""
        for module in reversed(self._maps()):
            inverse = getattr(module, "right_inverse", None)
            if inverse is not None:
                with suppress(NotImplementedError):
                    value = inverse(value)
        if not isinstance(value, (Tensor, Sequence)):
            raise ValueError(
                f"'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got {type(value).__name__}"
            )
        return value

    def _checked(self, original: Tensor, new: Any) -> list[Any]:
        """Return what the originals are to be, as parameters if the original is one."""
        if self.is_tensor:
            for what in ("dtype", "device"):
                if getattr(original, what) != getattr(new, what):
                    raise ValueError(
                        f"When `right_inverse` outputs one tensor, it may not change the {what}.\n"
                        f"original.{what}: {getattr(original, what)}\n"
                        f"right_inverse(original).{what}: {getattr(new, what)}"
                    )
            return [new]
        for place, each in enumerate(new):
            if not isinstance(each, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                    f"Got element {place} of the sequence with type {type(each).__name__}."
                )
        wanted = original.requires_grad
        if isinstance(original, Parameter):
            return [Parameter(each, wanted) for each in new]
        return [each.requires_grad_(wanted) for each in new]

    def _keys(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{place}" for place in range(self.ntensors)]

    def _originals(self) -> list[Any]:
        return [getattr(self, key) for key in self._keys()]

    def _applied(self, originals: list[Any]) -> Any:
        first, *others = self._maps()
        x = first(*originals)
        for module in others:
            x = module(x)
        return x

    def right_inverse(self, value: Tensor) -> None:
        """Give the originals the numbers of which `value` is made; every parametrization needs a `right_inverse`."""
        with no_grad():
            for module in reversed(self._maps()):
                inverse = getattr(module, "right_inverse", None)
                if inverse is None:
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = inverse(value)
        if self.is_tensor:
            self._take_one(value)
        else:
            self._take_several(value)

    def _take_one(self, value: Any) -> None:
        if not isinstance(value, Tensor):
            raise ValueError(f"`right_inverse` should return a tensor. Got {type(value).__name__}")
        if value.dtype != self.original.dtype:
            raise ValueError(
                f"The tensor returned by `right_inverse` has dtype {value.dtype} "
                f"while `original` has dtype {self.original.dtype}"
            )
        take(self.original, value)

    def _take_several(self, values: Any) -> None:
        if not isinstance(values, Sequence):
            raise ValueError(f"'right_inverse' must return a sequence of tensors. Got {type(values).__name__}.")
        if len(values) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(values)}."
            )
        for place, (original, value) in enumerate(zip(self._originals(), values)):
            if not isinstance(value, Tensor):
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors. Got element {place} of type {type(value).__name__}."
                )
            if value.dtype != original.dtype:
                raise ValueError(
                    f"Tensor {place} returned by `right_inverse` has dtype {value.dtype} "
                    f"while `original{place}` has dtype {original.dtype}"
                )
            take(original, value)

    def forward(self) -> Any:
        return self._applied(self._originals())


def take(target: Tensor, source: Tensor) -> None:
    """Let `target` look at the numbers of `source`, whatever its shape; it stays the object that optimizers know."""
    if source is not target:
        target.data = source.detach()


def hold(module: Module, name: str, tensor: Tensor) -> None:
    """Enter a parameter or a buffer."""
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def parametrized(name: str) -> property:
    """Return the attribute of a module that is computed by the parametrizations of this name."""

    def get(module: Any) -> Any:
        listener = modes.recorder.get()
        if listener is not None:
            listener.heeds(caching)
            # the class says which tensors are parametrized
            listener.relies(module, "__class__")
            listener.saw(module.parametrizations)
        parametrizations = module.parametrizations[name]
        known, key = computed.get(), (id(listener), id(module), name)
        if known is None:
            return parametrizations()
        if key not in known:
            known[key] = (listener, module), parametrizations()
        return known[key][1]

    def put(module: Any, value: Any) -> None:
        module.parametrizations[name].right_inverse(value)

    return property(get, put)


def refuse_state(module: Module) -> NoReturn:
    """Refuse to be pickled: the class is found under no name."""
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(): "
        f"{type(module).__name__} was made at run time"
    )


def deepcopied(module: Module, memo: dict[int, Any]) -> Any:
    """Return a copy of the same class, as `copy.deepcopy` would make it of a module that has a state."""
    if id(module) not in memo:
        made = memo[id(module)] = object.__new__(type(module))
        vars(made).update(copy.deepcopy(Module.__getstate__(module), memo))
        for slot in copyreg._slotnames(type(module)):  # type: ignore[attr-defined]
            if hasattr(module, slot):
                object.__setattr__(made, slot, copy.deepcopy(getattr(module, slot), memo))
    return memo[id(module)]


def parametrized_class(base: type, names: tuple[str, ...]) -> type:
    """Return the class of the modules of class `base` with parametrizations of these names.

    A class has the properties of all its modules, so modules share it only if they are parametrized alike: then what is
    removed from one stays in its copies. It is called as PyTorch calls it, which programs print.
    """
    for each in base.__subclasses__():
        if vars(each).get("parametrized_names") == names:
            return each
    space: dict[str, Any] = {name: parametrized(name) for name in names}
    space |= {"parametrized_names": names, "__getstate__": refuse_state, "__module__": __name__, "__doc__": base.__doc__}
    if not hasattr(base, "__deepcopy__"):
        space["__deepcopy__"] = deepcopied
    return type(f"Parametrized{base.__name__}", (base,), space)


def register_parametrization(module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> M:
    """Let `module.<tensor_name>` be `parametrization` of what it was; returns the module.

    If the parametrization has a `right_inverse`, the original becomes what that makes of it, one tensor or several, and the
    attribute can be assigned to. A further one is applied to what the others make. Its training mode becomes the module's.
    ValueError if shape or dtype would change, unless `unsafe`, and if there is no parameter or buffer of this name.
    """
    parametrization.train(module.training)
    me: Any = module
    if is_parametrized(module, tensor_name):
        if not unsafe:
            require_same_space(parametrization, getattr(module, tensor_name), f"module.{tensor_name}")
        me.parametrizations[tensor_name].append(parametrization)
        me.parametrizations[tensor_name].unsafe |= unsafe
        return module
    if tensor_name not in module._buffers and tensor_name not in module._parameters:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'"
        )
    made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
    base = type_before_parametrizations(module)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        me.parametrizations = ModuleDict()
    me.parametrizations[tensor_name] = made
    module.__class__ = parametrized_class(base, tuple(me.parametrizations))
    return module


def require_same(made: Any, original: Any, names: tuple[str, str], flag: str) -> None:
    """Raise ValueError unless what a parametrization made is a tensor of the original's dtype and shape."""
    if not isinstance(made, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(made).__name__}.")
    before, after = names
    for what in ("dtype", "shape"):
        if getattr(made, what) != getattr(original, what):
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless {flag} flag is enabled.\n"
                f"{before}{what}: {getattr(original, what)}\n"
                f"{after}{what}: {getattr(made, what)}"
            )


def require_same_space(parametrization: Any, old: Tensor, name: str) -> None:
    """Raise ValueError unless a further parametrization and its `right_inverse` keep shape and dtype."""
    new = parametrization(old)
    require_same(new, old, (f"{name}.", f"parametrization({name})."), "the `unsafe`")
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        back = parametrization.right_inverse(new)
    except NotImplementedError:
        return
    if not isinstance(back, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}")
    for what in ("dtype", "shape"):
        if getattr(back, what) != getattr(old, what):
            raise ValueError(
                f"The tensor returned by parametrization.right_inverse must have the same {what} as {name}, "
                f"unless the `unsafe` flag is enabled.\n{name}.{what}: {getattr(old, what)}\n"
                f"returned {what}: {getattr(back, what)}"
            )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Return whether the tensor of this name, or any, is parametrized."""
    held = getattr(module, "parametrizations", None)
    if not isinstance(held, ModuleDict):
        return False
    return len(held) > 0 if tensor_name is None else tensor_name in held


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Let `module.<tensor_name>` be a parameter or buffer again; returns the module.

    It keeps its present numbers, or becomes the original if not `leave_parametrized`, which several originals do not allow
    (ValueError).
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    me: Any = module
    held = me.parametrizations[tensor_name]
    if held.is_tensor:
        original = held.original
        if leave_parametrized:
            with no_grad():
                take(original, getattr(module, tensor_name))
    elif leave_parametrized:
        now = getattr(module, tensor_name)
        original = Parameter(now) if now.requires_grad else now
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor "
            "that is parametrized in terms of a sequence of tensors."
        )
    base = type_before_parametrizations(module)
    del me.parametrizations[tensor_name]
    names = tuple(me.parametrizations)
    if not names:
        del me.parametrizations
    module.__class__ = parametrized_class(base, names) if names else base
    hold(module, tensor_name, original)
    return module


def type_before_parametrizations(module: Module) -> type:
    """Return the class of a module, or what it was before parametrizations changed it."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Module, to_module: M, tensor_name: str | None = None) -> M:
    """Give `to_module` the parametrizations of one module, or those of one tensor, and their originals; returns `to_module`."""
    if not is_parametrized(from_module):
        return to_module
    source: Any = from_module
    target: Any = to_module
    for name in list(source.parametrizations) if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        held = source.parametrizations[name]
        for each in held._maps():
            register_parametrization(to_module, name, each)
        for key in held._keys():
            setattr(target.parametrizations[name], key, getattr(held, key))
    return to_module
