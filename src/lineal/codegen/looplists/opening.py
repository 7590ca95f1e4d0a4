"""The code that runs loop lists, and what makes them; a process has them once."""

from __future__ import annotations

from lineal.codegen.cpython import layout
from lineal.codegen.cpython.entry import builtin
from lineal.codegen.cpython.histories import House
from lineal.codegen.emit import Emitter
from lineal.codegen.engine import engine
from lineal.codegen.looplists.running import ListWriter, write_own
from lineal.codegen.looplists.tables import Lists
from lineal.codegen.once import once

__all__ = ["lists_of"]

FUNCTIONS = ("fits", "play")


@once
def lists_of(house: House) -> Lists:
    """Return what makes lists for the ops of a house; LookupError where Python's objects cannot be read."""
    found = layout.ndarray()
    if found is None:
        raise LookupError("arrays cannot be read")
    e = Emitter(engine().target)
    writer = ListWriter(e, found, house)
    writer.write_lists()
    own = write_own(e)
    linked = engine().build(
        e, [*FUNCTIONS, "run", *own], {name: at for name, at in writer.symbols.items() if name in e.declared}
    )
    play = builtin(linked["run"], refuse, (linked, writer.kept), "run")
    return Lists({name: linked[name] for name in own}, {name: linked[name] for name in FUNCTIONS}, play, house.op)


def refuse(*given: object) -> None:
    """Stand as the self of a builtin that takes everything."""
