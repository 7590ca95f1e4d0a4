"""Sizes that vary: which program a compiled function makes for a kind of arguments that it meets in ever new sizes.

Arguments are of one family if they differ in shapes and numbers alone. The first two of a family are compiled for themselves,
as fast as can be; from the third on a family has general code (`general.py`), to which further sizes are bound. A function is
still run eagerly at each size first, which is how it is traced: Python that looks at shapes and branches is right by
construction. What cannot be bound after so many compilations runs eagerly, with one warning: nothing is compiled at every call.
"""

from __future__ import annotations

from typing import Any

from lineal.compiler.calling.derivative import DifferentiableProgram
from lineal.compiler.calling.general import Codes
from lineal.compiler.calling.memcheck import is_checking
from lineal.compiler.calling.program import Program
from lineal.compiler.capturing.trace import Still, Trace
from lineal.compiler.nodes.blame import reason
from lineal.core import AbstractTensor

__all__ = ["Sizes"]

OWN = 2
"""For how many sizes of a family programs of their own are made."""
MOST_OWN = 16
"""For how many, where there is no code for all."""
MOST_FAMILIES = 64
"""How many families are remembered."""
MOST_COMPILED = 256
"""How many times code is compiled for one function at most."""
MOST_LEFT = 1 << 14
"""How many kinds of arguments are remembered for which there is no program."""

AnyProgram = Program | DifferentiableProgram


class Family:
    """The sizes of one family: `own` have programs of their own, by the kind of arguments; the others share `codes`."""

    def __init__(self) -> None:
        self.own: dict[Any, AnyProgram] = {}
        self.most = OWN
        """How many sizes get programs of their own."""
        self.codes: Codes | None = None
        self.broken: str | None = None
        """Why there is no code for all sizes, if that was tried in vain."""


class Sizes:
    """The families of arguments of one compiled function."""

    def __init__(self) -> None:
        self.families: dict[Any, Family] = {}
        self.seen: set[Any] = set()
        """Kinds of arguments of families with general code that were met once."""
        self.left: set[Any] = set()
        """Kinds of arguments for which the function is left to run eagerly."""
        self.bound: set[Any] = set()
        """Kinds of arguments whose programs share general code."""
        self.compilations = 0
        """How often code was compiled."""
        self.reason = ""
        """Why the function is left to run eagerly for some kinds of arguments, if it is."""

    def first(self, key: Any) -> bool:
        """Return whether a size is met for the first time, and there is code for its family.

        The call is then eager code's: to bind a size takes as long as some calls do, and many sizes are never met again.
        """
        family = self.families.get(outline(key))
        if family is None or family.codes is None or not family.codes.settled or key in self.seen or key in self.bound:
            return False
        if len(self.seen) >= MOST_LEFT:
            self.seen.clear()
        self.seen.add(key)
        return True

    def program(self, key: Any, trace: Trace, hot: bool = False) -> AnyProgram | None:
        """Return the program of a trace; None if the function is to run eagerly this time, or for good (`left`).

        `hot`: it is called so often that it shall have code of its own.
        """
        family = self.families.setdefault(outline(key), Family())
        if len(self.families) > MOST_FAMILIES:
            del self.families[next(iter(self.families))]
        if hot or key in family.own or len(family.own) < family.most or is_checking():
            return self.alone(family, key, trace)
        if family.broken is not None:
            return self.leave(key, f"{varying(family.own, key)} varies, and there is no one code for it ({family.broken})")
        try:
            return self.shared(family, key, trace)
        except Exception as error:
            family.broken, family.codes, family.most = reason(error), None, MOST_OWN
            return self.alone(family, key, trace)

    def alone(self, family: Family, key: Any, trace: Trace) -> AnyProgram | None:
        """Return a program of a size's own."""
        if self.compilations >= MOST_COMPILED:
            return self.leave(key, f"it was compiled {MOST_COMPILED} times")
        family.own[key] = made = build(trace)
        self.compilations += 1
        return made

    def shared(self, family: Family, key: Any, trace: Trace) -> AnyProgram | None:
        """Return a program whose code others share; None if there is no code for it yet, or not to be (`left`)."""
        if family.codes is None:
            family.codes = self.learned(family)
        codes = family.codes
        codes.compiled = False
        made = build(trace, codes)
        codes.compilations += codes.compiled
        self.compilations += codes.compiled
        if not made.waiting:
            self.bound.add(key)
            made.lighten()
            return made
        if codes.full:
            self.leave(key, f"{varying(family.own, key)} varies in ways that no one program can follow")
        return None

    def learned(self, family: Family) -> Codes:
        """Return the codes of a family, which have seen what its own programs do."""
        codes = Codes()
        codes.learning = True
        for each in family.own.values():
            build(each.trace, codes)
        codes.learning = False
        return codes

    def leave(self, key: Any, why: str) -> None:
        """Let the function run eagerly for a kind of arguments, and remember that it does."""
        if len(self.left) < MOST_LEFT:
            self.left.add(key)
        self.reason = self.reason or why


def build(trace: Trace, codes: Codes | None = None) -> AnyProgram:
    """Return a program of a trace."""
    with Still():
        return (DifferentiableProgram if trace.differentiable else Program)(trace, codes)


def outline(key: Any) -> Any:
    """Return a kind of arguments without shapes and numbers."""
    if type(key) is not tuple:
        return key
    if len(key) == 5 and is_tensor(key):
        kind, shape, dtype, _, history = key
        return kind, len(shape), dtype, history
    if len(key) == 2 and key[0] in (int, float, complex):
        return key[0]
    return tuple(map(outline, key))


def is_tensor(word: tuple) -> bool:
    """Return whether a part of a kind of arguments stands for a tensor."""
    return isinstance(word[0], type) and issubclass(word[0], AbstractTensor)


def varying(known: Any, key: Any) -> str:
    """Return in words what of a kind of arguments is not as in the kinds that are known."""
    shapes = tensors(key)
    for other in known:
        for n, (a, b) in enumerate(zip(shapes, tensors(other))):
            for dim, (size, before) in enumerate(zip(a, b)):
                if size != before:
                    return f"size {dim} of tensor {n} of its arguments (now of shape {list(a)})"
    return "a number among its arguments"


def tensors(key: Any) -> list[tuple[int, ...]]:
    """Return the shapes of the tensors of a kind of arguments."""
    if type(key) is not tuple:
        return []
    if len(key) == 5 and is_tensor(key):
        return [key[1]]
    return [shape for each in key for shape in tensors(each)]
