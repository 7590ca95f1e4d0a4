"""Groups of processes, and what may be asked of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from lineal.distributed.backends import known_backend
from lineal.distributed.calls import Call
from lineal.distributed.transport import Transport
from lineal.distributed.work import Order

__all__ = [
    "GroupMember",
    "ProcessGroup",
    "destroy_process_group",
    "get_backend",
    "get_global_rank",
    "get_group_rank",
    "get_node_local_rank",
    "get_process_group_ranks",
    "get_rank",
    "get_world_size",
    "group",
    "is_initialized",
    "new_group",
    "new_subgroups",
    "new_subgroups_by_enumeration",
]


class ProcessGroup:
    """Some processes, each with a rank; `ranks` are their ranks in the default group."""

    def __init__(self, backend: str, transport: Transport, ranks: Sequence[int], number: int):
        self.backend, self.transport, self.ranks = backend, transport, list(ranks)
        self.group_name = str(number)
        self.collectives = Order()
        self.messages: dict[Any, Order] = {}
        """What goes to and comes from each other rank, in its order."""

    def rank(self) -> int:
        """Return the rank of this process."""
        return self.transport.rank

    def size(self) -> int:
        """Return the number of processes."""
        return self.transport.size

    def name(self) -> str:
        """Return the name of the backend."""
        return self.backend

    def order(self, way: Any) -> Order:
        """Return the order of the messages of one way, made at first use."""
        return self.messages.setdefault(way, Order())

    def close(self) -> None:
        """Leave the group."""
        for each in (self.collectives, *self.messages.values()):
            each.end()
        self.transport.close()


NON_GROUP_MEMBER = -100
"""What stands for a group that this process is not in."""


class World(type):
    """Reads the default group, which there may be one of, as an attribute of the class."""

    formed: ClassVar[ProcessGroup | None] = None
    groups: ClassVar[list[ProcessGroup]] = []
    """The other groups that were formed."""
    count: ClassVar[int] = 0
    """How many groups were formed since the default one."""

    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The default group."""
        return World.formed


class group(metaclass=World):  # noqa: N801
    """Names the default group, as `group.WORLD`."""


class GroupMember(metaclass=World):
    """Names the default group, and what stands for a group that this process is not in."""

    NON_GROUP_MEMBER = NON_GROUP_MEMBER


def is_initialized() -> bool:
    """Return whether the default group was formed."""
    return World.formed is not None


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Dissolve a group: the default one, and with it all others, or the one that is given; AssertionError if there is none."""
    if World.formed is None:
        raise AssertionError("destroy_process_group: Process group cannot be None")
    if group is None or group is World.formed:
        for each in (*World.groups, World.formed):
            each.close()
        World.formed = None
        World.groups.clear()
    elif group != NON_GROUP_MEMBER:
        found = require_group(group)
        World.groups.remove(found)
        found.close()


def require_group(group: Any) -> ProcessGroup:
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


def is_member(name: str, group: Any) -> bool:
    """Return whether this process is in a group; a warning says so if it is not."""
    if group is None or group != NON_GROUP_MEMBER:
        return True
    warnings.warn(f"{name}: Running {name} on global rank {get_rank()} which does not belong to the given group.", stacklevel=3)
    return False


def new_group(
    ranks: Sequence[int] | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
    sort_ranks: bool = True,
) -> Any:
    """Form a group of some ranks of the default one, by default all; ranks outside get `GroupMember.NON_GROUP_MEMBER`.

    All ranks of the default group call this, or, with `use_local_synchronization`, those of the new one. ValueError for
    ranks that there are not, or that come twice.
    """
    world = require_group(None)
    known = list(range(world.size())) if ranks is None else [int(each) for each in ranks]
    known = sorted(known) if sort_ranks else known
    if len(set(known)) != len(known) or not known or not all(0 <= each < world.size() for each in known):
        raise ValueError(
            f"new_group: expected different ranks of a world of {world.size()} processes, "
            f"{list(range(world.size()))}, got {list(ranks or [])}"
        )
    name = world.backend if backend is None else known_backend(backend)
    if use_local_synchronization and world.rank() not in known:
        return NON_GROUP_MEMBER
    World.count += 1
    transport = world.transport.sub(known, Call("new_group", tuple(known)), use_local_synchronization)
    if transport is None:
        return NON_GROUP_MEMBER
    transport.timeout = timeout or transport.timeout
    made = ProcessGroup(name, transport, known, World.count)
    World.groups.append(made)
    return made


def new_subgroups(
    group_size: int | None = None,
    group: ProcessGroup | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    group_desc: str | None = None,
) -> tuple[Any, list[Any]]:
    """Form groups of `group_size` ranks that follow each other; return the one that this process is in, and all."""
    size = get_world_size(group)
    each = size if group_size is None else group_size
    if each <= 0 or size % each:
        raise ValueError(f"new_subgroups: expected a group_size that divides the world size {size}, got {group_size}")
    ranks = get_process_group_ranks(group)
    return new_subgroups_by_enumeration([ranks[n : n + each] for n in range(0, size, each)], timeout, backend)


def new_subgroups_by_enumeration(
    ranks_per_subgroup_list: Sequence[Sequence[int]],
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    group_desc: str | None = None,
) -> tuple[Any, list[Any]]:
    """Form groups of these ranks, none of them in two; return the one that this process is in, or None, and all."""
    every = [rank for ranks in ranks_per_subgroup_list for rank in ranks]
    if not every or len(set(every)) != len(every):
        raise ValueError(f"new_subgroups_by_enumeration: expected ranks, each in one group, got {ranks_per_subgroup_list}")
    made = [new_group(ranks, timeout, backend, pg_options, group_desc=group_desc) for ranks in ranks_per_subgroup_list]
    return next((each for each in made if each != NON_GROUP_MEMBER), None), made


def get_backend(group: ProcessGroup | None = None) -> str:
    """Return the name of a group's backend."""
    return require_group(group).backend


def get_rank(group: ProcessGroup | None = None) -> int:
    """Return the rank of this process in a group, -1 if it is not in it; ValueError if the group was not formed."""
    return -1 if group is not None and group == NON_GROUP_MEMBER else require_group(group).rank()


def get_world_size(group: ProcessGroup | None = None) -> int:
    """Return the number of processes in a group, -1 if this one is not in it; ValueError if the group was not formed."""
    return -1 if group is not None and group == NON_GROUP_MEMBER else require_group(group).size()


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """Return the rank among the processes of this machine, as the launcher tells; RuntimeError if nobody does."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is None:
        raise RuntimeError("get_node_local_rank: LOCAL_RANK is not in the environment; pass fallback_rank")
    return int(fallback_rank)


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """Return the rank in the default group of a rank in `group`."""
    ranks = require_group(group).ranks
    if not 0 <= group_rank < len(ranks):
        raise ValueError(f"torch.distributed: Group rank {group_rank} is not part of {of_size(len(ranks))}")
    return ranks[group_rank]


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """Return the rank in `group` of a rank in the default group."""
    return rank_in(require_group(group), global_rank, "Global rank")


def rank_in(group: ProcessGroup, global_rank: int, what: str = "Rank") -> int:
    """Return the rank in a group of a rank in the default group; ValueError if it is not in it."""
    if global_rank not in group.ranks:
        raise ValueError(f"torch.distributed: {what} {global_rank} is not part of {of_size(group.size())}")
    return group.ranks.index(global_rank)


def of_size(size: int) -> str:
    """Return the words for a group of so many processes."""
    return f"a group of {size} process{'es' if size > 1 else ''}"


def get_process_group_ranks(group: ProcessGroup | None) -> list[int]:
    """Return the ranks of a group, in the default one."""
    return list(require_group(group).ranks)
