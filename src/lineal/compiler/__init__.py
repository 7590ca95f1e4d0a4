"""Native programs: functions of tensors, captured as they run and compiled."""

from typing import TYPE_CHECKING

from lineal.base import later as _later
from lineal.compiler.switches import *
from lineal.compiler.switches import __all__ as _switches

if TYPE_CHECKING:
    from lineal.compiler.calling.function import CompiledFunction as CompiledFunction
    from lineal.compiler.calling.function import compile as compile
    from lineal.compiler.calling.function import explain as explain
    from lineal.compiler.calling.memcheck import MemoryFault as MemoryFault
    from lineal.compiler.calling.memcheck import checking as checking
    from lineal.compiler.capturing.scanning import scan as scan

__all__ = ["CompiledFunction", "MemoryFault", "checking", "compile", "explain", "scan", *_switches]  # pyright: ignore[reportUnsupportedDunderAll]

# programs of eager code, in `single`, need neither calls nor captures
__getattr__, _names = _later.names(
    __name__,
    {
        "calling.function": "CompiledFunction compile explain",
        "calling.memcheck": "MemoryFault checking",
        "capturing.scanning": "scan",
    },
)
