"""What a module holds: parameters, buffers and submodules, entered by assigning them as attributes."""

from __future__ import annotations

from typing import Any

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor
from lineal.core.modes import Structure
from lineal.nn.handles import HookTable, Members, replaced
from lineal.nn.parameter import Buffer, Parameter

HOOK_TABLES = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
    "_state_dict_pre_hooks",
    "_state_dict_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)
_MEMBERS = ("_parameters", "_buffers", "_modules")


class Registry:
    """An object that sorts the parameters, buffers and submodules assigned to it into tables of their own."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, AbstractTensor | None]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]

    call_super_init: bool = False
    """Whether the arguments of `Module.__init__` are for the next class of several, which is none of modules."""
    dump_patches: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if (args or kwargs) and not self.call_super_init:
            wrong = f"got an unexpected keyword argument '{next(iter(kwargs), '')}'"
            wrong = wrong if kwargs else f"takes 1 positional argument but {len(args) + 1} were given"
            raise TypeError(f"{type(self).__name__}.__init__() {wrong}")
        put = super().__setattr__
        put("training", True)
        for name in _MEMBERS:
            put(name, Members())
        put("_non_persistent_buffers_set", set())
        for name in HOOK_TABLES:
            put(name, HookTable())
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for table in _MEMBERS:
            if table in own and name in own[table]:
                return own[table][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        Structure.changes += 1
        own, given = self.__dict__, value
        if isinstance(value, Parameter):
            self._vacate_(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Registry):
            self._vacate_(name, "_modules")
            own["_modules"][name] = replaced("module", self, name, value)
        elif name in own.get("_parameters", ()):
            self.register_parameter(name, value)
        elif name in own.get("_modules", ()):
            self._require_(value is None, "submodule", name, "a Module or None", value)
            own["_modules"][name] = replaced("module", self, name, value)
        elif isinstance(value, Buffer):
            self.register_buffer(name, given, given.persistent)
        elif name in own.get("_buffers", ()):
            self._require_(value is None or isinstance(value, AbstractTensor), "buffer", name, "a Tensor or None", value)
            own["_buffers"][name] = replaced("buffer", self, name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        Structure.changes += 1
        for table in _MEMBERS:
            if name in self.__dict__.get(table, ()):
                del self.__dict__[table][name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    def __getstate__(self) -> dict[str, Any]:
        # a program calls the module that it was made of
        return {name: value for name, value in self.__dict__.items() if name != "_compiled_call_impl"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        own = self.__dict__
        own.update(state)
        # files, and modules that were made elsewhere, have plain dicts
        own.update((name, Members(own.get(name, ()))) for name in _MEMBERS if type(own.get(name)) is not Members)
        own.update((name, HookTable(own.get(name, ()))) for name in HOOK_TABLES if type(own.get(name)) is not HookTable)

    def _vacate_(self, name: str, kept: str) -> None:
        """Forget what else is called `name`, because a member of the table `kept` is about to take the name."""
        own = self.__dict__
        if kept not in own:
            what = "module" if kept == "_modules" else "parameters"
            raise AttributeError(f"{type(self).__name__}: cannot assign {what} before Module.__init__() call")
        for table in (own, *(own[each] for each in _MEMBERS if each != kept)):
            table.pop(name, None)
        own["_non_persistent_buffers_set"].discard(name)

    def _require_(self, holds: bool, kind: str, name: str, expected: str, value: Any) -> None:
        if not holds:
            raise TypeError(
                f"{type(self).__name__}: cannot assign {kind} {name!r}: expected {expected}, got {type(value).__name__}"
            )

    def _check_name_(self, kind: str, name: Any, table: str) -> None:
        """Refuse a name that is no string, is empty or dotted, or belongs to something else."""
        if table not in self.__dict__:
            raise AttributeError(f"{type(self).__name__}: cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string, got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got {name!r}')
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[table]:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Enter a parameter (or the empty place for one) under `name`."""
        self._check_name_("parameter", name, "_parameters")
        self._require_(param is None or isinstance(param, Parameter), "parameter", name, "a Parameter or None", param)
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"{type(self).__name__}: cannot assign a computed tensor to parameter {name!r}: a parameter is a leaf; "
                "compute from it in forward() instead"
            )
        Structure.changes += 1
        self._parameters[name] = None if param is None else replaced("parameter", self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Enter a tensor that belongs to the state but is not learnt; only a persistent one is in `state_dict()`."""
        self._check_name_("buffer", name, "_buffers")
        self._require_(tensor is None or isinstance(tensor, AbstractTensor), "buffer", name, "a Tensor or None", tensor)
        self._buffers[name] = replaced("buffer", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Any) -> None:
        """Enter a submodule (or the empty place for one) under `name`."""
        if not isinstance(module, Registry) and module is not None:
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name_("module", name, "_modules")
        self._modules[name] = replaced("module", self, name, module)

    def register_module(self, name: str, module: Any) -> None:
        """Do what `add_module` does."""
        self.add_module(name, module)
