"""Modules as functions of their parameters. A module is anything with `_parameters`, `_buffers` and `_modules`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lineal.core import enable_grad
from lineal.ops.structural.stacking import stack

__all__ = ["functional_call", "stack_module_state"]


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Return `module(*args, **kwargs)` with the named parameters and buffers in place of its own, which stay as they are.

    With `tie_weights`, a tensor that stands under several names is replaced under all; with `strict`, every name must be given.
    """
    given: dict[str, Any] = {}
    several = not isinstance(parameter_and_buffer_dicts, dict)
    for each in parameter_and_buffer_dicts if several else [parameter_and_buffer_dicts]:
        if given.keys() & each.keys():
            raise ValueError(f"functional_call: {sorted(given.keys() & each.keys())} appear in multiple dictionaries")
        given.update(each)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with replaced(module, given, tie_weights, strict):
        return module(*arguments, **(kwargs or {}))


@contextmanager
def replaced(module: Any, given: dict[str, Any], tie: bool, strict: bool) -> Iterator[None]:
    """Let the tensors of a module be those given, within the block."""
    own = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers(remove_duplicate=False))}
    unknown, missing = given.keys() - own.keys(), own.keys() - given.keys()
    if strict and (unknown or missing):
        raise RuntimeError(f"functional_call: Missing key(s): {sorted(missing)}, unexpected key(s): {sorted(unknown)}")
    if unknown:
        raise AttributeError(f"functional_call: the module has no parameter or buffer {sorted(unknown)}")
    targets = dict(given)
    if tie:
        news = {id(own[name]): new for name, new in given.items()}
        targets.update({name: news[id(old)] for name, old in own.items() if id(old) in news and name not in given})
    before = [(*place_of(module, name), name) for name in targets]
    try:
        for table, key, name in before:
            table[key] = targets[name]
        yield
    finally:
        for table, key, name in before:
            table[key] = own[name]


def place_of(module: Any, name: str) -> tuple[dict[str, Any], str]:
    """Return the table and the key under which a module holds the tensor of a dotted name."""
    *path, key = name.split(".")
    for part in path:
        module = module._modules[part]
    return (module._parameters if key in module._parameters else module._buffers), key


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
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
