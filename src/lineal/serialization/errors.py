"""What is wrong with a file."""

from __future__ import annotations

import pickle

__all__ = ["CheckpointError", "UnavailableError", "UnpicklingError"]


class CheckpointError(RuntimeError):
    """A file is damaged, or is no checkpoint."""


class UnpicklingError(CheckpointError, pickle.UnpicklingError):
    """A pickle asks for what files may not ask for, or makes no sense."""


class UnavailableError(RuntimeError):
    """A file has tensors on a device that is not here."""
