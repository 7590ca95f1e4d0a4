"""The compiler's own language: what is computed element by element, reduced, multiplied, or left to the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from lineal.codegen.contract.geometry import Geometry
from lineal.codegen.contract.native import Native
from lineal.codegen.formulas import Formula
from lineal.compiler.nodes.buffers import Buffer, BufferView, Chosen, Pick, Place, RunSum, Shape
from lineal.core import Op
from lineal.tracing import Equation

__all__ = [
    "Call", "Check", "Convolve", "Draw", "Host", "Join", "Map", "Node", "Product", "Reduce", "Repeat", "Rewind", "Routine",
    "Runs", "Scan", "Scatter", "Tape",
]  # fmt: skip


@dataclass(eq=False)
class Node:
    """Something to be done; `reads` and `writes` are what the order depends on."""

    equation: ClassVar[Equation | None] = None
    """What it was made for; a node sets its own."""

    @property
    def stops(self) -> bool:
        """Whether it may stop the program, which therefore must not have written to memory from outside yet."""
        return False

    @property
    def reads(self) -> list[Buffer]:
        """The buffers read."""
        raise NotImplementedError

    @property
    def writes(self) -> list[Buffer]:
        """The buffers written."""
        raise NotImplementedError


@dataclass(eq=False)
class Map(Node):
    """out = formula(m, *args), element by element over out's shape; `after` are buffers that must be there before."""

    out: Buffer
    formula: Formula
    args: tuple[BufferView | Place | Chosen | RunSum, ...]
    label: str
    after: tuple[Buffer, ...] = ()

    @property
    def space(self) -> Shape:
        """The shape of the loop."""
        return self.out.shape

    @property
    def stops(self) -> bool:
        return any(not pick.sure for each in self.args if isinstance(each, Chosen) for pick in each.picks)

    @property
    def reads(self) -> list[Buffer]:
        found = list(self.after)
        for each in self.args:
            if isinstance(each, Chosen):
                found += [each.view.buffer, *(pick.index.buffer for pick in each.picks)]
            elif isinstance(each, RunSum):
                found += [each.view.buffer, each.order, each.starts]
            elif isinstance(each, BufferView):
                found.append(each.buffer)
        return found

    @property
    def writes(self) -> list[Buffer]:
        return [self.out]


@dataclass(eq=False)
class Reduce(Node):
    """out = arg combined over `axes`, in out's dtype; out has no such axes.

    `kind` is add, squares (which are added up), multiply, maximum or minimum.
    """

    out: Buffer
    arg: BufferView
    axes: tuple[int, ...]
    kind: str

    @property
    def space(self) -> Shape:
        """The shape of the loop."""
        return self.arg.shape

    @property
    def label(self) -> str:
        return f"{self.kind} over {self.axes}"

    @property
    def reads(self) -> list[Buffer]:
        return [self.arg.buffer]

    @property
    def writes(self) -> list[Buffer]:
        return [self.out]


@dataclass(eq=False)
class Product(Node):
    """out = a b, of matrices or of stacks of them; of half precisions in the kind they are computed in.

    If b is `laid`, its view is on what `scheduling/laid.py` makes of a matrix: panels of columns, one after the other. `pairs`:
    the processor's own products of bfloat16 may be used.
    """

    out: Buffer
    a: BufferView
    b: BufferView
    laid: bool = False
    pairs: bool = False

    label = "matmul"

    @property
    def reads(self) -> list[Buffer]:
        return [self.a.buffer, self.b.buffer]

    @property
    def writes(self) -> list[Buffer]:
        return [self.out]


@dataclass(eq=False)
class Convolve(Node):
    """out (N, O, *places) = x (N, C, *image) convolved with w (O, C / groups, *kernel), whose numbers lie in order.

    Half precisions and `pairs` are as in products.
    """

    out: Buffer
    x: BufferView
    w: BufferView
    geometry: Geometry
    pairs: bool = False

    label = "convolution"

    @property
    def work(self) -> int:
        """How many multiplications it takes."""
        return self.geometry.work(self.x.shape[0], self.w.shape[1], self.w.shape[0])

    @property
    def reads(self) -> list[Buffer]:
        return [self.x.buffer, self.w.buffer]

    @property
    def writes(self) -> list[Buffer]:
        return [self.out]


@dataclass(eq=False)
class Join(Node):
    """out = what its parts, which lie inside its memory, have put there; nothing is left to be done."""

    out: Buffer
    parts: Sequence[Buffer]

    label = "join"

    @property
    def reads(self) -> list[Buffer]:
        return list(self.parts)

    @property
    def writes(self) -> list[Buffer]:
        return [self.out]


@dataclass(eq=False)
class Scatter(Node):
    """Each element of `source`, in order, is put (or added, if `adds`) where `target` and `picks` say in out's memory."""

    out: Buffer
    source: BufferView
    target: BufferView
    picks: tuple[Pick, ...]
    adds: bool
    after: tuple[Buffer, ...] = ()

    @property
    def label(self) -> str:
        return "scatter add" if self.adds else "scatter"

    @property
    def stops(self) -> bool:
        return any(not pick.sure for pick in self.picks)

    @property
    def reads(self) -> list[Buffer]:
        return [*self.after, self.source.buffer, *(pick.index.buffer for pick in self.picks)]

    @property
    def writes(self) -> list[Buffer]:
        return [self.out]


@dataclass(eq=False)
class Runs(Node):
    """The numbers of an index's elements, sorted stably by the place that these name: `order`; those of place i are a run.

    It is order[starts[i] : starts[i + 1]]. Both are int32.
    """

    order: Buffer
    starts: Buffer
    pick: Pick

    label = "runs"

    @property
    def stops(self) -> bool:
        return not self.pick.sure

    @property
    def reads(self) -> list[Buffer]:
        return [self.pick.index.buffer]

    @property
    def writes(self) -> list[Buffer]:
        return [self.order, self.starts]


@dataclass(eq=False)
class Draw(Node):
    """out = the first random words of the draw that the generator's state (its key, its count of draws) is at."""

    out: Buffer
    state: BufferView

    label = "draw"

    @property
    def reads(self) -> list[Buffer]:
        return [self.state.buffer]

    @property
    def writes(self) -> list[Buffer]:
        return [self.out]


@dataclass(eq=False)
class Scan(Node):
    """At each place along `axis`, out = `formula(so far, *args)`, one after the other, or what was so far if `exclusive`.

    So far is `start` at first; without one, the first of args is taken as it is. `target` is where out is put. `associative`
    formulas may be applied to results of neighbours too.
    """

    out: Buffer
    target: BufferView
    args: tuple[BufferView, ...]
    axis: int
    formula: Formula
    start: Any
    exclusive: bool = False
    associative: bool = False

    label = "scan"

    @property
    def reads(self) -> list[Buffer]:
        return [each.buffer for each in self.args]

    @property
    def writes(self) -> list[Buffer]:
        return [self.out]


class Call(NamedTuple):
    """A call of a library's, as a value: `write(e, args' addresses, outs' addresses, *parameters)` writes it."""

    write: Callable[..., None]
    parameters: tuple

    def __call__(self, e: Any, xs: Sequence[Any], ys: Sequence[Any]) -> None:
        """Write the call."""
        self.write(e, xs, ys, *self.parameters)


@dataclass(eq=False)
class Routine(Node):
    """outs = what code from elsewhere (LAPACK, a kernel for batches) makes of args, which lie as it wants them.

    `symbols` are the addresses of what BLAS's table does not know, `natives` routines of our own, which are compiled with the
    program. An out may lie where one of `after` is, which it replaces. `work` counts multiplications.
    """

    outs: Sequence[Buffer]
    args: Sequence[BufferView]
    write: Call
    label: str
    work: int = 0
    symbols: dict[str, int] = field(default_factory=dict)
    after: tuple[Buffer, ...] = ()
    natives: tuple[Native, ...] = ()

    @property
    def reads(self) -> list[Buffer]:
        return [*self.after, *(each.buffer for each in self.args)]

    @property
    def writes(self) -> list[Buffer]:
        return list(self.outs)


@dataclass(eq=False)
class Tape:
    """Where a loop of any number of turns leaves what some of them were given, for its backward pass.

    `log` holds two whole numbers: how many turns there were, and of every how many-th a row has what it was given; `rows` has
    a buffer for each carried value, of as many rows. When all are full, every other one is given up.
    """

    log: Buffer
    rows: Sequence[Buffer]

    @property
    def buffers(self) -> list[Buffer]:
        """All memory of it."""
        return [self.log, *self.rows]

    @property
    def length(self) -> int:
        """How many rows there are: a power of two."""
        return self.rows[0].shape[0]


@dataclass(eq=False)
class Repeat(Node):
    """outs = what a body makes that runs `turns` times: its own schedule, each time on memory that moves on.

    Without `turns`, it runs as long as what `test` makes, in `flag`, is not zero.

    `places` say for each input of the body, then for each result of its, in which buffer of this program it lies: where in
    the first turn, and how much further in each turn, in elements. What is carried lies in outs, where `after` were put. `room`
    is the memory of the body's own. `given` is what the op is given but for that: what is the same, and what is walked along.
    What each turn is given may go onto a `tape`.
    """

    body: Any
    turns: int | None
    args: Sequence[BufferView]
    outs: Sequence[Buffer]
    places: Sequence[tuple[Buffer, int, int]]
    room: Buffer
    after: tuple[Buffer, ...] = ()
    given: Sequence[BufferView] = ()
    test: Any = None
    flag: Buffer | None = None
    tape: Tape | None = None
    schedule: Any = None
    tested: Any = None

    label = "loop"
    direction = ""

    def planned(self, schedule: Callable[[Any, Repeat | None], Any]) -> None:
        """Make the schedule of the body, and of the test."""
        self.schedule = schedule(self.body, self)
        self.tested = None if self.test is None else schedule(self.test, None)
        self.room.shape, self.room.strides = (max(each.arena for each in self.schedules),), (1,)
        if any(isinstance(node, Host) for each in self.schedules for node in each.nodes):
            raise NotImplementedError("a loop has steps of the host's")

    @property
    def schedules(self) -> list[Any]:
        """The schedules of the body, and of the test if there is one."""
        return [self.schedule] if self.tested is None else [self.schedule, self.tested]

    @property
    def stops(self) -> bool:
        # a loop that does not end is given back too, since nobody could interrupt it
        return self.turns is None or any(node.stops for node in self.schedule.nodes)

    @property
    def reads(self) -> list[Buffer]:
        return [*self.after, *(each.buffer for each in self.args)]

    @property
    def writes(self) -> list[Buffer]:
        tape = [] if self.tape is None else self.tape.buffers
        return [*self.outs, self.room, *tape] if self.flag is None else [*self.outs, self.room, self.flag, *tape]


@dataclass(eq=False)
class Rewind(Repeat):
    """outs = what a body makes of the turns of another loop, which are on its `tape`, from the last to the first.

    The body is given the rows of the tape behind `same` other inputs. Turns that have no row are computed anew by `test`, which
    is the loop's own body, in `again`; `places_ahead` say where its inputs lie.
    """

    same: int = 0
    again: Sequence[Buffer] = ()
    places_ahead: Sequence[tuple[Buffer, int, int]] = ()

    label, direction = "loop backwards", ", backwards"

    @property
    def stops(self) -> bool:
        return any(node.stops for each in self.schedules for node in each.nodes)

    @property
    def writes(self) -> list[Buffer]:
        return [*self.outs, self.room, *self.again]


@dataclass(eq=False)
class Check(Node):
    """The program goes on only if `arg`, a truth value or an int64, is `number`: else the call is given back.

    With a `place`, it is that one of the numbers that the function read, by which it may have branched.
    """

    arg: BufferView
    number: int = 1
    place: int | None = None
    lenient: bool = False
    """Whether eager code would give the same numbers, and warn."""

    label = "check"

    @property
    def stops(self) -> bool:
        return True

    @property
    def reads(self) -> list[Buffer]:
        return [self.arg.buffer]

    @property
    def writes(self) -> list[Buffer]:
        return []


@dataclass(eq=False)
class Host(Node):
    """outs = op(*args), by the op's eager kernel."""

    op: Op
    args: Sequence[BufferView]
    outs: Sequence[Buffer]
    final: bool = False
    """Whether an effect has been, or is, done: the call can no longer be given back, so an error of it is the caller's."""

    @property
    def label(self) -> str:
        return self.op.key

    @property
    def stops(self) -> bool:
        return True

    @property
    def checks(self) -> bool:
        """Whether it may read by indices, which are checked, read or not: it is given whole numbers beside other things."""
        return any(each.buffer.dtype.kind in "iu" for each in self.args[1:])

    @property
    def reads(self) -> list[Buffer]:
        return [each.buffer for each in self.args]

    @property
    def writes(self) -> list[Buffer]:
        return list(self.outs)
