"""Systems that are spread over processes."""

from lineal.solvers.distributed.factors import tsqr
from lineal.solvers.distributed.rows import DistributedCSR
from lineal.solvers.distributed.schwarz import schwarz
from lineal.solvers.distributed.spaces import RowSpace

__all__ = ["DistributedCSR", "RowSpace", "schwarz", "tsqr"]
