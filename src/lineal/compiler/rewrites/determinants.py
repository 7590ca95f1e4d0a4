"""Rewrites of determinants: what is wanted of them is mostly the logarithm, which stays in range where they do not."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from lineal.compiler.rewrites.draft import Draft, label
from lineal.ops.elementwise.arithmetic import mul, true_divide
from lineal.ops.linalg.cofactors import Cofactors
from lineal.ops.linalg.determinants import Determinant, SignLogDet
from lineal.ops.linalg.systems import Inverse
from lineal.ops.pattern import Elementwise
from lineal.ops.premise import Premise
from lineal.tracing import Equation, Var

__all__ = ["slogdet"]

SIGNED = Elementwise("signed", lambda m, x, sign: m.where(sign < 0, x * math.nan, x), (lambda g: g, None))
"""log x by log |x| and the sign of x."""


def slogdet(draft: Draft) -> None:
    """log det A = l and log |det A| = l, where det A = s eˡ; in derivatives, det A (g / det A) = g and cof A = det A A⁻ᵀ."""
    found = {each.outputs[0]: Logarithm(draft, each) for each in draft.equations if type(each.op) is Determinant}
    found = {var: each for var, each in found.items() if var.spec.storage.kind == "f"}
    found = {var: each for var, each in found.items() if any(label(reader) in ("log", "abs") for reader in draft.readers(var))}
    if not found:
        return

    def rule(each: Equation) -> tuple[Var, ...] | None:
        if label(each) == "log":
            maker = draft.maker(each.inputs[0])
            if label(maker) == "abs" and maker.inputs[0] in found:  # type: ignore[union-attr]
                return (found[maker.inputs[0]].size(),)  # type: ignore[union-attr]
            return (found[each.inputs[0]].signed(),) if each.inputs[0] in found else None
        if label(each) == "mul":
            made = Quotient(draft, found).simplified(each.outputs[0])
            return None if made is None else (made,)
        return None

    draft.rewrite(rule)
    for var in found:
        forget(draft, var)


class Logarithm:
    """A determinant of which the logarithm is wanted."""

    def __init__(self, draft: Draft, equation: Equation):
        self.draft = draft
        self.A = equation.inputs[0]
        self.spec = equation.outputs[0].spec
        self.parts: tuple[Var, Var] | None = None
        self.inverse: Var | None = None

    def slogdet(self) -> tuple[Var, Var]:
        """Return sign and logarithm; add what makes them where they are needed first."""
        found = self.parts
        if found is None:
            like = (self.spec.shape, self.spec.storage)
            found = self.parts = self.draft.put(SignLogDet(), (self.A,), like, like)
        return found

    def size(self) -> Var:
        """Return log |det A|."""
        return self.slogdet()[1]

    def signed(self) -> Var:
        """Return log det A, NaN where the determinant is negative."""
        sign, size = self.slogdet()
        return self.draft.put(SIGNED, (size, sign), (self.spec.shape, self.spec.storage))

    def adjoint(self) -> Var:
        """Return A⁻ᵀ."""
        found = self.inverse
        if found is None:
            found = self.inverse = self.draft.put(Inverse(), (self.A,), (self.A.spec.shape, self.A.spec.storage))
        return self.draft.transposed(found)


Factor = tuple[Var, tuple]
"""A variable and the views it is seen through: ops, with the shapes and dtypes they give."""


class Quotient:
    """A product as its factors and divisors, each a variable seen through views; the same above and below cancel."""

    def __init__(self, draft: Draft, determinants: dict[Var, Logarithm]):
        self.draft = draft
        self.determinants = determinants
        self.powers: Counter[Any] = Counter()
        self.signs: Counter[Any] = Counter()
        self.divisors: list[Factor] = []
        """The determinants that the product was divided by."""

    def simplified(self, product: Var) -> Var | None:
        """Return a product in which no determinant is divided by; None if there was none."""
        self.collect(product, (), 1)
        cofactors = {key: maker for key in self.powers if (maker := self.cofactors(key)) is not None}
        for key, A in cofactors.items():
            place = next((each for each in self.divisors if self.determinants[each[0]].A is A), None)
            if place is not None:
                # cof A / det A
                self.powers[place] += self.powers[key]
                self.powers[self.determinants[place[0]].adjoint(), key[1]] += self.powers.pop(key)
        seen = [key for key in self.powers if key[0] in self.determinants]
        touched = (
            bool(self.divisors) and all(self.powers[key] == 0 for key in seen) and all(n % 2 == 0 for n in self.signs.values())
        )
        return self.built(product) if touched else None

    def cofactors(self, key: Factor) -> Var | None:
        """Return the matrix of which a factor is the cofactors."""
        maker = self.draft.maker(key[0])
        return maker.inputs[0] if maker is not None and type(maker.op) is Cofactors else None

    def collect(self, x: Var, views: tuple, power: int) -> None:
        """Take x, seen through views, to a power of 1 or -1, apart."""
        maker = self.draft.maker(x)
        name = label(maker)
        if maker is None or not (name or single_view(maker)):
            self.take(x, views, power)
        elif name in ("mul", "div"):
            first, second = maker.inputs
            self.collect(first, views, power)
            self.collect(second, views, power if name == "mul" else -power)
        elif name == "abs_backward":
            self.collect(maker.inputs[0], views, power)
            self.signs[maker.inputs[1], views] += 1
        elif name == "abs" and maker.inputs[0] in self.determinants:
            self.take(maker.inputs[0], views, power)
            self.signs[maker.inputs[0], views] += 1
        elif single_view(maker):
            spec = x.spec
            self.collect(maker.inputs[0], ((maker.op, spec.shape, spec.storage), *views), power)
        else:
            self.take(x, views, power)

    def take(self, x: Var, views: tuple, power: int) -> None:
        """Take x, which is no product, to a power."""
        self.powers[x, views] += power
        if power < 0 and x in self.determinants:
            self.divisors.append((x, views))

    def built(self, product: Var) -> Var:
        """Add the product of what is left."""
        above = [self.seen(*key) for key, power in self.powers.items() for _ in range(power)]
        below = [self.seen(*key) for key, power in self.powers.items() for _ in range(-power)]
        like = (product.spec.shape, product.spec.storage)
        y = above[0]
        for op, others in ((mul.op, above[1:]), (true_divide.op, below)):
            for each in others:
                y = self.draft.put(op, (y, each), like)
        return y

    def seen(self, x: Var, views: tuple) -> Var:
        """Add the views through which a factor is seen."""
        for op, shape, dtype in views:
            x = self.draft.put(op, (x,), (shape, dtype))
        return x


def single_view(equation: Equation) -> bool:
    """Return whether an equation only looks at its input otherwise."""
    return equation.op.aliasing == "view" and len(equation.outputs) == 1


def forget(draft: Draft, determinant: Var) -> None:
    """Leave out the premise that a determinant is not 0, if that is all it is read for."""
    readers = draft.readers(determinant)
    tests = {each.outputs[0] for each in readers if label(each) == "ne"}
    if len(tests) == len(readers):
        draft.equations = [each for each in draft.equations if type(each.op) is not Premise or each.inputs[0] not in tests]
        draft.drop()
