"""`fully_shard` and `FullyShardedDataParallel`: which modules are units, and what is asked of them from outside."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from lineal.base.errors import UnsupportedError
from lineal.base.signatures import Tensor
from lineal.core import no_grad
from lineal.distributed import ProcessGroup
from lineal.distributed.coalescing import broadcast_all
from lineal.distributed.groups import require_group
from lineal.nn.module import Module
from lineal.nn.sharded.states import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from lineal.nn.sharded.units import MixedPrecisionPolicy, Unit, sharded_slots
from lineal.nn.utils import clip_grad_norm_

__all__ = ["FullyShardedDataParallel", "ModuleWrapPolicy", "ShardingStrategy", "StateDictType", "fully_shard", "units_of"]

M = TypeVar("M", bound=Module)
UNIT = "_sharded_unit_"
"""The attribute by which a module knows its unit."""


def fully_shard(
    module: M,
    *,
    mesh: Any = None,
    reshard_after_forward: bool | int | None = None,
    shard_placement_fn: Callable[..., Any] | None = None,
    mp_policy: MixedPrecisionPolicy | None = None,
    offload_policy: Any = None,
    ignored_params: Iterable[Tensor] | None = None,
) -> M:
    """Spread the parameters of a module over the ranks, in place, and return it: each keeps some rows of each.

    A call gathers the whole parameters by one message, and gives them up after it, unless `reshard_after_forward` is False;
    backward gathers them again, and leaves in each part's `grad` the mean over the ranks. Submodules that were sharded before
    travel by themselves. `mesh` is a group, or a mesh of one dimension. All ranks have the same parameters. Optimizers are made
    afterwards, of the parts; those that look at all elements of a parameter at once are refused. ValueError for parameters
    without dimensions or if no group was formed, UnsupportedError for a shard_placement_fn.
    """
    if shard_placement_fn is not None:
        raise UnsupportedError("fully_shard: parameters are cut along their first dimension; leave shard_placement_fn out")
    if getattr(module, UNIT, None) is not None:
        raise ValueError(f"fully_shard: {type(module).__name__} has been sharded already")
    group = require_group(mesh.get_group() if hasattr(mesh, "get_group") else mesh)
    slots = sharded_slots(module, group, {id(each) for each in ignored_params or ()})
    frees = reshard_after_forward is None or bool(reshard_after_forward)
    setattr(module, UNIT, Unit(module, slots, mp_policy or MixedPrecisionPolicy(), frees))
    return module


def units_of(module: Module) -> list[Unit]:
    """Return the units of a module and of all below it."""
    return [getattr(each, UNIT) for each in module.modules() if getattr(each, UNIT, None) is not None]


class ShardingStrategy(enum.Enum):
    """How much is spread: all (FULL_SHARD), or all but the parameters between forward and backward pass (SHARD_GRAD_OP)."""

    FULL_SHARD, SHARD_GRAD_OP, NO_SHARD, HYBRID_SHARD, _HYBRID_SHARD_ZERO2 = range(1, 6)


class StateDictType(enum.Enum):
    """What `state_dict` gives: whole tensors, this rank's parts as they are, or parts that know what they are parts of."""

    FULL_STATE_DICT, LOCAL_STATE_DICT, SHARDED_STATE_DICT = range(1, 4)


class ModuleWrapPolicy:
    """The policy by which modules of these classes are units."""

    def __init__(self, module_classes: Iterable[type[Module]]):
        self.classes = tuple(module_classes)

    def __call__(self, module: Module, recurse: bool, nonwrapped_numel: int = 0, **given: Any) -> bool:
        return recurse or isinstance(module, self.classes)


class FullyShardedDataParallel(Module):
    """Call `module`, which it holds under this name, with its parameters spread over the ranks: see `fully_shard`.

    `auto_wrap_policy(module=, recurse=, nonwrapped_numel=)` says which submodules are units of their own; without one, all is
    one. With `sync_module_states`, all ranks begin with the parameters and buffers of the first. `state_dict` has the whole
    tensors unless `state_dict_type` says otherwise. UnsupportedError for the strategies NO_SHARD and HYBRID_SHARD.
    """

    _kind_ = StateDictType.FULL_STATE_DICT

    def __init__(
        self,
        module: Module,
        process_group: ProcessGroup | None = None,
        sharding_strategy: ShardingStrategy | None = None,
        cpu_offload: Any = None,
        auto_wrap_policy: Callable[..., bool] | None = None,
        backward_prefetch: Any = None,
        mixed_precision: MixedPrecisionPolicy | None = None,
        ignored_modules: Iterable[Module] | None = None,
        param_init_fn: Callable[[Module], Any] | None = None,
        device_id: Any = None,
        sync_module_states: bool = False,
        forward_prefetch: bool = False,
        limit_all_gathers: bool = True,
        use_orig_params: bool = True,
        ignored_states: Iterable[Tensor] | None = None,
        device_mesh: Any = None,
    ):
        super().__init__()
        strategy = sharding_strategy or ShardingStrategy.FULL_SHARD
        if strategy not in (ShardingStrategy.FULL_SHARD, ShardingStrategy.SHARD_GRAD_OP):
            raise UnsupportedError(f"FullyShardedDataParallel: {strategy}: use DistributedDataParallel, or FULL_SHARD")
        if sync_module_states:
            broadcast_all([*module.parameters(), *module.buffers()], process_group)
        ignored = [*(ignored_states or ()), *(x for each in ignored_modules or () for x in each.parameters())]
        options: dict[str, Any] = {
            "mesh": process_group if device_mesh is None else device_mesh,
            "reshard_after_forward": strategy is ShardingStrategy.FULL_SHARD,
            "mp_policy": mixed_precision,
            "ignored_params": ignored,
        }
        if auto_wrap_policy is not None:
            wrapped(module, auto_wrap_policy, {id(each) for each in ignored}, options)
        self._fsdp_wrapped_module = fully_shard(module, **options)

    @property
    def module(self) -> Module:
        """The module that is called."""
        return self._fsdp_wrapped_module

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("_fsdp_wrapped_module"), name)

    def __getitem__(self, key: Any) -> Any:
        return self._fsdp_wrapped_module[key]  # type: ignore[index]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._fsdp_wrapped_module(*args, **kwargs)

    def clip_grad_norm_(self, max_norm: float, norm_type: float = 2.0) -> Tensor:
        """Scale the grads so that their norm, of all ranks together, is at most `max_norm`; return the norm before."""
        return clip_grad_norm_(self.parameters(), max_norm, norm_type)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Add gradients up within the block. They are averaged all the same: no rank has room for those of all parameters."""
        yield

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the state of the module, under its own names; all ranks call this."""
        if self._kind_ is StateDictType.LOCAL_STATE_DICT:
            return self.module.state_dict(*args, **kwargs)
        full = self._kind_ is StateDictType.FULL_STATE_DICT
        return get_model_state_dict(self.module, options=StateDictOptions(full_state_dict=full))

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Take what `state_dict` has given, on any number of ranks."""
        return set_model_state_dict(self.module, state_dict, options=StateDictOptions(strict=strict))

    @classmethod
    @contextlib.contextmanager
    def state_dict_type(
        cls, module: Module, state_dict_type: StateDictType, state_dict_config: Any = None, optim_state_dict_config: Any = None
    ) -> Iterator[None]:
        """Within the block, let `state_dict` give what is asked for."""
        before = [(each, each._kind_) for each in module.modules() if isinstance(each, cls)]
        for each, _ in before:
            each._kind_ = state_dict_type
        try:
            yield
        finally:
            for each, kind in before:
                each._kind_ = kind

    @classmethod
    @contextlib.contextmanager
    def summon_full_params(cls, module: Module, recurse: bool = True, writeback: bool = True, **given: Any) -> Iterator[None]:
        """Let the module have its whole parameters within the block; with `writeback`, what is written there stays."""
        with contextlib.ExitStack() as stack, no_grad():
            held = [(unit, stack.enter_context(unit.whole())) for unit in units_of(module)]
            yield
            for unit, wholes in held if writeback else ():
                for slot, each in zip(unit.slots, wholes):
                    slot.parameter.copy_(slot.parameter.sharding.part(each))

    @staticmethod
    def optim_state_dict(model: Module, optim: Any, optim_state_dict: Any = None, group: Any = None) -> dict[str, Any]:
        """Return the whole state of an optimizer, by the names of parameters; all ranks call this."""
        return get_optimizer_state_dict(inner(model), optim, options=StateDictOptions(full_state_dict=True))

    full_optim_state_dict = optim_state_dict

    @staticmethod
    def optim_state_dict_to_load(model: Module, optim: Any, optim_state_dict: dict[str, Any], **given: Any) -> dict[str, Any]:
        """Return the state by names as `optim.load_state_dict` takes it on this rank."""
        return set_optimizer_state_dict(inner(model), optim, optim_state_dict)


def inner(model: Module) -> Module:
    """Return the module that stands in a wrapper."""
    return model.module if isinstance(model, FullyShardedDataParallel) else model


def wrapped(module: Module, policy: Callable[..., bool], ignored: set[int], options: dict[str, Any]) -> None:
    """Let submodules be units of their own, the innermost first, where a policy says so."""
    for each in module.children():
        count = sum(x.numel() for x in each.parameters() if id(x) not in ignored)
        if policy(module=each, recurse=True, nonwrapped_numel=count):
            wrapped(each, policy, ignored, options)
        if getattr(each, UNIT, None) is None and policy(module=each, recurse=False, nonwrapped_numel=count):
            fully_shard(each, **options)
