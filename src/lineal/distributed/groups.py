"""Groups of processes: how one is formed, and what may be asked of it."""

from __future__ import annotations

import enum
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from lineal.base.errors import UnsupportedError

__all__ = [
    "Backend",
    "DistBackendError",
    "DistError",
    "DistNetworkError",
    "DistStoreError",
    "GroupMember",
    "ProcessGroup",
    "ReduceOp",
    "default_pg_timeout",
    "destroy_process_group",
    "get_backend",
    "get_default_backend_for_device",
    "get_global_rank",
    "get_group_rank",
    "get_node_local_rank",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "group",
    "init_process_group",
    "is_available",
    "is_backend_available",
    "is_gloo_available",
    "is_initialized",
    "is_mpi_available",
    "is_nccl_available",
    "is_torchelastic_launched",
    "is_ucc_available",
    "is_xccl_available",
    "new_group",
    "reduce_op",
]

ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What a launcher tells each process, in the order in which it is asked for."""
NOT_BUILT = {"nccl": "NCCL", "mpi": "MPI", "ucc": "UCC", "xccl": "XCCL"}
"""The backends that PyTorch has beside gloo, as its errors name them."""


class ReduceOp(enum.IntEnum):
    """What becomes of the numbers of all ranks."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR, PREMUL_SUM = range(9)


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
reduce_op = ReduceOp


class ProcessGroup:
    """Some processes, each with a rank: this one alone, with rank 0."""

    def __init__(self, backend: str):
        self.backend = backend

    def rank(self) -> int:
        """Return the rank of this process."""
        return 0

    def size(self) -> int:
        """Return the number of processes."""
        return 1

    def name(self) -> str:
        """Return the name of the backend."""
        return self.backend


class World(type):
    """Reads the default group, which there may be one of, as an attribute of the class."""

    formed: ClassVar[ProcessGroup | None] = None
    groups: ClassVar[list[ProcessGroup]] = []
    """The other groups that were formed."""

    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The default group."""
        return World.formed


class group(metaclass=World):  # noqa: N801
    """Names the default group, as `group.WORLD`."""


class GroupMember(metaclass=World):
    """Names the default group, and what stands for a group that this process is not in."""

    NON_GROUP_MEMBER = -100


def is_available() -> bool:
    """Return whether groups of processes can be formed."""
    return True


def is_gloo_available() -> bool:
    """Return whether the backend "gloo" is offered: by that name, a group of one process."""
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
    """Return whether the backend "mpi" is there."""
    return False


def is_backend_available(backend: str) -> bool:
    """Return whether a backend of this name is there."""
    return backend.lower() == "gloo"


def is_torchelastic_launched() -> bool:
    """Return whether a launcher that restarts processes has started this one."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_initialized() -> bool:
    """Return whether the default group was formed."""
    return World.formed is not None


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Form the default group: of this process alone.

    The number of processes is `world_size`, or what the environment says (RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT);
    UnsupportedError if it is not 1, ValueError if it is not told or there is a group already.
    """
    if is_initialized():
        raise ValueError("init_process_group: trying to initialize the default process group twice!")
    name = known_backend(backend)
    if store is None and init_method in (None, "env://"):
        rank, world_size = from_environment(rank, world_size)
    require_alone(rank, world_size, (init_method or "env://").partition("://")[0])
    World.formed = ProcessGroup(name)


def known_backend(backend: str | None) -> str:
    """Return the name of a backend; RuntimeError if it is one of PyTorch's that is not here, ValueError if it is none."""
    if backend is None:
        return "undefined"
    for each in backend.lower().split(","):
        name = each.rpartition(":")[2]
        if name in NOT_BUILT:
            raise RuntimeError(f"init_process_group: Distributed package doesn't have {NOT_BUILT[name]} built in; use gloo")
        if name != "gloo":
            raise ValueError(f"init_process_group: Invalid backend: '{backend}'; expected 'gloo'")
    return backend.lower()


def from_environment(rank: int, world_size: int) -> tuple[int, int]:
    """Return rank and number of processes, from the environment unless they are given; ValueError if it does not tell."""
    given = {"RANK": rank, "WORLD_SIZE": world_size}
    for name in ENVIRONMENT:
        if given.get(name, -1) < 0 and name not in os.environ:
            raise ValueError(
                "init_process_group: Error initializing torch.distributed using env:// rendezvous: environment variable "
                f"{name} expected, but not set"
            )
    found = [number if number >= 0 else int(os.environ[name]) for name, number in given.items()]
    return found[0], found[1]


def require_alone(rank: int, world_size: int, method: str) -> None:
    """Refuse more than one process, and numbers that were not given."""
    for name, number in (("rank", rank), ("world_size", world_size)):
        if number < 0:
            raise ValueError(f"init_process_group: using {method}:// rendezvous: {name} parameter missing")
    if world_size != 1:
        raise UnsupportedError(
            f"init_process_group: this is rank {rank} of {world_size} processes, and lineal computes in one; start one process"
        )
    if rank:
        raise ValueError(f"init_process_group: expected rank 0 of 1 process, got {rank}")


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Dissolve a group: the default one, and with it all others, or the one that is given; AssertionError if there is none."""
    if World.formed is None:
        raise AssertionError("destroy_process_group: Process group cannot be None")
    if group is None or group is World.formed:
        World.formed = None
        World.groups.clear()
    else:
        World.groups.remove(require_group(group))


def require_group(group: ProcessGroup | None) -> ProcessGroup:
    """Return a group, None being the default one; ValueError if it was not formed, or dissolved."""
    if World.formed is None:
        raise ValueError(
            "torch.distributed: Default process group has not been initialized, please make sure to call init_process_group."
        )
    if group is None or group is World.formed:
        return World.formed
    if group not in World.groups:
        raise ValueError(f"torch.distributed: Invalid process group specified: {group!r}")
    return group


def new_group(
    ranks: Sequence[int] | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
    sort_ranks: bool = True,
) -> ProcessGroup:
    """Form a group of some ranks of the default one, of which there is rank 0 alone; ValueError for others."""
    world = require_group(None)
    if ranks is not None and list(ranks) != [0]:
        raise ValueError(f"new_group: expected ranks of a world of 1 process, [0], got {list(ranks)}")
    made = ProcessGroup(world.backend if backend is None else known_backend(backend))
    World.groups.append(made)
    return made


def get_backend(group: ProcessGroup | None = None) -> str:
    """Return the name of a group's backend."""
    return require_group(group).backend


def get_default_backend_for_device(device: Any) -> str:
    """Return the backend that computes on a device: gloo on the host; ValueError for others."""
    if str(device).partition(":")[0] != "cpu":
        raise ValueError(f"get_default_backend_for_device: Default backend not registered for device : {device}")
    return "gloo"


def get_rank(group: ProcessGroup | None = None) -> int:
    """Return the rank of this process in a group; ValueError if the group was not formed."""
    return require_group(group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """Return the number of processes in a group; ValueError if the group was not formed."""
    return require_group(group).size()


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """Return the rank among the processes of this machine, as the launcher tells; RuntimeError if nobody does."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is None:
        raise RuntimeError("get_node_local_rank: LOCAL_RANK is not in the environment; pass fallback_rank")
    return int(fallback_rank)


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """Return the rank in the default group of a rank in `group`."""
    return known_rank(group, group_rank, "Group rank")


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """Return the rank in `group` of a rank in the default group."""
    return known_rank(group, global_rank, "Global rank")


def known_rank(group: ProcessGroup | None, rank: int, what: str = "Rank") -> int:
    """Return a rank if a group has it; ValueError if not."""
    size = require_group(group).size()
    if not 0 <= rank < size:
        raise ValueError(f"torch.distributed: {what} {rank} is not part of a group of {size} process")
    return rank


def get_process_group_ranks(group: ProcessGroup | None) -> list[int]:
    """Return the ranks of a group."""
    return list(range(require_group(group).size()))
