"""Drafting: a program is written line by line, and every line is run, so that each fits the tensors that are there."""

from __future__ import annotations

import warnings
from builtins import compile as code_of
from collections.abc import Callable
from random import Random
from typing import Any

import lineal as torch
from fuzz.programs import INDENT, Given, Turn
from fuzz.tensors import made
from fuzz.worlds import namespace

__all__ = ["Draft"]

LIMIT = 8.0
"""How large numbers may become before they are drawn in."""


class Draft:
    """A program that is being written: what is drawn from, the lines so far, and the tensors that they made."""

    def __init__(self, seed: int, sizes: tuple[int, ...], dtype: str, most: int = 5000):
        self.random = Random(seed)
        self.seed = seed
        self.sizes = sizes
        self.dtype = dtype
        self.most = most
        self.arguments: list[Given] = []
        self.outside: list[Given] = []
        self.lines: list[str] = []
        self.names = namespace()
        self.pool: list[str] = []
        self.count = 0

    # drawing

    def integer(self, low: int, high: int) -> int:
        """Return a whole number in range(low, high)."""
        return self.random.randrange(low, high)

    def chance(self, share: float) -> bool:
        """Return true in that share of cases."""
        return self.random.random() < share

    def choice(self, several: Any) -> Any:
        """Return one of several."""
        return several[self.random.randrange(len(several))]

    def number(self) -> float:
        """Return a short number of about 1."""
        return self.choice((0.5, -0.5, 0.25, 1.5, -1.25, 2.0, 0.75, -2.0, 0.1))

    def tensor(self, name: str) -> torch.Tensor:
        """Return the tensor of a name."""
        return self.names[name]

    def pick(self, fits: Callable[[torch.Tensor], bool] = lambda x: True) -> str | None:
        """Return the name of a tensor that fits, rather a late one; None if none does."""
        found = [name for name in self.pool if fits(self.names[name])]
        if not found:
            return None
        return self.choice(found[-3:] if self.chance(0.5) else found)

    def float(self, fits: Callable[[torch.Tensor], bool] = lambda x: True) -> str | None:
        """Return the name of a tensor of real numbers that fits."""
        return self.pick(lambda x: x.is_floating_point() and fits(x))

    def like(self, name: str) -> str | None:
        """Return the name of a tensor of the same shape and dtype as another, perhaps of that."""
        x = self.names[name]
        return self.pick(lambda y: y.shape == x.shape and y.dtype == x.dtype)

    # writing

    def give(self, given: Given, outside: bool = False) -> str:
        """Add a tensor that the program is given."""
        (self.outside if outside else self.arguments).append(given)
        # what lies outside has the numbers of another turn
        self.names[given.name] = made(given, Turn(7 if outside else 0), self.names)
        if not given.high:
            self.pool.append(given.name)
        return given.name

    def line(self, text: str) -> bool:
        """Append a line if it runs; return whether it does."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(code_of(text, "<draft>", "exec"), self.names)
        except Exception:
            return False
        self.lines.append(text)
        return True

    def let(self, expression: str, count: int = 1, before: str = "") -> list[str]:
        """Append a line that names what an expression makes; return the names, none if it does not run."""
        names = [f"v{self.count + n}" for n in range(count)]
        text = before + f"{', '.join(names)} = {expression}"
        length = len(self.lines)
        if not self.line(text):
            return []
        if any(not isinstance(self.names[name], torch.Tensor) or self.names[name].numel() > self.most for name in names):
            del self.lines[length:]
            return []
        self.count += count
        for name in names:
            self.enter(name)
        return names

    def enter(self, name: str) -> None:
        """Let later lines use a tensor; draw it in if its numbers are large."""
        x = self.names[name]
        self.pool.append(name)
        if x.is_floating_point() and x.numel() and not float(x.detach().abs().max()) < LIMIT:
            near = f"v{self.count}"
            if self.line(f"{near} = torch.tanh({name})"):
                self.count += 1
                self.pool.append(near)

    def inside(self, head: str, text: str) -> bool:
        """Append a line under a compound statement's head."""
        return self.line(f"{head}\n{INDENT}" + text.replace("\n", "\n" + INDENT))
