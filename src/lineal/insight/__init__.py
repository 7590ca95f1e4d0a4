"""Looking at models: what their layers are and cost, how they hang together, what may go wrong."""

from typing import TYPE_CHECKING

from lineal.base import later as _later

if TYPE_CHECKING:
    from lineal.insight.advice.advising import Adviser as Adviser
    from lineal.insight.advice.advising import advise as advise
    from lineal.insight.advice.steps import Advice as Advice
    from lineal.insight.advice.steps import Advices as Advices
    from lineal.insight.drawing.pictures import Drawing as Drawing
    from lineal.insight.drawing.pictures import draw as draw
    from lineal.insight.summaries import Layer as Layer
    from lineal.insight.summaries import Summary as Summary
    from lineal.insight.summaries import summary as summary

__all__ = ["Advice", "Adviser", "Advices", "Drawing", "Layer", "Summary", "advise", "draw", "summary"]

__getattr__, _names = _later.names(
    __name__,
    {
        "advice.advising": "Adviser advise",
        "advice.steps": "Advice Advices",
        "drawing.pictures": "Drawing draw",
        "summaries": "Layer Summary summary",
    },
)
