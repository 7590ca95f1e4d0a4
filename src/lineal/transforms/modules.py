"""Modules as functions of their parameters. A module is anything with `_parameters`, `_buffers` and `_modules`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, enable_grad
from lineal.ops.structural.stacking import stack

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]

R = TypeVar("R")
M = TypeVar("M")

ABSENT = object()
"""Stands for a tensor that a module does not have."""


def functional_call(
    module: Callable[..., R],
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> R:
    """Return `module(*args, **kwargs)` with the named parameters and buffers in place of its own, which stay as they are.

    With `tie_weights`, a tensor that stands under several names is replaced under all; with `strict`, every name must be given
    and be the module's. A buffer that the module assigned anew is found in the dict afterwards.
    """
    given = parameter_and_buffer_dicts
    if isinstance(given, (list, tuple)) and all(isinstance(each, dict) for each in given):
        given = merged(given)
    elif not isinstance(given, dict):
        raise ValueError(
            f"functional_call: Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, "
            f"but got {type(given)}"
        )
    if not hasattr(module, "_parameters"):
        raise TypeError(f"functional_call: expected a module, got {type(module).__name__}")
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with replaced(module, given, tie_weights, strict):
        return module(*arguments, **(kwargs or {}))


def merged(dicts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return several dicts as one; ValueError if a name is in two."""
    given: dict[str, Any] = {}
    for each in dicts:
        if given.keys() & each.keys():
            raise ValueError(f"functional_call: {sorted(given.keys() & each.keys())} appear in multiple dictionaries")
        given.update(each)
    return given


@contextmanager
def replaced(module: Any, given: dict[str, Any], tie: bool, strict: bool) -> Iterator[None]:
    """Let the tensors of a module be those given, within the block."""
    own = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers(remove_duplicate=False))}
    targets = tied(own, given) if tie else dict(given)
    unknown, missing = targets.keys() - own.keys(), own.keys() - targets.keys()
    if strict and (unknown or missing):
        raise RuntimeError(f"functional_call: Missing key(s): {sorted(missing)}, unexpected key(s): {sorted(unknown)}")
    before: list[tuple[str, Any]] = []
    try:
        for name, tensor in targets.items():
            before.append((name, swapped(module, name, tensor)))
        yield
    finally:
        after = {name: swapped(module, name, tensor) for name, tensor in reversed(before)}
        given.update({name: after[name] for name in given if name in after})


def tied(own: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return what is given, also under the other names of the tensors that it replaces."""
    names: dict[int, list[str]] = {}
    for name, tensor in own.items():
        names.setdefault(id(tensor), []).append(name)
    targets = dict(given)
    for group in names.values():
        news = {id(given[name]): given[name] for name in group if name in given}
        if len(news) > 1:
            raise ValueError(
                f"functional_call: got multiple values for keys {[name for name in group if name in given]}, which are tied; "
                "consider using tie_weights=False"
            )
        targets.update({name: new for new in news.values() for name in group})
    return targets


def swapped(module: Any, name: str, tensor: Any) -> Any:
    """Put a tensor under a dotted name into a module, or take out what is there (`ABSENT`); return what was there before."""
    *path, key = name.split(".")
    if not key:
        raise KeyError(f"functional_call: tensor name can't be empty, got {name!r}")
    if tensor is not ABSENT and tensor is not None and not isinstance(tensor, AbstractTensor):
        raise TypeError(f"functional_call: {name} is {tensor!r}, not an instance of Tensor")
    for part in path:
        if part not in module._modules:
            raise AttributeError(f"functional_call: {type(module).__name__} has no submodule {part!r}, which {name!r} names")
        module = module._modules[part]
    table = next((each for each in (module._parameters, module._buffers) if key in each), None)
    if table is not None:
        before, table[key] = table[key], tensor
        return before
    before = getattr(module, key, ABSENT)
    if before is not ABSENT and before is not None and not isinstance(before, AbstractTensor):
        raise TypeError(f"functional_call: attribute {name} is {type(before).__name__}, not an instance of Tensor")
    if tensor is ABSENT:
        delattr(module, key)
    else:
        setattr(module, key, tensor)
    return before


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the parameters and the buffers of models of one architecture, stacked under their names, to be mapped over."""
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0")
    if any(type(each) is not type(models[0]) for each in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class")
    parameters = {}
    for name, first in models[0].named_parameters():
        with enable_grad():
            joined = stack([dict(each.named_parameters())[name] for each in models]).detach()
        parameters[name] = joined.requires_grad_(first.requires_grad)
    buffers = {name: stack([dict(each.named_buffers())[name] for each in models]) for name, _ in models[0].named_buffers()}
    return parameters, buffers


def replace_all_batch_norm_modules_(root: M) -> M:
    """Let no batch norm in `root` keep running statistics any more, which vmap could not write; return `root`."""
    for module in root.modules():  # type: ignore[attr-defined]
        if getattr(module, "track_running_stats", False) and "Batch" in type(module).__name__:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
