"""Programs as values: lines of source, what they are given, and how the calls differ."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Given", "Program", "Turn"]

INDENT = "    "


@dataclass(frozen=True)
class Given:
    """A tensor that a program is given: an argument, or one that it finds outside.

    `high` bounds the whole numbers of an index; `of` is the expression of a tensor given before that this one looks into.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    layout: str = "dense"
    grad: bool = False
    high: int = 0
    of: str = ""

    def __str__(self) -> str:
        words = [f"{self.name}: {self.dtype}{list(self.shape)}"]
        words += [f"is {self.of}"] if self.of else []
        words += [self.layout] if self.layout != "dense" else []
        words += ["requires grad"] if self.grad else []
        words += [f"index below {self.high}"] if self.high else []
        return ", ".join(words)


@dataclass(frozen=True)
class Turn:
    """One call: the seed of its numbers, what is odd about them, and what is changed before it."""

    seed: int
    numbers: str = "normal"
    indices: str = "valid"
    layout: str = ""
    """The layout of all arguments, if it is another one than usual."""
    grown: int = 0
    """How much longer the first axis of every argument is."""
    grad: str = "as given"
    """Whether arguments require grad: "as given", "none", or "no_grad" around the call."""
    state: int = 0
    """Which of the numbers that the program reads from Python's state."""

    kept: bool = False
    """Whether the arguments are the tensors of the call before, with new numbers, and require grad, or not, as is said here."""

    def __str__(self) -> str:
        usual = Turn(0)
        odd = [f"{name}={each!r}" for name, each in vars(self).items() if name != "seed" and each != getattr(usual, name)]
        return ", ".join([str(self.seed), *odd])


@dataclass(frozen=True)
class Program:
    """A random program."""

    seed: int
    arguments: tuple[Given, ...]
    outside: tuple[Given, ...]
    lines: tuple[str, ...]
    results: tuple[str, ...]
    form: str = "tuple"
    """How the results are returned: "tuple", "one", "nest"."""
    after: str = ""
    """What is done with the results: nothing, "backward", "grad" or "twice" (a derivative of a derivative)."""
    wrapped: str = ""
    """What surrounds the function inside of compile: nothing or "vmap"."""
    turns: tuple[Turn, ...] = field(default=(Turn(0), Turn(1), Turn(2)))

    @property
    def uses_up(self) -> bool:
        """Whether the function goes back through histories that its results may have in common, and frees them."""
        return any("backward()" in line or ("autograd.grad" in line and "_graph=True" not in line) for line in self.lines)

    def source(self) -> str:
        """Return the source of the function."""
        names = ", ".join(each.name for each in self.arguments)
        body = [INDENT + part for line in self.lines for part in line.split("\n")]
        return "\n".join([f"def f({names}):", *body, INDENT + self.returned(), ""])

    def returned(self) -> str:
        """Return the statement that returns the results."""
        if self.form == "one":
            return f"return {self.results[0]}"
        if self.form == "nest":
            return f"return {{'first': {self.results[0]}, 'all': [{', '.join(self.results)}]}}"
        return f"return ({', '.join(self.results)},)"

    def __str__(self) -> str:
        head = [f"# program {self.seed}", *(f"# argument {each}" for each in self.arguments)]
        head += [f"# outside {each}" for each in self.outside]
        head += [f"# afterwards: {self.after}"] if self.after else []
        head += [f"# compiled: {self.wrapped}(f)"] if self.wrapped else []
        return "\n".join([*head, *(f"# call {each}" for each in self.turns), self.source()])
