"""`state_dict` and `load_state_dict`: a module's parameters and buffers as one flat dict of tensors."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from lineal.core import no_grad
from lineal.core.hooks import RemovableHandle
from lineal.nn.parameter import Parameter, is_lazy
from lineal.nn.traversal import Traversal
from lineal.tensors import Tensor

EXTRA = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it found but has no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"

    __str__ = __repr__


class StateDict(OrderedDict):
    """A flat dict of tensors; `_metadata` has the version of every module that wrote into it."""

    _metadata: OrderedDict

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._metadata = OrderedDict()

    def __repr__(self) -> str:
        return f"OrderedDict({list(self.items()) if self else ''})"


class ModulelessHook(NamedTuple):
    """A hook that is called without the module. No closure, so that modules can be pickled."""

    function: Callable[..., Any]

    def __call__(self, module: Any, *rest: Any) -> Any:
        """Call the hook."""
        return self.function(*rest)


class Stateful(Traversal):
    """A module tree that writes its state into a flat dict and takes it back."""

    _version: int = 1

    def get_extra_state(self) -> Any:
        """Return what besides tensors belongs to the state; override together with `set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__}: get_extra_state was reached, but is not implemented by this class")

    def set_extra_state(self, state: Any) -> None:
        """Take what `get_extra_state` returned; override together with it."""
        raise RuntimeError(f"{type(self).__name__}: set_extra_state was reached, but is not implemented by this class")

    def _has_extra_(self, method: str) -> bool:
        return getattr(type(self), method) is not getattr(Stateful, method)

    def _own_state_(self) -> Iterator[tuple[str, Any]]:
        """Yield the names and tensors of this module alone that belong to its state."""
        lasting = ((k, v) for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set)
        for name, tensor in itertools.chain(self._parameters.items(), lasting):
            if tensor is not None:
                yield name, tensor

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        for name, tensor in self._own_state_():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if self._has_extra_("get_extra_state"):
            destination[prefix + EXTRA] = self.get_extra_state()

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """Return parameters and persistent buffers by dotted name; they share memory with the module's."""
        if args:
            given: tuple[Any, ...] = (*args, *(destination, prefix, keep_vars)[len(args) :])
            destination, prefix, keep_vars = given
        if destination is None:
            destination = StateDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            replaced = hook(self, destination, prefix, metadata)
            destination = destination if replaced is None else replaced
        return destination

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take this module's own entries of `state_dict`, those below `prefix`; override for old layouts."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = dict(self._own_state_())
        assign = bool(local_metadata.get("assign_to_params_buffers"))
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                self._take_(name, tensor, state_dict[key], key, assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        if self._has_extra_("set_extra_state"):
            if prefix + EXTRA in state_dict:
                self.set_extra_state(state_dict[prefix + EXTRA])
            elif strict:
                missing_keys.append(prefix + EXTRA)
        elif strict and prefix + EXTRA in state_dict:
            unexpected_keys.append(prefix + EXTRA)
        if strict:
            known = {*own, EXTRA}
            below = (key for key in state_dict if key.startswith(prefix))
            unexpected_keys.extend(key for key in below if not self._knows_(key[len(prefix) :], known))

    def _knows_(self, rest: str, known: set[str]) -> bool:
        first, dot, _ = rest.partition(".")
        return first in self._modules if dot else rest in known

    def _take_(self, name: str, tensor: Any, given: Any, key: str, assign: bool, error_msgs: list[str]) -> None:
        """Copy (or with `assign`, put) the tensor `given` into the member `name`; a refusal goes to `error_msgs`."""
        if not isinstance(given, Tensor):
            error_msgs.append(
                f'While copying the parameter named "{key}", expected a Tensor from checkpoint but received {type(given)}'
            )
        elif not is_lazy(tensor) and given.shape != tensor.shape:
            error_msgs.append(
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
        elif not assign:
            if not is_lazy(tensor):
                if tensor.is_meta and not given.is_meta:
                    warnings.warn(
                        f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current "
                        "model, which is a no-op. (Did you mean to pass `assign=True` to assign items in the state dictionary "
                        "to their corresponding key in the module instead of copying them in place?)",
                        stacklevel=2,
                    )
                with no_grad():
                    tensor.copy_(given)
        elif isinstance(tensor, Parameter) and not isinstance(given, Parameter):
            setattr(self, name, Parameter(given, tensor.requires_grad))
        else:
            setattr(self, name, given)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> IncompatibleKeys:
        """Copy the tensors of `state_dict` into this module tree; returns the missing and the unexpected keys.

        RuntimeError lists everything that does not fit: shapes always, keys too when `strict`. `assign` takes the given
        tensors themselves instead of their numbers.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: expected state_dict to be dict-like, got {type(state_dict)}.")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", {})
        self._load_tree_(OrderedDict(state_dict), "", metadata, (missing, unexpected, errors), assign)
        if strict:
            if unexpected:
                errors.insert(0, f"Unexpected key(s) in state_dict: {', '.join(map(quoted, unexpected))}. ")
            if missing:
                errors.insert(0, f"Missing key(s) in state_dict: {', '.join(map(quoted, missing))}. ")
        if errors:
            raise RuntimeError("\n\t".join((f"Error(s) in loading state_dict for {type(self).__name__}:", *errors)))
        return IncompatibleKeys(missing, unexpected)

    def _load_tree_(self, state: dict, prefix: str, metadata: Any, findings: tuple, assign: bool) -> None:
        missing, unexpected, errors = findings
        local = dict(metadata.get(prefix[:-1], {}))
        if assign:
            local["assign_to_params_buffers"] = True
        # Missing and unexpected keys are reported also without `strict`; it only decides whether they are errors.
        self._load_from_state_dict(state, prefix, local, True, missing, unexpected, errors)
        for name, module in self._modules.items():
            if module is not None:
                below = {key: value for key, value in state.items() if key.startswith(f"{prefix}{name}.")}
                module._load_tree_(below, f"{prefix}{name}.", metadata, findings, assign)
        keys = IncompatibleKeys(missing, unexpected)
        for hook in self._load_state_dict_post_hooks.values():
            if hook(self, keys) is not None:
                raise RuntimeError(
                    "register_load_state_dict_post_hook: expected the hook to return None and change the keys in place"
                )

    def register_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict()`."""
        return self._state_dict_pre_hooks.add(hook)

    def register_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after `state_dict()`, to change the dict."""
        return self._state_dict_hooks.add(hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call `hook` with the module and the arguments of `_load_from_state_dict` before loading."""
        return self._load_state_dict_pre_hooks.add(hook)

    def _register_load_state_dict_pre_hook(self, hook: Callable[..., None], with_module: bool = False) -> RemovableHandle:
        """Call `hook`, with the module first only if `with_module`, as `register_load_state_dict_pre_hook` does."""
        return self._load_state_dict_pre_hooks.add(hook if with_module else ModulelessHook(hook))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after `state_dict()`; it may return another dict."""
        return self._state_dict_hooks.add(hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may empty the lists in place."""
        return self._load_state_dict_post_hooks.add(hook)


def quoted(key: str) -> str:
    """Return the key in double quotes."""
    return f'"{key}"'
