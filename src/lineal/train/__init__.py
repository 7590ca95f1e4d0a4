"""Training runs as a whole: the run of `lineal train` on the handwritten digits."""

from typing import TYPE_CHECKING

import lazy_loader

from lineal.train.experiment import CHECKPOINT, Experiment
from lineal.train.options import OPTIMIZERS, Options
from lineal.train.scores import Scores, confusion_matrix, evaluate

__all__ = ["CHECKPOINT", "OPTIMIZERS", "Experiment", "Options", "Scores", "confusion_matrix", "evaluate", "figures"]

if TYPE_CHECKING:
    from lineal.train import figures

# matplotlib is slow to import and may be absent, so `figures` comes when it is first asked for.
__getattr__, _, _ = lazy_loader.attach(__name__, submodules=["figures"])
