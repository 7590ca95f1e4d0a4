"""Modules whose parameters are spread over processes: `torch.distributed.fsdp`."""

from lineal.nn.sharded.sharding import ShardedParameter, ShardedTensor
from lineal.nn.sharded.units import MixedPrecisionPolicy
from lineal.nn.sharded.wrapping import FullyShardedDataParallel, ModuleWrapPolicy, ShardingStrategy, StateDictType, fully_shard

__all__ = [
    "FullyShardedDataParallel",
    "MixedPrecision",
    "MixedPrecisionPolicy",
    "ModuleWrapPolicy",
    "ShardedParameter",
    "ShardedTensor",
    "ShardingStrategy",
    "StateDictType",
    "fully_shard",
]

MixedPrecision = MixedPrecisionPolicy
