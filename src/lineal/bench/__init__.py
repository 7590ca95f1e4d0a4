"""`lineal bench`: the same workloads in lineal and in whatever peers are installed, in one interleaved run."""

from typing import TYPE_CHECKING

from lineal.base import later
from lineal.bench.workloads import WORKLOADS

if TYPE_CHECKING:
    from lineal.bench.comparison import compared, versions

__all__ = ["WORKLOADS", "compared", "versions"]

# the peers take seconds to import where they are installed, and the other commands need the names of the workloads alone
__getattr__, _ = later.names(__name__, {"comparison": "compared versions"})
