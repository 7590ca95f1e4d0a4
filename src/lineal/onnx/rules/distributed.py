"""What other processes have computed: a file of ONNX knows of none."""

from __future__ import annotations

from lineal.distributed.performing import Collective
from lineal.distributed.scattering import ExchangeOverRanks, GatherOverRanks, MeanOverRanks
from lineal.distributed.summing import CopyToRanks, SumOverRanks, TotalOverRanks
from lineal.onnx.rules.table import no_export

__all__: list[str] = []

MOVES = (ExchangeOverRanks, GatherOverRanks, MeanOverRanks)
SUMS = (CopyToRanks, SumOverRanks, TotalOverRanks)

no_export("a file knows no other processes", Collective, *MOVES, *SUMS)
