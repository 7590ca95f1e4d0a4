"""Capture: what a function that really runs did to tensors, as pure equations, and what it read of Python's state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

import numpy as np

from lineal.base import dtypes
from lineal.compiler.capturing.freeing import Freeing
from lineal.compiler.capturing.purity import Reach
from lineal.compiler.nodes.turns import Mark
from lineal.core import AbstractTensor, lift, modes
from lineal.core.sites import describe, site
from lineal.ops.conversion import Cast
from lineal.ops.indexing.basic import slice_op
from lineal.tracing import Var

__all__ = ["Capture"]


REAL = (int, float, np.integer, np.floating)
"""What numbers a program reads anew: NumPy's too, which schedules compute."""
MOST_READ = 256
"""How many numbers a function may read; a program compares each of them at each call."""


class Capture(Freeing):
    """A recorder that writes pure equations, and what of Python's state, of numbers and of grads the function relied upon."""

    takes_loops = takes_draws = True

    def __init__(self) -> None:
        super().__init__()
        self.live: dict[Var, tuple[Any, Any]] = {}
        """Numbers of the user's that are read anew at each call, as the mapping and the key they stand at."""
        self.assumed: dict[int, tuple[Any, dict]] = {}
        """The mappings that were relied upon, with what they held."""
        self.modules: dict[int, tuple[Any, bool, dict]] = {}
        """The modules that were called, whether they were in training, and their parameters."""
        self.settings: set[tuple[ContextVar, Any]] = set()
        """Settings that were looked at, with what they were."""
        self.fixed: list[tuple[Any, Any, Any]] = []
        """Entries of mappings that could have been live numbers, but were something else."""
        self.relied: list[tuple[Any, str, Any]] = []
        """Attributes that must be the objects they were."""
        self.found: dict[int, tuple[Any, Any]] = {}
        """The leaves whose grad was read before any was set here, with what it was."""
        self.graded: dict[int, Any] = {}
        """The leaves whose grad was set."""
        self.read_numbers: list[tuple[Var, int]] = []
        """Numbers that Python read, and may have branched by: their variables, and what they were."""
        self.seen_numbers: list[tuple[Any, Any, float]] = []
        """What the live numbers were."""
        self.loops: list[Mark] = []
        """The loops that end when a number says so."""
        self.running: list[tuple[Mark, Reach]] = []
        """Those that have not ended yet, with what their functions reached when they began."""
        self.by_hand: str | None = None
        """Why another than this function cannot go back through what was recorded."""

    def concretize(self, tensor: AbstractTensor, kind: type) -> None:
        """Called when Python reads numbers; what follows is so for these, which programs compare, unless they are too many."""
        wanted = shown(tensor.value, kind)
        looked = sum(len(each.starts) for each in self.loops)
        if wanted is None or len(self.read_numbers) - looked + len(wanted) > MOST_READ:
            where = describe(site())
            self.refuse(f"a {kind.__name__} is read from a tensor ({where}); return the tensor and read it outside")
            return
        var = self.read(tensor)
        if var in self.literals:
            return
        with modes.Setting((modes.grad_enabled, False)):
            for target in ((dtypes.bool_,) if kind is bool else ()) + (dtypes.int64,):
                if var.spec.storage != target.numpy:
                    var = self.derive(Cast(target), (var,), np.empty(var.spec.shape, target.numpy))
            for place, number in zip(np.ndindex(*var.spec.shape), wanted):
                element = self.derive(slice_op(place), (var,), np.empty((), np.int64)) if place else var
                self.read_numbers.append((element, number))

    def turns(self, loop: tuple[Callable, Callable], carried: list[AbstractTensor] | None) -> None:
        """Called when a loop begins, looks whether there is another turn, or has ended."""
        if carried is None:
            while self.running[-1][1].functions is not loop:
                # one that an error has ended
                self.running.pop()
            mark, reach = self.running.pop()
            mark.stop, mark.single = len(self.equations), mark.single and reach.unchanged()
            return
        if not self.running or self.running[-1][1].functions is not loop:
            self.running.append((Mark(), Reach(loop)))
            self.loops.append(self.running[-1][0])
        mark, _ = self.running[-1]
        mark.carried.append([self.read(x) for x in carried])
        mark.history |= any(x.node is not None for x in carried)
        mark.starts.append(len(self.equations))
        mark.reads.append(len(self.read_numbers))

    def goes_back(self) -> None:
        """Called when a backward pass begins: it goes through as many turns as loops with a history had."""
        for mark in self.loops:
            mark.single &= not mark.history

    def foreign(self, what: str) -> None:
        """Called when numbers come in on a way that a program does not go."""
        self.refuse(f"{what} ({describe(site())}); make it outside, and pass it as an argument")

    def searches(self, why: str) -> None:
        """Called when what follows is decided by numbers that are read time and again."""
        self.refuse(f"{why} ({describe(site())})")

    def opaque(self, what: str) -> None:
        """Called when the backward pass runs code of the user's, which is heard only if the function itself goes back."""
        self.by_hand = self.by_hand or f"the backward pass runs {what} ({describe(site())})"

    def changed(self) -> str | None:
        """Return the name of an option that the function changed after it had read it."""
        for holder, key, value in self.seen_numbers:
            if holder[key] != value:
                return repr(key)
        for holder, relied in self.assumed.values():
            for key, value in relied.items():
                if key not in holder or holder[key] is not value:
                    return repr(key)
        return None

    def assume(self, holder: Any, names: Iterable[str]) -> None:
        """Called when what follows depends on a mapping's numbers and switches of these names."""
        simple = {name: holder[name] for name in names if isinstance(holder[name], (int, float, bool, str, tuple, type(None)))}
        if simple:
            self.assumed[id(holder)] = (holder, simple)

    def saw(self, module: Any) -> None:
        """Called when a module is called, whose behaviour depends on its mode."""
        own = {**module._parameters, **module._buffers, **module._modules}
        self.modules.setdefault(id(module), (module, module.training, own))

    def relies(self, holder: Any, name: str) -> None:
        """Called when an attribute must be the object it is."""
        self.relied.append((holder, name, getattr(holder, name)))

    def heeds(self, setting: ContextVar) -> bool:
        """Called when a setting decides what is done; a program checks what eager code would warn of."""
        self.settings.add((setting, setting.get()))
        return True

    def number(self, holder: Any, key: Any) -> Any:
        """Called when a number of the user's is read; computing goes on with a tensor that is filled anew at each call."""
        if type(holder[key]) is bool or not isinstance(holder[key], REAL):
            self.fixed.append((holder, key, holder[key]))
            return holder[key]
        self.seen_numbers.append((holder, key, holder[key]))
        x = lift(np.array(float(holder[key])))
        self.live[self.enter(x)] = (holder, key)
        return x

    def reads_grad(self, leaf: Any) -> None:
        """Called when the grad of a leaf is read."""
        if leaf.derivative is not None and leaf.derivative.is_sparse:
            self.refuse("it reads a gradient that is a sparse tensor")
        elif id(leaf) not in self.graded and not self.was_made(leaf):
            self.found.setdefault(id(leaf), (leaf, leaf.derivative))

    def sets_grad(self, leaf: Any) -> None:
        """Called when a leaf is given another grad, or None."""
        if not self.was_made(leaf):
            self.graded[id(leaf)] = leaf


def shown(array: np.ndarray, kind: type) -> list[int] | None:
    """Return the numbers that Python sees when it reads an array as a `kind`, None if they are not whole."""
    if kind not in (bool, int, list) or (kind is list and array.dtype.kind not in "biu") or array.size > MOST_READ:
        return None
    try:
        numbers = [int(bool(each) if kind is bool else each) for each in array.ravel().tolist()]
    except (OverflowError, TypeError, ValueError):
        return None
    return numbers if all(-(1 << 63) <= each < 1 << 63 for each in numbers) else None


def running(listener: Capture, function: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
    """Return `function(*args, **kwargs)`, heard by `listener`."""
    with modes.Setting((modes.recorder, listener)):
        return function(*args, **kwargs)
