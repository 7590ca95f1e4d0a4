"""What all processes of a group do together with Python's objects, which are sent by value."""

from __future__ import annotations

import pickle
from typing import Any

from lineal.distributed.collectives import only, require_root
from lineal.distributed.groups import ProcessGroup, require_group

__all__ = ["all_gather_object", "broadcast_object_list", "gather_object", "scatter_object_list"]


def sent(obj: Any) -> Any:
    """Return an object as it arrives: as a copy, that pickle makes."""
    return pickle.loads(pickle.dumps(obj))


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """Put the objects of all ranks into a list with a place for each."""
    require_group(group)
    only("all_gather_object", object_list)
    object_list[0] = sent(obj)


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: ProcessGroup | None = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """Give all ranks the objects of one, in place."""
    require_root("broadcast_object_list", group, src, group_src)


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: ProcessGroup | None = None,
    group_dst: int | None = None,
) -> None:
    """Put the objects of all ranks into a list on one."""
    require_root("gather_object", group, dst, group_dst, 0)
    if not object_gather_list:
        raise ValueError("gather_object: Argument ``object_gather_list`` must be specified on destination rank.")
    only("gather_object", object_gather_list)
    object_gather_list[0] = sent(obj)


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: ProcessGroup | None = None,
    group_src: int | None = None,
) -> None:
    """Put into the first place of a list this rank's entry of a list on one."""
    require_root("scatter_object_list", group, src, group_src, 0)
    if not scatter_object_output_list:
        raise ValueError("scatter_object_list: Expected argument scatter_object_output_list to be a list of size at least 1.")
    if not scatter_object_input_list:
        raise ValueError("scatter_object_list: Argument ``scatter_object_input_list`` must be specified on source rank.")
    scatter_object_output_list[0] = sent(only("scatter_object_list", scatter_object_input_list))
