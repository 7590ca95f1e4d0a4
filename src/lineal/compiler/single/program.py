"""One-node programs: written for some sizes, bound to all others at which the same is decided.

A program is written with the sizes and strides of the arrays it is first given. Other ones are bound to it by doing the same
arithmetic on them: what comes out stands in the table that the code loads its numbers from. The first other sizes are also
written anew, to see that nothing but these numbers is different; if something is, each size has code of its own.
"""

from __future__ import annotations

import ctypes
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.batched.heap import keep_freed_memory
from lineal.codegen.cpython.objects import Argument
from lineal.codegen.cpython.refusal import REFUSED, refuse
from lineal.codegen.cpython.tablecall import plan, tablecall
from lineal.codegen.engine import Library, engine
from lineal.codegen.native import UNWRITABLE
from lineal.codegen.parallel import WORTH_THREADS
from lineal.codegen.proxies import Proxy, UnwritableError
from lineal.codegen.sized import SizedEmitter
from lineal.codegen.sizes import Ledger
from lineal.codegen.strides import Form, form_of
from lineal.codegen.threads import pool
from lineal.codegen.values import Value
from lineal.compiler.kernels.modules import writer_of
from lineal.compiler.kernels.sketch import Tabled
from lineal.compiler.lowering.equations import Lowering
from lineal.compiler.lowering.lowered import Lowered, is_whole
from lineal.compiler.nodes.buffers import Buffer, BufferView, dense
from lineal.compiler.nodes.node import Host
from lineal.compiler.scheduling.memory import ALIGNMENT
from lineal.compiler.scheduling.schedule import Schedule

__all__ = ["Build", "Plan", "planned", "run"]

Build = Callable[..., Sequence[BufferView]]
"""What makes the nodes, of a lowering and of views on the arrays, and returns the views of the results.

Two that are equal make the same.
"""

MOST = 16
"""How many programs are written for one way to build nodes, dtypes and numbers of dimensions."""


class Outline(NamedTuple):
    """What a trace says of itself, for a program that has none: its inputs are the places of arrays."""

    inputs: range
    outputs: range
    steps: dict[Any, Any] = {}
    literals: dict[Any, Any] = {}
    captured: dict[Any, Any] = {}
    live: dict[Any, Any] = {}
    equations: tuple = ()


class SizedSegment(Tabled):
    """The code of a schedule whose sizes are loaded: one module, each function of which is given the table."""

    driver: SizedEmitter

    def emitter(self) -> SizedEmitter:
        return SizedEmitter()

    def written(self, group: Any) -> tuple[str, bool]:
        name = f"loop{len(self.driver.functions)}"
        return name, writer_of(group)(self.driver, group, name)

    def invoke(self, call: tuple[str, bool], given: Sequence[Value]) -> None:
        super().invoke(call, [*given, *self.driver.passed()])


class Written:
    """The code of a program for arrays of these forms, and what it was decided by."""

    def __init__(self, build: Build, forms: Sequence[Form]):
        self.ledger = Ledger(numbers_of(forms))
        low = Lowering(Outline(range(0), range(0)))  # type: ignore[arg-type]
        views = given(low, self.ledger, forms)
        made = build(low, *views)
        if any(isinstance(node, Host) for node in low.nodes):
            raise NotImplementedError("NumPy has to do it")
        results = [own(low, each) for each in made]
        outline = Outline(range(len(views)), range(len(results)))
        lowered = Lowered(outline, low.nodes, dict(enumerate(views)), results, [], [], low.parts, low.count)  # type: ignore[arg-type]
        schedule = Schedule(lowered)
        segment = SizedSegment(schedule.groups, schedule.outside(), schedule.homes(), schedule.moves)
        self.e = segment.driver
        self.text = self.e.text()
        self.symbols = segment.bound([self.e])
        self.results = [(tuple(map(self.ledger.place, each.shape)), each.dtype) for each in results]
        self.arena = self.ledger.place(schedule.arena)

    def same(self, other: Written) -> bool:
        """Return whether two programs are the same but for their sizes."""
        mine, others = self.ledger, other.ledger
        return (self.text, self.e.slots, self.results, self.arena, mine.entries, mine.constants) == (
            (other.text, other.e.slots, other.results, other.arena, others.entries, others.constants)
        )


class Plan(NamedTuple):
    """How a program runs on arrays of certain forms."""

    run: Callable[..., list[np.ndarray] | None]
    """Returns the results; None if the call is given back."""
    only: Callable[..., np.ndarray | None]
    """Returns the first result, or None."""
    into: Callable[..., bool]
    """Writes the one result into the array that is given first; returns False if the call is given back."""


class Entry(NamedTuple):
    """A program that is entered with arrays, new arrays for the results, memory for what is between, and its words."""

    call: Callable[..., Any]
    """Returns None if it is done."""
    words: Any
    kept: Any
    """What the words refer to: it must stay alive as long as they are used."""


class Code(NamedTuple):
    """The code of a program as a step of a kernel that is recorded: the numbers of its table, and what holds it."""

    address: int
    numbers: list[int]
    library: Library


def noted(code: Code, run: Callable[..., list[np.ndarray] | None], arena: int, arrays: Sequence[Any]) -> list[Any] | None:
    """Return the proxies of what a program makes, which is noted, if it is given proxies of arrays; None otherwise."""
    proxies = [each for each in arrays if type(each) is Proxy]
    if not proxies:
        return None
    made = run(*[each.value if type(each) is Proxy else each for each in arrays])
    if made is None or arena or len(proxies) < len(arrays):
        raise UnwritableError("a program")
    found = proxies[0].recording.ran(code, [*arrays, *made, NOTHING], *code.numbers)
    return found[: len(made)]


def plan_of(entry: Entry, shapes: Sequence[tuple], arena: int, follows: bool, code: Code) -> Plan:
    """Return the plan of a program; one that threads may share `follows` their number."""
    call, words, kept = entry

    def run(*arrays: np.ndarray, kept: Any = kept) -> list[np.ndarray] | None:
        if follows:
            pool().follow()
        results = [np.empty(shape, dtype) for shape, dtype in shapes]
        between = np.empty(arena + ALIGNMENT, np.uint8) if arena else NOTHING
        return results if call(*arrays, *results, between, words) is None else noted(code, run, arena, arrays)

    def first(*arrays: np.ndarray) -> np.ndarray | None:
        found = run(*arrays)
        return None if found is None else found[0]

    shape, storage = shapes[0]

    def only(*arrays: np.ndarray, kept: Any = kept) -> np.ndarray | None:
        y = empty(shape, storage)
        if call(*arrays, y, NOTHING, words) is None:
            return y
        found = noted(code, run, arena, arrays)
        return None if found is None else found[0]

    def into(y: np.ndarray, *arrays: np.ndarray, kept: Any = kept) -> bool:
        if follows:
            pool().follow()
        return not arena and len(shapes) == 1 and call(*arrays, y, NOTHING, words) is None

    return Plan(run, first if follows or arena or len(shapes) > 1 else only, into)


empty = np.empty
NOTHING = np.empty(0, np.uint8)
"""The memory of programs that have nothing between."""


class Program:
    """The code of a program, and the sizes it is known to serve."""

    def __init__(self, build: Build, forms: Sequence[Form]):
        self.build, self.forms = build, tuple(forms)
        self.written = Written(build, forms)
        self.sure = False
        """Whether it was written for other sizes too, and came out the same."""
        # results as large as these come and go: their memory is not to go back to the system each time
        keep_freed_memory()
        self.library = engine().build(self.written.e, ["program"], self.written.symbols)

    def bind(self, forms: Sequence[Form]) -> Plan | None:
        """Return how the program runs on arrays of other sizes, None if it does not."""
        written, numbers = self.written, numbers_of(forms)
        values = written.ledger.follow(numbers)
        if values is None or (not self.sure and tuple(forms) != self.forms and not self.checked(forms)):
            return None
        shapes = [(tuple([int(values[place]) for place in places]), dtype) for places, dtype in written.results]
        arguments = [Argument(storage, shape, strides) for shape, strides, storage in forms]
        arguments += [Argument(dtype, shape) for shape, dtype in shapes]
        arguments.append(Argument(NOTHING.dtype, NOTHING.shape))
        large = max([math.prod(each.shape) for each in arguments]) >= WORTH_THREADS
        numbers = written.e.table(values)
        entry, code = (
            entered(self.library, numbers, arguments, large),
            Code(self.library["program"], numbers.tolist(), self.library),
        )
        return plan_of(entry, shapes, int(values[written.arena]), large, code)

    def checked(self, forms: Sequence[Form]) -> bool:
        """Return whether the program, written for other sizes, is the same."""
        try:
            self.sure = self.written.same(Written(self.build, forms))
        except UNWRITABLE:
            return False
        return self.sure


def entered(library: Library, numbers: np.ndarray, arguments: Sequence[Argument], release: bool) -> Entry:
    """Return how the program of a library is entered, with its numbers, on such arguments.

    If it is to `release` the GIL, other threads of Python's go on meanwhile.
    """
    call = tablecall(refuse)
    if call is not None:
        return Entry(call, plan(library["program"], numbers, release, arguments), (library, numbers, arguments))
    function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)(library["program"])

    def call_by_address(*given: np.ndarray) -> Any:
        *arrays, words = given
        if not all(each.flags.aligned for each in arrays):
            return REFUSED
        places = np.array([each.ctypes.data for each in arrays], np.int64)
        return function(places.ctypes.data, words.ctypes.data) or None

    return Entry(call_by_address, numbers, library)


def numbers_of(forms: Sequence[Form]) -> list[int]:
    """Return the sizes and strides, in elements, of all arrays."""
    found: list[int] = []
    for shape, strides, storage in forms:
        found += shape
        found += [step // storage.itemsize for step in strides]
    return found


def given(low: Lowering, ledger: Ledger, forms: Sequence[Form]) -> list[BufferView]:
    """Return views on the arrays of a program."""
    sizes, views = iter(ledger.sizes), []
    for shape, _, storage in forms:
        own = tuple([next(sizes) for _ in shape])
        buffer = Buffer(low.next(), own, storage, "input", tuple([next(sizes) for _ in shape]))
        views.append(BufferView(buffer, buffer.shape, buffer.strides))
    return views


def own(low: Lowering, view: BufferView) -> Buffer:
    """Return the buffer of a result: its own, if the program makes it and it lies densely, else a copy's."""
    buffer = view.buffer
    return buffer if is_whole(view) and buffer.strides == dense(buffer.shape) else low.copy(view).buffer


PROGRAMS: OrderedDict[Any, list[Program]] = OrderedDict()
MOST_KINDS = 1024
"""For how many ways to build nodes, dtypes and numbers of dimensions programs are kept."""


@lru_cache(4096)
def planned(build: Build, forms: tuple[Form, ...]) -> Plan | None:
    """Return how what `build` makes runs on arrays of these forms; None where it has no native form."""
    if any(step % storage.itemsize for _, strides, storage in forms for step in strides):
        return None
    known = PROGRAMS.setdefault((build, tuple([(len(shape), storage) for shape, _, storage in forms])), [])
    if len(PROGRAMS) > MOST_KINDS:
        PROGRAMS.popitem(last=False)
    for program in known:
        found = program.bind(forms)
        if found is not None:
            return found
    if len(known) >= MOST:
        return None
    try:
        program = Program(build, forms)
    except UNWRITABLE:
        return None
    known.append(program)
    return program.bind(forms)


def run(build: Build, arrays: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """Return the results of a program on arrays; None where it has no native form, or gives the call back."""
    found = planned(build, tuple([form_of(each) for each in arrays]))
    return None if found is None else found.run(*arrays)
