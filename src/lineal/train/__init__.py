"""Training: the `Trainer`, its metrics, callbacks and logs, and the runs of `lineal train`."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from lineal.base import later as _later

if _TYPE_CHECKING:
    from lineal.train import figures as figures
    from lineal.train.callbacks import Callback as Callback
    from lineal.train.callbacks import EarlyStopping as EarlyStopping
    from lineal.train.callbacks import KeepBest as KeepBest
    from lineal.train.config import Config as Config
    from lineal.train.logs import CSVLog as CSVLog
    from lineal.train.logs import JSONLog as JSONLog
    from lineal.train.logs import TensorBoard as TensorBoard
    from lineal.train.metrics import AUC as AUC
    from lineal.train.metrics import F1 as F1
    from lineal.train.metrics import Accuracy as Accuracy
    from lineal.train.metrics import ConfusionMatrix as ConfusionMatrix
    from lineal.train.metrics import Mean as Mean
    from lineal.train.metrics import MeanSquaredError as MeanSquaredError
    from lineal.train.metrics import Metric as Metric
    from lineal.train.metrics import Perplexity as Perplexity
    from lineal.train.progress import Bar as Bar
    from lineal.train.progress import Lines as Lines
    from lineal.train.ratefinder import find_rate as find_rate
    from lineal.train.resuming import CHECKPOINT as CHECKPOINT
    from lineal.train.seeds import over_seeds as over_seeds
    from lineal.train.step import Judged as Judged
    from lineal.train.trainer import Trainer as Trainer

# The command line asks for little of all this, and matplotlib, on which `figures` stands, may be absent.
__getattr__, __all__ = _later.names(
    __name__,
    {
        "": "figures",
        "callbacks": "Callback EarlyStopping KeepBest",
        "config": "Config",
        "metrics": "AUC F1 Accuracy ConfusionMatrix Mean MeanSquaredError Metric Perplexity",
        "logs": "CSVLog JSONLog TensorBoard",
        "progress": "Bar Lines",
        "ratefinder": "find_rate",
        "seeds": "over_seeds",
        "resuming": "CHECKPOINT",
        "step": "Judged",
        "trainer": "Trainer",
    },
)
# a namespace of its own, which cannot be imported everywhere
__all__.remove("figures")  # pyright: ignore[reportUnsupportedDunderAll]
