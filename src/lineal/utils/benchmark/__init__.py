"""Measuring short pieces of code, as in `torch.utils.benchmark`."""

from lineal.utils.benchmark.comparison import Compare
from lineal.utils.benchmark.measurement import Measurement, TaskSpec
from lineal.utils.benchmark.timer import Timer

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer"]
