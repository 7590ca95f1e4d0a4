"""General programs: one piece of machine code for all sizes at which a function does the same.

No sizes are symbols here. A trace at a new size is lowered with its own whole numbers, as any trace is, and its code is written
with all numbers apart (`codegen/template.py`). If the text is that of another size, the two programs differ in numbers alone:
numbers that differ between sizes are loaded from a table, the others stand in the code. A new size is *bound* to code that
exists if the text is the same, and so is every number that stands in the code: what runs is then, number for number, the
program that would have been compiled for it. Whatever depends on a size otherwise (an axis of size 1 left out, a branch of a
rule) gives another text, and other code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lineal.codegen.cpython.entry import RELEASE_ABOVE_NS
from lineal.codegen.cpython.objects import Argument
from lineal.codegen.cpython.tablecall import plan, tablecall
from lineal.codegen.engine import Library, engine
from lineal.codegen.template import Template
from lineal.compiler.calling.launch import Grads, refuse
from lineal.compiler.kernels.modules import STEM
from lineal.compiler.kernels.sketch import Sketch

__all__ = ["Codes"]

SITE = re.compile(r"@site(\d+)_")
FEWEST = 3
"""From how many sizes on their common code is compiled: two tell little of which numbers vary together."""
MOST = 16
"""How many times code is compiled for one kind of arguments at most."""
MANY_TEXTS, MOST_TEXTS = 8, 256
"""How many different texts are many, and how many are remembered for one kind of arguments."""


class Code:
    """The machine code of one text, and which of its numbers are loaded."""

    def __init__(self, sketch: Sketch):
        self.first = sketch.numbers
        self.samples = [sketch.numbers]
        self.varies = np.zeros(len(self.first), bool)
        modules = np.repeat(np.arange(len(sketch.templates)), [len(each.places) for each in sketch.templates])
        start = 0
        for each in sketch.templates:
            self.varies[[start + n for n in each.loaded]] = True
            start += len(each.places)
        modules[self.varies] = start + np.flatnonzero(self.varies)
        self.alike = alike(modules, self.first)
        """For each number the first of its module that was the same at all sizes seen."""
        self.library: Library | None = None

    def fits(self, numbers: np.ndarray) -> bool:
        """Return whether the code is the program with these numbers."""
        expected = np.where(self.varies, numbers[self.alike], self.first)
        return self.library is not None and bool((numbers == expected).all())

    def knows(self, numbers: np.ndarray) -> bool:
        """Return whether these very numbers were seen before."""
        return any((numbers == each).all() for each in self.samples)

    def widen(self, numbers: np.ndarray) -> None:
        """Let the code fit these numbers too; it has to be compiled then."""
        self.samples.append(numbers)
        self.varies |= numbers != self.first
        self.alike = alike(self.alike, numbers)
        self.library = None

    def compile(self, sketch: Sketch) -> None:
        """Compile and link the code."""
        texts, names, start = {}, [], 0
        for template in sketch.templates[:-1]:
            text = self.filled(template, start, start)
            names.append(f"{STEM}_{hashlib.sha256(text.encode()).hexdigest()[:16]}")
            texts[names[-1]] = text.replace(f"@{STEM}", f"@{names[-1]}")
            start += len(template.places)
        driver = SITE.sub(lambda match: f"@{names[int(match[1])]}", self.filled(sketch.templates[-1], start, 0))
        head, code = driver.split("define ", 1)
        # several places may call one function
        driver = "\n".join(dict.fromkeys(head.split("\n"))) + "define " + code
        using = engine()
        self.library = using.link(using.compile_all([*texts.values(), driver]), ["program"], sketch.symbols)

    def filled(self, template: Template, start: int, origin: int) -> str:
        """Return a module whose numbers begin at `start`; the address it is given is that of number `origin`."""
        stop = start + len(template.places)
        numbers = self.first[start:stop].tolist()
        varies, alike = self.varies[start:stop].tolist(), (self.alike[start:stop] - origin).tolist()
        return template.filled(numbers, lambda n: alike[n] if varies[n] else None)


def alike(before: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return for each place the first one that is the same in both arrays."""
    if not len(numbers):
        return np.zeros(0, np.int64)
    pairs = np.stack([before.astype(np.int64), numbers], axis=1).view([("a", np.int64), ("b", np.int64)]).ravel()
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    return first[inverse.ravel()]


class Codes:
    """The code for one kind of arguments, whatever their sizes; and what its programs share: memory and grads to be filled."""

    def __init__(self) -> None:
        if tablecall(refuse) is None:
            raise NotImplementedError("arrays cannot be read natively here")
        self.codes: dict[Any, Code] = {}
        self.compilations = 0
        """How many programs code was compiled for."""
        self.compiled = False
        """Whether any was compiled for the program that is being made."""
        self.learning = False
        """Whether sizes are only looked at."""
        self.hot = 0
        """How many sizes were called so often that they got code of their own."""
        self.full = False
        """Whether code was wanted once more than it may be compiled."""
        self.grads: dict[Any, Grads] = {}

    def code(self, sketch: Sketch) -> Code | None:
        """Return the code that serves a segment; None if it is not to be compiled yet, since no two sizes had this text."""
        found = self.codes.get(sketch.key)
        if found is None:
            self.full |= len(self.codes) >= MOST_TEXTS
            if not self.full:
                self.codes[sketch.key] = Code(sketch)
            return None
        if self.learning:
            found.widen(sketch.numbers)
            return None
        if not found.fits(sketch.numbers):
            if self.compilations >= MOST:
                self.full = True
                return None
            again = found.knows(sketch.numbers)
            found.widen(sketch.numbers)
            if len(found.samples) < FEWEST and not again:
                return None
            found.compile(sketch)
            self.compiled = True
        return found

    @property
    def settled(self) -> bool:
        """Whether enough sizes were seen for further ones to wait until they are met again."""
        return self.compilations > 0 or len(self.codes) >= MANY_TEXTS

    def enter(self, sketch: Sketch, arguments: Sequence[Argument], estimated_ns: float) -> Callable[..., Any] | None:
        """Return the native entry of a segment, None if there is no code for it yet."""
        code, call = self.code(sketch), tablecall(refuse)
        if code is None or code.library is None or call is None:
            return None
        library, numbers = code.library, sketch.numbers
        words = plan(library["program"], numbers, estimated_ns > RELEASE_ABOVE_NS, arguments)
        keep = (library, numbers, [(each.holder, each.dtype) for each in arguments])

        def run(*given: Any, keep: Any = keep) -> Any:
            return call(*given, words)

        return run

    def grads_of(self, leaves: list[Any], made: Sequence[tuple], again: bool) -> Grads:
        """Return the grads of some leaves, the same for all sizes."""
        key = (tuple(map(id, leaves)), tuple(made), again)
        if key not in self.grads:
            self.grads[key] = Grads(leaves, made, again)
        return self.grads[key]
