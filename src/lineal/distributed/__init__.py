"""Processes that compute together, as in `torch.distributed`: collectives, messages, groups.

The processes of one machine share memory; those of several, or of `mpirun`, use MPI. Both compute the same bits.
"""

from lineal.distributed.backends import *
from lineal.distributed.backends import __all__ as _backends
from lineal.distributed.collectives import *
from lineal.distributed.collectives import __all__ as _collectives
from lineal.distributed.exchanging import *
from lineal.distributed.exchanging import __all__ as _exchanging
from lineal.distributed.groups import *
from lineal.distributed.groups import __all__ as _groups
from lineal.distributed.meshes import *
from lineal.distributed.meshes import __all__ as _meshes
from lineal.distributed.messages import *
from lineal.distributed.messages import __all__ as _messages
from lineal.distributed.objects import *
from lineal.distributed.objects import __all__ as _objects
from lineal.distributed.reducing import ReduceOp, _make_nccl_premul_sum, reduce_op
from lineal.distributed.starting import init_process_group
from lineal.distributed.stores import *
from lineal.distributed.stores import __all__ as _stores
from lineal.distributed.work import Work

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    *_backends,
    "init_process_group",
    *_groups,
    "ReduceOp",
    "reduce_op",
    *_collectives,
    *_exchanging,
    *_messages,
    *_objects,
    *_meshes,
    *_stores,
    "Work",
]
