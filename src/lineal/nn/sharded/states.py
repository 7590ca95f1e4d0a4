"""The state of a model and its optimizer by the names of parameters: whole, or as parts that know what they are parts of.

So a run goes on with another number of ranks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lineal.core import no_grad
from lineal.distributed import get_rank
from lineal.nn.module import Module
from lineal.nn.sharded.sharding import ShardedParameter, ShardedTensor
from lineal.tensors import Tensor

__all__ = [
    "StateDictOptions",
    "get_model_state_dict",
    "get_optimizer_state_dict",
    "get_state_dict",
    "set_model_state_dict",
    "set_optimizer_state_dict",
    "set_state_dict",
]


class StateDictOptions(NamedTuple):
    """Whether tensors are to be whole, then whether the first rank alone is to have them; whether names must be the same."""

    full_state_dict: bool = False
    cpu_offload: bool = False
    strict: bool = True


def outside(x: Any, options: StateDictOptions, sharded: ShardedTensor | None) -> Any:
    """Return a tensor of a state as it is given out."""
    if sharded is None:
        return x
    return sharded.full_tensor() if options.full_state_dict else sharded


def inside(given: Any, own: ShardedParameter | None) -> Any:
    """Return this rank's part of what was given out, of a tensor that is cut as a parameter is."""
    if isinstance(given, ShardedTensor):
        return given.local
    fits = own is not None and isinstance(given, Tensor) and tuple(given.shape) == own.sharding.shape
    return own.sharding.part(given) if fits else given  # type: ignore[union-attr]


def kept(found: dict[str, Any], options: StateDictOptions) -> dict[str, Any]:
    """Return a state where it is to be had: whole tensors off the device are the first rank's alone."""
    return {} if options.full_state_dict and options.cpu_offload and get_rank() else found


def get_model_state_dict(model: Module, *, submodules: Any = None, options: StateDictOptions | None = None) -> dict[str, Any]:
    """Return the parameters and buffers of a model by their names; all ranks call this.

    Of sharded parameters it has a `ShardedTensor`, or the whole tensor with `full_state_dict`, on all ranks, or with
    `cpu_offload` on the first; others then get an empty dict.
    """
    asked = options or StateDictOptions()
    found = {}
    for name, x in model.state_dict(keep_vars=True).items():
        sharded = ShardedTensor(x.detach(), x.sharding) if isinstance(x, ShardedParameter) else None
        found[name] = outside(x.detach() if isinstance(x, Tensor) else x, asked, sharded)
    return kept(found, asked)


def set_model_state_dict(model: Module, model_state_dict: dict[str, Any], *, options: StateDictOptions | None = None) -> Any:
    """Let a model have what `get_model_state_dict` gave, of any number of ranks; return what was missing or too much."""
    asked = options or StateDictOptions()
    own = model.state_dict(keep_vars=True)
    mine = {}
    for name, given in model_state_dict.items():
        x = own.get(name)
        mine[name] = inside(given, x if isinstance(x, ShardedParameter) else None)
    return model.load_state_dict(mine, strict=asked.strict)


def names_of(model: Module) -> dict[int, str]:
    """Return the names of parameters, by identity."""
    return {id(x): name for name, x in model.named_parameters()}


def entries(optimizer: Any, names: dict[int, str]) -> Iterator[tuple[str, Any]]:
    """Yield the names and parameters of an optimizer, in the order of its groups."""
    for group in optimizer.param_groups:
        for x in group["params"]:
            if id(x) not in names:
                raise ValueError(f"state_dict: {type(optimizer).__name__} has a parameter that the model has not")
            yield names[id(x)], x


def get_optimizer_state_dict(
    model: Module, optimizers: Any, *, submodules: Any = None, options: StateDictOptions | None = None
) -> dict[str, Any]:
    """Return state and groups of an optimizer, with the names of parameters instead of numbers; all ranks call this.

    What has the shape of a sharded parameter's part is cut as the parameter is. See `get_model_state_dict`.
    """
    asked, names = options or StateDictOptions(), names_of(model)
    state = {}
    for name, x in entries(optimizers, names):
        if x not in optimizers.state:
            continue
        state[name] = {}
        for key, value in optimizers.state[x].items():
            cut = isinstance(x, ShardedParameter) and isinstance(value, Tensor) and value.shape == x.shape
            state[name][key] = outside(value, asked, ShardedTensor(value, x.sharding) if cut else None)
    groups = [{**group, "params": [names[id(x)] for x in group["params"]]} for group in optimizers.param_groups]
    return kept({"state": state, "param_groups": groups}, asked)


def set_optimizer_state_dict(
    model: Module, optimizers: Any, optim_state_dict: dict[str, Any], *, options: StateDictOptions | None = None
) -> dict[str, Any]:
    """Let an optimizer have the state that `get_optimizer_state_dict` gave, of any number of ranks; return it by numbers.

    KeyError names a parameter of the optimizer that was in none of the groups.
    """
    places = list(entries(optimizers, names_of(model)))
    numbers = {name: number for number, (name, _) in enumerate(places)}
    options_of = {name: group for group in optim_state_dict["param_groups"] for name in group["params"]}
    groups = []
    for own in optimizers.param_groups:
        names = [name for name, x in places if any(x is each for each in own["params"])]
        groups.append({**own, **options_of[names[0]], "params": [numbers[name] for name in names]} if names else own)
    state = {}
    for name, x in places:
        sharded = x if isinstance(x, ShardedParameter) else None
        if name in optim_state_dict["state"]:
            values = optim_state_dict["state"][name]
            state[numbers[name]] = {key: inside(value, sharded) for key, value in values.items()}
    mine = {"state": state, "param_groups": groups}
    with no_grad():
        optimizers.load_state_dict(mine)
    return mine


def get_state_dict(
    model: Module, optimizers: Any, *, submodules: Any = None, options: StateDictOptions | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state of a model and that of its optimizer."""
    return get_model_state_dict(model, options=options), get_optimizer_state_dict(model, optimizers, options=options)


def set_state_dict(
    model: Module,
    optimizers: Any,
    *,
    model_state_dict: dict[str, Any],
    optim_state_dict: dict[str, Any],
    options: StateDictOptions | None = None,
) -> Any:
    """Let a model and its optimizer have what `get_state_dict` gave; return what was missing or too much of the model's."""
    found = set_model_state_dict(model, model_state_dict, options=options)
    set_optimizer_state_dict(model, optimizers, optim_state_dict, options=options)
    return found
