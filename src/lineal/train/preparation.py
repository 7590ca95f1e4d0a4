"""Steps as native programs, made before they are needed, so that every real step of a kind runs the same code.

The first calls of a compiled function run eagerly, and their last digits differ. So they are made before the step they
are for, and what they did to model, optimizer and random state is undone: a run that is interrupted and resumed, which
compiles again in between, gives the same bits as one that is not. For the same reason each kind of batch has a function of its
own, which shares no code with others, and the first step of a run, which makes the optimizer's state, is always eager.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

from lineal.base import tree
from lineal.compiler import compile
from lineal.core import modes, no_grad
from lineal.tensors import Tensor
from lineal.train.randomness import random_state, set_random_state
from lineal.train.step import Judged, Step

CALLS = 8
"""How often a step is called at most until it runs natively."""
MOST_KINDS = 32
"""For how many kinds of batches programs are made; further ones run eagerly."""
UNSEEN = ("params", "lr", "initial_lr")
"""Which options of an optimizer do not decide the program: rates are read at each step."""
CHANGES = "what a step reads besides its batches has changed in the run"
ROUNDS, BUDGET = 15, 0.2
"""How often at most, and for about how many seconds, native and eager steps are compared."""


class Gain(NamedTuple):
    """The seconds of one step, native and eager."""

    native: float
    eager: float

    def __str__(self) -> str:
        return f"{self.eager / self.native:.1f}x ({self.native * 1e6:,.0f} µs a step, eager {self.eager * 1e6:,.0f})"


class Prepared:
    """A step that is compiled for each kind of batches when the first of the kind comes."""

    def __init__(self, step: Step):
        self.step = step
        self.kinds: list[str] = []
        """The kinds met so far, in this run and before it was resumed."""
        self.left: list[str] = []
        """Those of them that turned out to need eager steps."""
        self.parameters: list[Any] = []
        self.modules: list[Any] = []
        self.changes = -1
        """The state of all modules, when parameters and modules were listed."""
        self.programs: dict[Any, Callable[..., Any]] = {}
        self.gain: Gain | None = None
        self.seconds = 0.0
        """How long it has taken to make programs."""
        self.reason: str | None = None
        """Why steps run eagerly, if they do."""

    def __call__(self, group: list[Any]) -> list[Judged]:
        leaves = list(tree.leaves(group))
        kind = self.kind(group)
        step = self.programs.get(kind)
        if step is None:
            start = time.perf_counter()
            step = self.made(kind, group, leaves)
            self.seconds += time.perf_counter() - start
        traces = getattr(step, "traces", 0)
        judged = step(*leaves)
        if getattr(step, "traces", 0) > traces:
            self.give_up(step.function, kind)
        return judged

    def give_up(self, eager: Callable[..., Any], kind: Any) -> None:
        """Let steps of a kind be eager from now on: their program did not run, since something else has changed."""
        self.programs[kind] = eager
        self.left.append(repr(kind))
        self.reason = CHANGES
        warnings.warn(
            f"Trainer: from now on steps run eagerly: {self.reason}; the last digits of a resumed run may differ", stacklevel=5
        )

    def kind(self, group: list[Any]) -> tuple[Any, ...]:
        """Return all that decides which program a step needs: form of the batches, what learns, modes, options but rates."""
        if self.changes != modes.Structure.changes:
            self.changes = modes.Structure.changes
            self.parameters, self.modules = list(self.step.model.parameters()), list(self.step.model.modules())
        learning = [parameter.requires_grad for parameter in self.parameters]
        training = [module.training for module in self.modules]
        groups = self.step.optimizer.param_groups
        options = [(k, v if v.__hash__ else repr(v)) for group in groups for k, v in group.items() if k not in UNSEEN]
        return form(group), *learning, *training, *options

    def made(self, kind: Any, group: list[Any], leaves: list[Any]) -> Callable[..., Any]:
        """Return the step for such batches: native, or eager if there are too many kinds or it cannot be compiled."""

        def eager(*xs: Any) -> list[Judged]:
            return self.step(tree.rebuild(group, iter(xs)))

        self.programs[kind] = eager
        if not self.admits(repr(kind), leaves):
            return eager
        native: Any = compile(eager)
        held = Held(self.step)
        reason = warmed(native, leaves)
        if reason is None and held.complete():
            self.gain = self.gain or measured(native, eager, leaves)
            self.programs[kind] = native
        elif reason is None:
            # the optimizer has made the state of new parameters, which has no numbers to go back to: the next step will find it
            del self.programs[kind]
        held.restore()
        self.reason = reason or self.reason
        return self.programs.get(kind, eager)

    def admits(self, kind: str, leaves: list[Any]) -> bool:
        """Return whether a step for such batches is to be compiled, and note why not."""
        if not all(isinstance(each, Tensor) for each in leaves):
            self.reason = "batches hold more than tensors"
            return False
        if kind in self.left:
            self.reason = CHANGES
            return False
        if kind not in self.kinds:
            if len(self.kinds) >= MOST_KINDS:
                self.reason = f"batches have more than {MOST_KINDS} shapes or settings"
                return False
            self.kinds.append(kind)
        return True


def form(nest: Any) -> Any:
    """Return containers, keys, shapes and dtypes of a nest."""
    if isinstance(nest, Tensor):
        return *nest.shape, nest.dtype
    if isinstance(nest, dict):
        return tuple([(key, form(each)) for key, each in nest.items()])
    if isinstance(nest, (list, tuple)):
        return type(nest), *[form(each) for each in nest]
    return type(nest)


def warmed(native: Any, leaves: list[Any]) -> str | None:
    """Call a compiled step until it runs natively; return why it does not, if so."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for _ in range(CALLS):
            native(*leaves)
            if native.eager is not None or native.last is not None:
                break
    for each in heard:
        if not str(each.message).startswith("compile: "):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return native.eager or (None if native.last is not None else "no program could be made for it")


class Held:
    """What a step changes, held to be put back."""

    def __init__(self, step: Step):
        self.step = step
        self.tensors = tensors_of(step)
        self.values = [each.detach().clone() for each in self.tensors]
        self.entries = {key: dict(entry) for key, entry in step.optimizer.state.items()}
        self.random = random_state()

    def complete(self) -> bool:
        """Return whether nothing has been added to the optimizer's state since, and no tensor replaced by another."""
        return [id(each) for each in tensors_of(self.step)] == [id(each) for each in self.tensors]

    def restore(self) -> None:
        """Put everything back."""
        with no_grad():
            for each, value in zip(self.tensors, self.values):
                each.copy_(value)
        state = self.step.optimizer.state
        for key in [*state]:
            if key not in self.entries:
                del state[key]
                continue
            state[key].clear()
            state[key].update(self.entries[key])
        set_random_state(self.random)
        self.step.optimizer.zero_grad()


def tensors_of(step: Step) -> list[Any]:
    """Return the tensors that a step changes."""
    average = [] if step.average is None else tensors_in(step.average.values)
    own = tensors_in([*step.optimizer.state.values()])
    return [*step.model.parameters(), *step.model.buffers(), *own, *average]


def tensors_in(nest: Any) -> list[Any]:
    """Return the tensors of a nest."""
    return [each for each in tree.leaves(nest) if isinstance(each, Tensor)]


def measured(native: Callable[..., Any], eager: Callable[..., Any], leaves: list[Any]) -> Gain:
    """Return how long a native and an eager step take: medians of as many pairs as there is time for."""
    times, begin = [], time.perf_counter()
    while len(times) < ROUNDS and (not times or time.perf_counter() - begin < BUDGET):
        times.append((seconds(native, leaves), seconds(eager, leaves)))
    return Gain(*(median(row) for row in zip(*times)))


def seconds(step: Callable[..., Any], leaves: list[Any]) -> float:
    """Return how long one step takes."""
    start = time.perf_counter()
    step(*leaves)
    return time.perf_counter() - start
