"""`lineal bench`: the same workloads in lineal and in whatever peers are installed, in one interleaved run."""

from lineal.bench.comparison import compared, versions
from lineal.bench.workloads import WORKLOADS

__all__ = ["WORKLOADS", "compared", "versions"]
