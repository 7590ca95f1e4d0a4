"""A program in a world of its own: the names it sees, its calls, and everything that can be seen after each."""

from __future__ import annotations

import contextlib
import warnings
from builtins import compile as code_of
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lineal as torch
from fuzz import telling
from fuzz.programs import Program, Turn
from fuzz.telling import TOLD
from fuzz.tensors import made
from lineal.base import tree
from lineal.base.layouts import laid, preserved, steps
from lineal.compiler.capturing.effects import may_share
from lineal.core import Leaf

__all__ = ["WRITTEN", "Outcome", "World", "namespace"]

WRITTEN = " about the way back"
"""What an error is marked by that says that a kept value has been written, or that an op has no derivative.

A program keeps what it needs and goes on; and what nothing comes back to it does not differentiate.
"""
PHRASES = ("in-place", "in place", "inplace", "modified", "derivative is not implemented")
STATES = (0.5, 2.0, -0.75)
"""What the numbers in Python's state are, one after the other."""


class Scale:
    """An object whose attribute a program reads."""

    def __init__(self, factor: float):
        self.factor = factor


def namespace() -> dict[str, Any]:
    """Return the names that every program may use."""
    return {
        "torch": torch,
        "F": torch.nn.functional,
        "factor": STATES[0],
        "options": {"width": STATES[0], "steps": 1},
        "rates": [STATES[0], STATES[1]],
        "scale": Scale(STATES[0]),
        "telling": telling,
        "control": torch._higher_order_ops,
    }


@dataclass
class Outcome:
    """What a call gave: the type of the error if there was one, arrays by what they are, and facts about results."""

    error: str
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]


class World:
    """The names that a program sees, and the function as `prepare` makes it."""

    def __init__(self, program: Program, prepare: Callable[[Any], Any] = lambda f: f):
        self.program = program
        self.names = namespace()
        for each in program.outside:
            self.names[each.name] = made(each, Turn(7), self.names)
        exec(code_of(program.source(), f"<program {program.seed}>", "exec"), self.names)
        function = self.names["f"]
        self.before: dict[str, torch.Tensor] = {}
        """The arguments of the last call."""
        self.function = prepare(torch.vmap(function) if program.wrapped == "vmap" else function)

    def outside(self) -> dict[str, torch.Tensor]:
        """Return the tensors that the function finds outside."""
        return {each.name: self.names[each.name] for each in self.program.outside}

    def set_state(self, turn: Turn) -> None:
        """Change what the function reads from Python."""
        number = STATES[turn.state]
        self.names["factor"] = self.names["options"]["width"] = self.names["rates"][0] = self.names["scale"].factor = number
        self.names["options"]["steps"] = 1 + turn.state

    def call(self, turn: Turn, prepare: Callable[[np.ndarray], Any] = lambda value: None) -> Outcome:
        """Call the function once, and do with its results what the program has done; `prepare` may change its numbers first."""
        self.set_state(turn)
        given: dict[str, torch.Tensor] = {}
        for each in self.program.arguments:
            x = made(each, turn, given)
            given[each.name] = refilled(self.before.get(each.name), x) if turn.kept and not each.of else x
        self.before = given
        named = {**given, **self.outside()}
        for x in named.values():
            prepare(x.value)
        torch.manual_seed(turn.seed)
        TOLD.clear()
        results: list[torch.Tensor] = []
        shown: list[torch.Tensor] = []
        facts: dict[str, Any] = {}
        error = ""
        mode = torch.no_grad() if turn.grad == "no_grad" else contextlib.nullcontext()
        with warnings.catch_warnings(), mode:
            warnings.simplefilter("ignore")
            try:
                results = [x for x in tree.leaves(self.function(*given.values())) if isinstance(x, torch.Tensor)]
                shown = [x.detach().clone() for x in results]
                facts = {f"result {n}": seen(n, results, named, not self.program.uses_up) for n in range(len(results))}
                afterwards(self.program.after, results, list(named.values()))
            except Exception as raised:
                error = type(raised).__name__ + (WRITTEN if any(each in str(raised) for each in PHRASES) else "")
        facts["told"] = list(TOLD)
        arrays = {f"result {n}": y for n, y in enumerate(shown)}
        arrays |= {f"result {n} at the end": y for n, y in enumerate(results)}
        arrays |= {f"{name} after the call": x for name, x in named.items()}
        arrays |= {f"grad of {name}": x.grad for name, x in named.items() if x.is_leaf and x.grad is not None}
        return Outcome(error, {name: kept(x.detach().value) for name, x in arrays.items()}, facts)


def refilled(old: torch.Tensor | None, new: torch.Tensor) -> torch.Tensor:
    """Return the tensor of the call before as the new one is, if it can be: a leaf in memory of its own that lies alike."""
    if old is None or not old.is_leaf or old.origin is not None or new.origin is not None:
        return new
    if (old.shape, old.dtype, old.stride()) != (new.shape, new.dtype, new.stride()):
        return new
    old.requires_grad_(False)
    np.copyto(old.value, new.value)
    old.grad = None
    return old.requires_grad_(new.requires_grad)


def afterwards(after: str, results: list, named: list) -> None:
    """Differentiate results by the tensors around, and gather the derivatives in their grads."""
    live = [weighted(y, n) for n, y in enumerate(results) if y.requires_grad]
    if not after or not live:
        return
    if after == "backward":
        sum(live).backward()
        return
    leaves = [x for x in {id(x): x for x in named}.values() if x.requires_grad and x.is_leaf]
    grads = torch.autograd.grad(sum(live), leaves, create_graph=after == "twice", allow_unused=True)
    again = [weighted(g, n) for n, g in enumerate(grads) if g is not None and g.requires_grad]
    if after == "twice" and again:
        sum(again).backward()
    for leaf, g in zip(leaves, grads):
        if g is not None:
            # how a derivative lies that nobody keeps is nobody's business
            leaf.grad = (g.detach() * 1 if leaf.grad is None else leaf.grad + g.detach()).contiguous()


def weighted(y: torch.Tensor, n: int) -> torch.Tensor:
    """Return the sum of all elements of a tensor with weights that differ."""
    weights = np.cos(np.arange(y.numel()) + n).reshape(y.shape)
    y = y.real + y.imag if y.is_complex() else y
    return (y * torch.tensor(weights, dtype=y.dtype)).sum()


def seen(n: int, results: list, named: dict, whole: bool) -> dict[str, Any]:
    """Return what can be said of a result beside its numbers: its history, and what it is or shares memory with."""
    y = results[n]
    around = {**{f"result {k}": each for k, each in enumerate(results[:n])}, **named}
    same = [name for name, x in around.items() if x is y]
    shares = [name for name, x in around.items() if y.numel() and may_share(x.value, y.value)]
    steps = tuple(step for step, size in zip(y.stride(), y.shape) if size > 1)
    history = whole and leads_back(y, [x for x in named.values() if x.is_leaf])
    return {
        "leads back": history,
        "is": same,
        "shares memory with": shares,
        "steps": steps if any(each in named for each in shares) else None,
    }


def leads_back(y: torch.Tensor, leaves: list) -> bool:
    """Return whether a result has a history that leads to one of the leaves around, or to itself."""
    if not y.requires_grad:
        return False
    wanted, seen, stack = {id(x.node) for x in (*leaves, y) if isinstance(x.node, Leaf)}, set(), [y.node]
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Leaf):
            if id(node) in wanted:
                return True
        elif node.kept is None:
            return False
        else:
            stack.extend(node.edges)
    return False


def kept(value: np.ndarray) -> np.ndarray:
    """Return a copy of an array that lies as it does, or, where that leaves gaps, in the order of its axes."""
    return laid(np.array(value), preserved(value.shape, steps(value)))
