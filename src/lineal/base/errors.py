"""The exceptions and warnings of lineal that Python does not have already."""

from __future__ import annotations

__all__ = ["IllConditionedWarning", "UnsupportedError"]


class LinAlgError(RuntimeError):
    """A linear-algebra routine met a matrix it cannot handle (singular, not positive definite, no convergence)."""


class IllConditionedWarning(UserWarning):
    """A result was computed, but the input leaves it with few correct digits."""


class UnsupportedError(NotImplementedError):
    """The request is meaningful, but this build or machine does not offer it."""
