"""What a constraint is, and constraints that depend on the distribution they belong to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.tensors import Tensor

__all__ = ["Constraint", "dependent", "dependent_property", "is_dependent"]


class Constraint:
    """A region that values may lie in.

    `is_discrete` says whether it has whole numbers alone, `event_dim` how many dimensions from the right are one value. A
    subclass's name without its first underscore is what it prints.
    """

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Tensor) -> Tensor:
        """Return for each value, of `event_dim` dimensions, whether it lies in the region."""
        raise NotImplementedError(f"{type(self).__name__}: check is not implemented")

    def __repr__(self) -> str:
        return f"{type(self).__name__.removeprefix('_')}({self.described()})"

    def described(self) -> str:
        """Return what stands between the parentheses when it is printed."""
        return ""


class _Dependent(Constraint):
    """A region known only when the distribution's parameters are."""

    def __init__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented):
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    @property
    def is_discrete(self) -> bool:
        """Whether it has whole numbers alone, if that was said."""
        return self._said("is_discrete")

    @property
    def event_dim(self) -> int:
        """How many dimensions from the right are one value, if that was said."""
        return self._said("event_dim")

    def _said(self, name: str) -> Any:
        value = getattr(self, f"_{name}")
        if value is NotImplemented:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return value

    def __call__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented) -> _Dependent:
        return _Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, value: Tensor) -> Tensor:
        raise ValueError("Cannot determine validity of dependent constraint")


class _DependentProperty(property, _Dependent):
    """A property that gives a constraint of an instance, and is a dependent one of the class.

    Used as a decorator, with or without `is_discrete` and `event_dim` in parentheses.
    """

    def __init__(
        self, fn: Callable[[Any], Any] | None = None, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented
    ):
        super().__init__(fn)
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    def __call__(self, fn: Callable[[Any], Any]) -> _DependentProperty:  # type: ignore[override]
        return _DependentProperty(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


dependent = _Dependent()
dependent_property = _DependentProperty


def is_dependent(constraint: Any) -> bool:
    """Return whether nothing can be checked without the distribution."""
    return isinstance(constraint, _Dependent)
