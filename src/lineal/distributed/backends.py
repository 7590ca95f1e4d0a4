"""The names of backends, what is there of them, and the errors of processes that compute together."""

from __future__ import annotations

import importlib.util
import os
import warnings
from datetime import timedelta
from typing import Any

__all__ = [
    "Backend",
    "DistBackendError",
    "DistError",
    "DistNetworkError",
    "DistStoreError",
    "default_pg_timeout",
    "get_default_backend_for_device",
    "is_available",
    "is_backend_available",
    "is_gloo_available",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "is_ucc_available",
    "is_xccl_available",
]

NOT_BUILT = {"ucc": "UCC", "xccl": "XCCL"}
"""The backends of PyTorch's that programs do not get by any name, as its errors name them."""


class Backend(str):
    """The name of a backend, in small letters."""

    UNDEFINED, GLOO, NCCL, UCC, MPI, XCCL = "undefined", "gloo", "nccl", "ucc", "mpi", "xccl"

    def __new__(cls, name: str) -> Backend:
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, got {name!r}")
        return super().__new__(cls, name.lower())


class DistError(RuntimeError):
    """Something that processes do together has failed."""


class DistBackendError(DistError):
    """A backend has failed."""


class DistNetworkError(DistError):
    """Processes do not reach each other."""


class DistStoreError(DistError):
    """What processes tell each other has failed."""


default_pg_timeout = timedelta(minutes=30)


def is_available() -> bool:
    """Return whether groups of processes can be formed."""
    return True


def is_gloo_available() -> bool:
    """Return whether the backend "gloo" is offered: by that name, processes of one machine that share memory."""
    return True


def is_nccl_available() -> bool:
    """Return whether the backend of NVIDIA's devices is there."""
    return False


def is_ucc_available() -> bool:
    """Return whether the backend "ucc" is there."""
    return False


def is_xccl_available() -> bool:
    """Return whether the backend of Intel's devices is there."""
    return False


def is_mpi_available() -> bool:
    """Return whether the backend "mpi" is there: whether mpi4py is installed."""
    return importlib.util.find_spec("mpi4py") is not None


def is_backend_available(backend: str) -> bool:
    """Return whether a backend of this name is there."""
    return backend.lower() == "gloo" or (backend.lower() == "mpi" and is_mpi_available())


def is_torchelastic_launched() -> bool:
    """Return whether a launcher that restarts processes has started this one."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def get_default_backend_for_device(device: Any) -> str:
    """Return the backend that computes on a device: gloo on the host; ValueError for others."""
    if str(device).partition(":")[0] != "cpu":
        raise ValueError(f"get_default_backend_for_device: Default backend not registered for device : {device}")
    return "gloo"


def known_backend(backend: str | None) -> str:
    """Return the name of the backend that runs; RuntimeError if it is one of PyTorch's that is not here, ValueError if none.

    "nccl" gets "gloo", and a warning says so.
    """
    if backend is None:
        return "undefined"
    names = {each.rpartition(":")[2] for each in backend.lower().split(",")}
    for name in names:
        if name in NOT_BUILT:
            raise RuntimeError(f"init_process_group: Distributed package doesn't have {NOT_BUILT[name]} built in; use gloo")
        if name not in ("gloo", "mpi", "nccl"):
            raise ValueError(f"init_process_group: Invalid backend: '{backend}'; expected 'gloo' or 'mpi'")
    if "mpi" in names and not is_mpi_available():
        raise RuntimeError("init_process_group: Distributed package doesn't have MPI built in; pip install 'lineal[mpi]'")
    if "nccl" in names:
        warnings.warn("init_process_group: there is no NCCL on the host; gloo runs instead", UserWarning, stacklevel=3)
        return "gloo"
    return backend.lower()
