"""Processes that compute together, as in `torch.distributed`: a group of one process, in which collectives are exact.

More processes are refused when the group is formed, so that nothing is summed up over processes that nobody has started.
"""

from lineal.distributed.collectives import *
from lineal.distributed.collectives import __all__ as _collectives
from lineal.distributed.groups import *
from lineal.distributed.groups import __all__ as _groups
from lineal.distributed.objects import *
from lineal.distributed.objects import __all__ as _objects

__all__ = [*_groups, *_collectives, *_objects]  # pyright: ignore[reportUnsupportedDunderAll]
