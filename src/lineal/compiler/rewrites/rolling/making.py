"""Making: a stretch of turns that read alike becomes one equation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lineal.compiler.capturing.scanning import Scanned
from lineal.compiler.lowering.equations import Lowering
from lineal.compiler.lowering.rules.turns import trace_of
from lineal.compiler.nodes.node import Host
from lineal.compiler.nodes.turns import Turn, Walk
from lineal.compiler.rewrites.rolling.leaning import lean
from lineal.compiler.rewrites.rolling.lines import Lines, Words, is_view
from lineal.compiler.rewrites.rolling.matching import WALKING, Carried, Constant, Kind, Numbers, Walking, matched, standing
from lineal.compiler.rewrites.rolling.periods import Stretch, stretches
from lineal.compiler.rewrites.rolling.stacking import chained, like, restacked
from lineal.compiler.rewrites.rolling.summing import summed_at_once
from lineal.ops.pattern import Elementwise
from lineal.ops.structural.slicing import Select
from lineal.tracing import Equation, Var

__all__ = ["Body", "Rolling", "without_idle_views"]

FEWEST = 8
"""How many turns are worth a loop."""
MANY = 256
"""From how many equations on that only compute element by element: fewer share one loop, which reads memory once."""
WIDEST = 128
"""How many equations that do so are one turn at most."""

New = Callable[[np.ndarray], Var]


class Rolling:
    """Equations on their way to loops, which give the same `wanted` variables; `new(array)` makes variables."""

    def __init__(self, equations: list[Equation], wanted: Iterable[Var], literals: dict[Var, np.ndarray], new: New):
        self.wanted, self.literals, self.new = list(wanted), literals, new
        self.numbers: dict[Var, np.ndarray] = {}
        """The numbers that are others in each turn, as arrays that programs are to be given."""
        self.tables: dict[tuple, Var] = {}
        self.changed = False
        self.words = Words()
        if any(isinstance(each.op, Scanned) for each in equations):
            equations, self.changed = lean(equations, self.wanted, new), True
        self.equations = equations
        while (found := once(self, self.equations)) is not None:
            # what reads the turns of one loop may be turns itself, once they are stacked
            self.equations, self.changed = found, True

    def table(self, array: np.ndarray) -> Var:
        """Return the variable of an array of numbers, the same for the same numbers: loops may be equal turns themselves."""
        key = array.dtype, array.shape, array.tobytes()
        if key not in self.tables:
            self.tables[key] = self.new(array)
            self.numbers[self.tables[key]] = array
        return self.tables[key]


def once(rolling: Rolling, equations: list[Equation]) -> list[Equation] | None:
    """Return the equations with the loops that are found at one go, None if there are none."""
    lines = Lines(equations, rolling.literals, rolling.words)
    loops: list[Loop] = []
    taken = np.zeros(len(lines.steps), bool)
    for stretch in stretches(lines.tokens, FEWEST):
        if taken[stretch.start : stretch.stop].any():
            continue
        for part, kinds in matched(lines, widened(lines, stretch), FEWEST):
            loop = Loop(rolling, lines, part, kinds) if worth(lines, part) else None
            if loop is not None and loop.runs_natively():
                loops.append(loop)
                taken[part.start : part.stop] = True
    return rewoven(lines, loops, rolling) if loops else None


def worth(lines: Lines, stretch: Stretch) -> bool:
    """Return whether a loop pays: what is computed element by element shares one with its neighbours otherwise."""
    return not is_pointwise(lines, stretch) or stretch.turns * stretch.period >= MANY


def widened(lines: Lines, stretch: Stretch) -> Stretch:
    """Return the stretch with several turns for one if they are computed element by element: these read memory once."""
    if not is_pointwise(lines, stretch):
        return stretch
    several = max(1, min(WIDEST // stretch.period, stretch.turns // FEWEST))
    return Stretch(stretch.start, stretch.period * several, stretch.turns // several)


def is_pointwise(lines: Lines, stretch: Stretch) -> bool:
    """Return whether the turns only compute element by element."""
    return all(isinstance(each.op, Elementwise) for each in lines.steps[stretch.start : stretch.start + stretch.period])


class Body:
    """The equations of a turn, in terms of what it is given: those of the first turn, with what is carried by new names."""

    def __init__(self, lines: Lines, stretch: Stretch, new: New):
        self.lines, self.stretch, self.new = lines, stretch, new
        self.begin()

    def begin(self) -> None:
        """Begin with no equations."""
        self.body: list[Equation] = []
        self.literals: dict[Var, np.ndarray] = {}
        self.constants: dict[Var, None] = {}
        self.renamed: dict[tuple[Var, ...], Var] = {}
        self.entered: set[Var] = set()

    def step(self, turn: int, place: int) -> Equation:
        """Return a step of a turn."""
        return self.lines.steps[self.stretch.start + turn * self.stretch.period + place]

    def write(self, kinds: list[list[Kind]]) -> None:
        """Write the first steps of a turn, whose inputs are of these kinds."""
        for place, row in enumerate(kinds):
            step = self.step(0, place)
            inputs = tuple([self.given(kind, place, n) for n, kind in enumerate(row)])
            self.body.append(step if inputs == step.inputs else Equation(step.op, inputs, step.outputs, step.grad))

    def given(self, kind: Kind, place: int, n: int) -> Var:
        """Return the variable that a step of the loop reads as its input `n`, which is the turn's own or the same in all."""
        var = self.step(0, place).inputs[n]
        if not isinstance(kind, Constant):
            return self.seen(var)
        root, chain = self.lines.root(var), self.lines.chain(var)
        if root in self.lines.literals:
            self.literals[root] = self.lines.literals[root]
            return self.seen(var)
        # a loop may be a turn itself, and another slice of something be the same in all of its turns each time
        slices = next((n for n, each in enumerate(chain) if type(each.op) not in WALKING), len(chain))
        self.constants[chain[slices - 1].outputs[0] if slices else root] = None
        return self.seen(var, slices)

    def seen(self, var: Var, outside: int = 0) -> Var:
        """Let the body have the views by which a variable is seen, but for the first ones, and return it."""
        for view in self.lines.chain(var)[outside:]:
            if view.outputs[0] not in self.entered:
                self.entered.add(view.outputs[0])
                self.body.append(view)
        return var

    def through(self, views: Sequence[Equation], var: Var) -> Var:
        """Let the body look at a variable by other variables' views, and return what it sees."""
        for view in views:
            key = (var, view.outputs[0])
            if key not in self.renamed:
                self.renamed[key] = self.new(like(view.outputs[0]))
                self.body.append(Equation(view.op, (var,), (self.renamed[key],), view.grad))
            var = self.renamed[key]
        return var


class Loop(Body):
    """A stretch that is to be one equation."""

    def __init__(self, rolling: Rolling, lines: Lines, stretch: Stretch, kinds: list[list[Kind]]):
        super().__init__(lines, stretch, rolling.new)
        self.rolling = rolling
        self.walks: dict[Walking | Numbers, tuple[Var, Walk]] = {}
        """The variables that are walked along, and how."""
        self.before: list[Equation] = []
        """The views of them that are the same in all turns."""
        self.carried: dict[Carried, list[tuple[Var, Var]]] = {}
        """What is carried, with what it is at first."""
        self.write(kinds)
        self.passed = [pair for kind, chain in self.carried.items() for pair in self.handed(kind, chain)]

    # what a turn reads

    def given(self, kind: Kind, place: int, n: int) -> Var:
        var = self.step(0, place).inputs[n]
        if isinstance(kind, Walking):
            chain = self.lines.chain(var)
            if kind not in self.walks:
                self.walks[kind] = self.walked(kind, chain[kind.step])
            return self.through(chain[kind.step + 1 :], self.walks[kind][1].var)
        if isinstance(kind, Numbers):
            if kind not in self.walks:
                self.walks[kind] = self.numbered(kind)
            return self.through(self.lines.chain(var), self.walks[kind][1].var)
        if isinstance(kind, Carried):
            if kind not in self.carried:
                self.carried[kind] = [(first, self.new(like(first))) for first in kind.first[::-1]]
            return self.carried[kind][-1][1]
        return super().given(kind, place, n)

    def walked(self, kind: Walking, step: Equation) -> tuple[Var, Walk]:
        """Return what the turns walk along, and how: what stays where it is is looked at before, as loops in loops do it."""
        root = step.inputs[0]
        still, first, second = standing(kind, tuple(root.spec.shape))
        views = chained(still, root, self.new)
        self.before += views
        return views[-1].outputs[0] if views else root, Walk(self.new(like(step.outputs[0])), first, second)

    def numbered(self, kind: Numbers) -> tuple[Var, Walk]:
        """Return the array of numbers, and how the turns walk along it."""
        array = np.stack([self.lines.literals[root] for root in kind.roots[: self.stretch.turns]])
        whole = self.rolling.table(array)
        return whole, Walk(self.new(array[0]), Select(0, 0), Select(0, 1))

    def handed(self, kind: Carried, chain: list[tuple[Var, Var]]) -> list[tuple[Var, Var, Var]]:
        """Return of what is carried what it is at first, what a turn is given, and what it hands on.

        What was made several turns before is handed on from one variable to the next.
        """
        made = self.step(0, kind.place[0]).outputs[kind.place[1]]
        made = self.seen(self.reading(kind)) if kind.path else made
        handed = [made, *(given for _, given in chain[:-1])]
        return [(first, given, to) for (first, given), to in zip(chain, handed)]

    def reading(self, kind: Carried) -> Var:
        """Return the variable by which the turn `back` turns after the first one reads what the first one made."""
        made = self.step(0, kind.place[0]).outputs[kind.place[1]]
        steps = (self.step(kind.back, place) for place in range(self.stretch.period))
        return next(var for step in steps for var in step.inputs if self.lines.path(var) == (made, kind.path))

    def runs_natively(self) -> bool:
        """Return whether no step of a turn is left to the host."""
        inputs = [*self.constants, *(walk.var for _, walk in self.walks.values()), *(given for _, given, _ in self.passed)]
        turn = Turn(self.body, self.literals, inputs, [], [], [], [])
        try:
            nodes = Lowering(trace_of(turn, inputs, self.literals, {})).nodes
        except NotImplementedError:
            return False
        return not any(isinstance(node, Host) for node in nodes)

    # what others read

    def equation(self, reads: dict[Var, list[int]]) -> list[Equation]:
        """Return the loop, and the views by which others read what it stacks; `reads` tells of each variable which turns'."""
        turns, carried = self.stretch.turns, {to: (given, to) for _, given, to in self.passed[::-1]}
        ends = {given: self.new(like(given)) for _, given, _ in self.passed}
        last, stacked, views = [], [], []
        for model, numbers in reads.items():
            place = self.lines.home[model]
            outputs = [self.lines.steps[place[0] + turn * self.stretch.period].outputs[place[1]] for turn in range(turns)]
            if numbers == [turns - 1]:
                if model in carried:
                    ends[carried[model][0]] = outputs[-1]
                else:
                    last.append((model, outputs[-1]))
                continue
            stack = self.new(like(model, turns))
            stacked.append((model, stack))
            views += [Equation(Select(0, turn), (stack,), (outputs[turn],), False) for turn in numbers]
        turn = Turn(
            self.body,
            self.literals,
            list(self.constants),
            [walk for _, walk in self.walks.values()],
            [(given, to) for _, given, to in self.passed],
            [model for model, _ in last],
            [model for model, _ in stacked],
        )
        inputs = (*self.constants, *(root for root, _ in self.walks.values()), *(first for first, _, _ in self.passed))
        outputs = (*(ends[given] for _, given, _ in self.passed), *(var for _, var in last), *(var for _, var in stacked))
        loop, sums = summed_at_once(turns, turn, inputs, outputs, self.new)
        return [*self.before, loop, *sums, *views]


def rewoven(lines: Lines, loops: list[Loop], rolling: Rolling) -> list[Equation]:
    """Return the equations with the loops in their places, and without views that nobody reads."""
    owners = np.full(len(lines.steps) + 1, -1)
    for n, loop in enumerate(loops):
        owners[loop.stretch.start : loop.stretch.stop] = n
    reads = read_elsewhere(lines, loops, owners, rolling.wanted)
    owner = [None if n < 0 else loops[n] for n in owners.tolist()]
    made: list[Equation] = []
    waiting: list[Equation] = []
    step = 0
    for each in lines.equations:
        if each.outputs and each.outputs[0] in lines.views:
            maker = owner[lines.home.get(lines.root(each.outputs[0]), (-1, 0))[0]]
            (waiting if maker is not None and step < maker.stretch.stop else made).append(each)
            continue
        loop = owner[step]
        step += 1
        if loop is None:
            made.append(each)
        elif step == loop.stretch.stop:
            made += [*loop.equation(reads.get(loop, {})), *waiting]
            waiting = []
    return without_idle_views(restacked(made, rolling.new), rolling.wanted)


def without_idle_views(equations: Sequence[Equation], wanted: Sequence[Var]) -> list[Equation]:
    """Return the equations but for views that nobody reads."""
    read = {*wanted, *(var for each in equations if not is_view(each) for var in each.inputs)}
    kept: list[Equation] = []
    for each in reversed(equations):
        if not is_view(each) or each.outputs[0] in read:
            kept.append(each)
            read.update(each.inputs)
    return kept[::-1]


Reads = dict["Loop", dict[Var, list[int]]]
"""The variables of a loop's first turn that others read, and of which turns they do."""


def read_elsewhere(lines: Lines, loops: list[Loop], owners: np.ndarray, wanted: Sequence[Var]) -> Reads:
    """Return what others read of each loop; `owners` tells of which loop each step is, -1 if of none."""
    _, steps, outputs, _ = lines.reads.T
    apart = (owners[steps] >= 0) & (owners[steps] != owners[lines.readers])
    reads = set(zip(steps[apart].tolist(), outputs[apart].tolist()))
    reads.update(lines.home.get(lines.root(var), (-1, 0)) for var in wanted)
    found: Reads = {}
    for step, output in sorted(reads):
        if owners[step] >= 0:
            loop = loops[owners[step]]
            turn, place = divmod(step - loop.stretch.start, loop.stretch.period)
            found.setdefault(loop, {}).setdefault(loop.step(0, place).outputs[output], []).append(turn)
    return found
