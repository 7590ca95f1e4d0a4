"""The doctor: user code run under watch. Each call of a compiled function is compared with the function itself.

What runs under a `Doctor` gets the numbers of eager code. Every call for which there is a program is made twice on the same
tensors: by the program, in the checking build, whose accesses to memory are held against what was declared; then, all tensors
put back, by the function. Results, histories, gradients and everything that was written are compared.

    with Doctor() as doctor:
        train()
    print(doctor.report())
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from lineal.base import dtypes, tree
from lineal.base.errors import IllConditionedWarning
from lineal.base.limits import finfo
from lineal.base.version import __version__
from lineal.compiler import MemoryFault, checking
from lineal.compiler.calling.function import CompiledFunction, making, signature
from lineal.compiler.calling.launch import REFUSED, Unmet
from lineal.core import AbstractTensor, Leaf, Op, gradients, lift, modes
from lineal.core.sites import describe, site

__all__ = ["Doctor", "Finding"]

ULPS = 4096
"""How many units in the last place of the largest number a program's numbers may be off: it sums in another order."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or may be: its kind, where it is, and what it is."""

    kind: str
    """"wrong numbers", "stale state", "memory", "not finite", "few digits" or "runs eagerly"."""
    where: str
    what: str

    @property
    def fault(self) -> bool:
        """Whether it is a fault of the compiler's, rather than something to look at."""
        return self.kind in ("wrong numbers", "stale state", "memory")

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"


class Doctor:
    """A context in which compiled functions are examined, and numbers that stop being finite are noted."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.functions: set[int] = set()
        self.calls = self.compared = 0
        self.watch = Watch(self)
        self.stack = ExitStack()

    def __enter__(self) -> Doctor:
        class Examined(ExaminedFunction):
            doctor = self

        self.stack.enter_context(modes.Setting((making, Examined), (modes.recorder, self.watch)))
        self.stack.enter_context(checking())
        self.stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always", IllConditionedWarning)
        warnings.filterwarnings("always", message="compile: ")
        self.show, warnings.showwarning = warnings.showwarning, self.hear
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stack.close()

    def note(self, kind: str, where: str, what: str) -> None:
        """Note a finding, once for each kind and place."""
        if not any((each.kind, each.where) == (kind, where) for each in self.findings):
            self.findings.append(Finding(kind, where, what))

    def hear(self, message: Any, category: type[Warning], filename: str, line: int, *_: Any) -> None:
        """Note what lineal warns of; pass other warnings on."""
        if issubclass(category, IllConditionedWarning):
            self.note("few digits", f"{filename}:{line}", str(message))
        elif str(message).startswith("compile: "):
            self.note("runs eagerly", f"{filename}:{line}", str(message).removeprefix("compile: "))
        else:
            self.show(message, category, filename, line)

    @property
    def faults(self) -> list[Finding]:
        """The findings that are faults of the compiler's."""
        return [each for each in self.findings if each.fault]

    def report(self) -> str:
        """Return what was found, in lines."""
        seen = f"{self.calls} calls of {len(self.functions)} compiled functions, {self.compared} compared with eager code"
        lines = [f"lineal {__version__}, NumPy {np.__version__}: {seen}; {len(self.faults)} faults"]
        return "\n".join([*lines, *map(str, self.findings)])


class Watch(modes.Recorder):
    """Hears every op, and notes the first at each line that makes numbers that are not finite of such that are."""

    def __init__(self, doctor: Doctor):
        self.doctor = doctor

    def record(self, op: Op, xs: tuple[AbstractTensor, ...], ys: tuple[AbstractTensor, ...]) -> None:
        """Look at what an op made."""
        # what is made of nothing may be anything, as `empty` is, or be meant so
        if not xs or op.aliasing is not None or all(map(finite, ys)) or not all(map(finite, xs)):
            return
        shapes = ", ".join(f"{x.value.dtype}{list(x.value.shape)}" for x in xs)
        bad = next(y.value for y in ys if not finite(y))
        count = int((~np.isfinite(bad)).sum())
        self.doctor.note("not finite", describe(site()), f"{op.key} of {shapes} gives {count} of {bad.size} numbers NaN or inf")

    def record_write(self, target: AbstractTensor, source: AbstractTensor) -> None:
        """Hear of a write."""

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        """Called when Python reads a number."""

    def foreign(self, what: str) -> None:
        """Hear of numbers from outside."""

    def opaque(self, what: str) -> None:
        """Called when the backward pass runs code of the user's."""


def finite(x: AbstractTensor) -> bool:
    """Return whether all numbers are finite."""
    return x.value.dtype.kind not in "fcV" or bool(np.isfinite(x.value).all())


class State:
    """The numbers of tensors and the grads of leaves at one time, to be compared or put back."""

    def __init__(self, tensors: Sequence[AbstractTensor]):
        self.tensors = list({id(x): x for x in tensors}.values())
        self.grads = [(x, x.derivative) for x in self.tensors if isinstance(x.node, Leaf)]  # type: ignore[attr-defined]
        held = [g for _, g in self.grads if g is not None]
        self.numbers = [(x, x.value.copy()) for x in (*self.tensors, *held)]

    def restore(self) -> None:
        """Put everything back."""
        for x, numbers in self.numbers:
            if not np.array_equal(x.value, numbers, equal_nan=x.value.dtype.kind in "fc"):
                np.copyto(x.value, numbers)
        for x, grad in self.grads:
            x.derivative = grad  # type: ignore[attr-defined]

    def seen(self) -> list[np.ndarray | None]:
        """Return what the tensors and the grads of leaves are now."""
        grads = [x.derivative for x, _ in self.grads]  # type: ignore[attr-defined]
        return [x.value.copy() for x in self.tensors] + [None if g is None else g.value.copy() for g in grads]


class ExaminedFunction(CompiledFunction):
    """A compiled function under a doctor's eyes: its results are those of eager code."""

    doctor: Doctor

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        doctor = self.doctor
        doctor.calls += 1
        doctor.functions.add(id(self))
        tensors = [x for x in tree.leaves((args, kwargs)) if isinstance(x, AbstractTensor)]
        with modes.Setting((modes.recorder, None)):
            program = None if self.eager else self.candidate(signature(args, kwargs), tensors, (), [])
            if program is None:
                return self.called(args, kwargs, (), [])
            state = State([*tensors, *program.trace.captured.values()])
            given = self.given(program, tensors)
            after = state.seen()
            state.restore()
        result = self.function(*args, **kwargs)
        if given is None:
            return result
        doctor.compared += 1
        wrong = difference(result, given, state.seen(), after) or self.backward(result, given, state)
        if wrong is not None:
            self.blame(wrong, args, kwargs, state)
        return result

    def given(self, program: Any, tensors: list) -> Any:
        """Return what a program gives, None if it gives the call back."""
        try:
            found = program.launch(tensors)
        except Unmet:
            return None
        except MemoryFault as fault:
            self.doctor.note("memory", self.name, str(fault))
            return None
        return None if found is REFUSED else (found,)

    @property
    def name(self) -> str:
        """What the function is called."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def backward(self, result: Any, given: Any, state: State) -> str | None:
        """Return how the gradients of both results differ, by the leaves that are known."""
        leaves = [x for x in state.tensors if isinstance(x.node, Leaf)]
        ours, theirs = (differentiable(each) for each in (given, result))
        if not leaves or not ours:
            return None
        with modes.Setting((modes.recorder, None)):
            found = []
            for ys in (theirs, ours):
                gs = [lift(np.ones(y.value.shape, y.value.dtype)) for y in ys]
                found.append(gradients(ys, leaves, gs, retain_graph=True, allow_unused=True))
        for n, (want, got) in enumerate(zip(*found)):
            wrong = apart(None if want is None else want.value, None if got is None else got.value)
            if wrong:
                return f"the gradient by leaf {n} of shape {list(leaves[n].value.shape)} {wrong}"
        return None

    def blame(self, wrong: str, args: tuple, kwargs: dict, state: State) -> None:
        """Note a difference: of the program, or, if one that is made now is right, of the state that the old one holds."""
        fresh = CompiledFunction(self.function)
        where = f"call {self.doctor.calls}, {self.name}"
        state = State(state.tensors)
        with modes.Setting((modes.recorder, None)):
            result = fresh(*args, **kwargs)
            state.restore()
            again = fresh(*args, **kwargs)
            state.restore()
        stale = fresh.eager is None and difference(result, (again,), [], []) is None
        self.doctor.note("stale state" if stale else "wrong numbers", where, wrong)


def differentiable(result: Any) -> list[AbstractTensor]:
    """Return the tensors in a result that have a history."""
    found: Any = (x for x in tree.leaves(result) if isinstance(x, AbstractTensor))
    return [x for x in found if x.requires_grad and x.value.dtype.kind in "fc"]


def difference(result: Any, given: Any, after: list, after_program: list) -> str | None:
    """Return how what a program gives, and leaves behind, differs from eager code; None if it does not."""
    ours, theirs = ([x for x in tree.leaves(each) if isinstance(x, AbstractTensor)] for each in (given, result))
    if len(ours) != len(theirs):
        return f"gives {len(ours)} tensors where eager code gives {len(theirs)}"
    for n, (y, want) in enumerate(zip(ours, theirs)):
        wrong = apart(want.value, y.value)
        if wrong:
            return f"result {n} of shape {list(want.value.shape)} {wrong}"
    for n, (want, got) in enumerate(zip(after, after_program)):
        wrong = apart(want, got)
        if wrong:
            return f"tensor {n} that the call reads or writes {wrong} afterwards"
    return None


def apart(want: np.ndarray | None, got: np.ndarray | None) -> str | None:
    """Return in words how two arrays differ beyond rounding, None if they do not."""
    if want is None or got is None:
        return None if want is got else f"is {'there' if want is None else 'missing'}"
    if want.shape != got.shape or want.dtype != got.dtype:
        return f"is {got.dtype}{list(got.shape)} instead of {want.dtype}{list(want.shape)}"
    if want.dtype.kind not in "fcV":
        wrong = want != got
    else:
        a, b = (x.astype(np.complex128 if x.dtype.kind == "c" else np.float64) for x in (want, got))
        eps = finfo(dtypes.of(want.dtype)).eps
        scale = np.abs(a[np.isfinite(a)]).max(initial=1.0)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore"):
            wrong = ~(same | (np.abs(a - b) <= ULPS * eps * scale))
    if not wrong.any():
        return None
    place = tuple(int(n) for n in np.argwhere(wrong)[0])
    return f"is {got[place]} instead of {want[place]} at {list(place)} (and {int(wrong.sum()) - 1} more differ)"
