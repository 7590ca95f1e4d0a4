"""The exceptions and warnings of lineal that Python does not have already."""

from __future__ import annotations

__all__ = ["IllConditionedWarning", "OutOfMemoryError", "UnsupportedError"]


class LinAlgError(RuntimeError):
    """A linear-algebra routine met a matrix it cannot handle (singular, not positive definite, no convergence)."""


class IllConditionedWarning(UserWarning):
    """A result was computed, but the input leaves it with few correct digits."""


class NotOneNumberError(RuntimeError, TypeError):
    """A tensor of several numbers was to be one: PyTorch's kind of error, and NumPy's, which libraries that plot try for."""


class OutOfMemoryError(RuntimeError):
    """An accelerator has not the memory that was asked for; programs catch it to go on with smaller batches."""


class UnsupportedError(NotImplementedError):
    """The request is meaningful, but this build or machine does not offer it."""
