"""Checkpoints that all ranks write together, and any number of ranks can read: `torch.distributed.checkpoint`.

A checkpoint is a folder. Each rank writes one file of safetensors with its parts; the first also writes what is whole and an
index, `.metadata.json`, which says of each tensor which rows stand in which file. The index is replaced as a whole, after all
files are there, so that an interrupted save leaves the checkpoint of before.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lineal import ops
from lineal.core import no_grad
from lineal.distributed import (
    ProcessGroup,
    all_gather_object,
    barrier,
    broadcast_object_list,
    get_rank,
    get_world_size,
    is_initialized,
)
from lineal.nn.sharded.sharding import ShardedParameter, ShardedTensor
from lineal.serialization.checkpoint import load as read
from lineal.serialization.checkpoint import save as write
from lineal.serialization.errors import CheckpointError
from lineal.serialization.writing import write as write_bytes
from lineal.tensors import Tensor

__all__ = ["load", "save"]

INDEX, FORMAT = ".metadata.json", "lineal sharded checkpoint, 1"
OBJECTS = "objects"
SEPARATOR = "\x1f"
"""Stands between the keys of nested dicts, which may contain dots."""


def entries(nest: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any] | list[Any], Any, Any]]:
    """Yield the names of all leaves of nested dicts and lists, where each stands, under which key, and what it is."""
    for key, value in nest.items() if isinstance(nest, dict) else enumerate(nest):
        here = (*path, str(key))
        if isinstance(value, (dict, list)):
            yield from entries(value, here)
        else:
            yield SEPARATOR.join(here), nest, key, value


def part_of(value: Any) -> ShardedTensor | None:
    """Return the part of a tensor that this rank has; None for what is whole."""
    if isinstance(value, ShardedParameter):
        return ShardedTensor(value.detach(), value.sharding)
    return value if isinstance(value, ShardedTensor) else None


def place_of(checkpoint_id: Any) -> Path:
    """Return the folder of a checkpoint."""
    if checkpoint_id is None:
        raise ValueError("distributed.checkpoint: expected a folder as checkpoint_id")
    return Path(os.fspath(checkpoint_id))


def save(
    state_dict: dict[str, Any],
    *,
    checkpoint_id: str | os.PathLike[str] | None = None,
    process_group: ProcessGroup | None = None,
    **given: Any,
) -> None:
    """Write nested dicts of tensors, parts of tensors and plain values into a folder; all ranks call this, with the same names.

    Parts come from the ranks that have them, all else from the first. Without a group, one process writes all.
    """
    folder, rank, size = place_of(checkpoint_id), *me(process_group)
    mark = [secrets.token_hex(4)]
    if size > 1:
        broadcast_object_list(mark, group=process_group, group_src=0)
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, Any] = {}
    tensors, objects = {}, {}
    for name, _, _, value in entries(state_dict):
        part = part_of(value)
        if part is not None:
            begin, end = part.sharding.rows(part.sharding.group.rank())
            index[name] = {"shape": list(part.shape), "rows": [[begin, end]], "dim": part.sharding.dim}
            tensors[name] = part.local.movedim(part.sharding.dim, 0)
        elif rank == 0 and isinstance(value, Tensor):
            index[name] = {"shape": list(value.shape), "rows": None, "dim": 0}
            tensors[name] = value.detach()
        elif rank == 0:
            objects[name] = value
    file = f"{mark[0]}-{rank}.safetensors"
    write({name: x.contiguous() for name, x in tensors.items()}, folder / file)
    every = [{name: {**each, "files": [file]} for name, each in index.items()}]
    if size > 1:
        every *= size
        all_gather_object(every, every[0], process_group)
    if rank == 0:
        write(objects, folder / f"{mark[0]}-{OBJECTS}.pt")
        finish(folder, mark[0], joined(every))
    if size > 1:
        barrier(process_group)


def joined(every: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one index of those of all ranks."""
    found: dict[str, Any] = {}
    for index in every:
        for name, each in index.items():
            known = found.setdefault(name, each)
            if known is not each and each["rows"] is not None:
                known["rows"] += each["rows"]
                known["files"] += each["files"]
    return found


def finish(folder: Path, mark: str, index: dict[str, Any]) -> None:
    """Write the index, and take away the files of checkpoints before."""
    text = json.dumps({"format": FORMAT, "objects": f"{mark}-{OBJECTS}.pt", "tensors": index})
    write_bytes(folder / INDEX, text.encode())
    for each in folder.iterdir():
        if each.suffix in (".safetensors", ".pt") and not each.name.startswith(mark):
            each.unlink(missing_ok=True)


def me(group: ProcessGroup | None) -> tuple[int, int]:
    """Return rank and size of a group; those of one process where there is none."""
    return (get_rank(group), get_world_size(group)) if is_initialized() else (0, 1)


def load(
    state_dict: dict[str, Any],
    *,
    checkpoint_id: str | os.PathLike[str] | None = None,
    process_group: ProcessGroup | None = None,
    **given: Any,
) -> None:
    """Read a folder that `save` has written, into the tensors and places of nested dicts; any number of ranks may do so.

    Tensors and parts are written in place, other values replaced. CheckpointError names what is not there or has another shape.
    """
    folder = place_of(checkpoint_id)
    index = index_of(folder)
    values = read(folder / index["objects"])
    files: dict[str, Any] = {}

    def tensor(file: str, name: str) -> Tensor:
        if file not in files:
            files[file] = read(folder / file)
        return files[file][name]

    with no_grad():
        for name, holder, key, value in entries(state_dict):
            part = part_of(value)
            if part is None and not isinstance(value, Tensor):
                if name not in values:
                    raise CheckpointError(f"{folder}: there is no value {spelled(name)}")
                holder[key] = values[name]
                continue
            fill(folder, name, index["tensors"].get(name), value, part, tensor)


def fill(
    folder: Path, name: str, entry: Any, value: Any, part: ShardedTensor | None, tensor: Callable[[str, str], Tensor]
) -> None:
    """Write what a checkpoint has into a tensor, or into a part of one."""
    if entry is None:
        raise CheckpointError(f"{folder}: there is no tensor {spelled(name)}")
    if list(value.shape if part is None else part.shape) != entry["shape"]:
        shape = list(value.shape if part is None else part.shape)
        raise CheckpointError(f"{folder}: {spelled(name)} has the shape {entry['shape']}, where {shape} is expected")
    local = value if part is None else part.local
    if entry["rows"] is None:
        whole = tensor(entry["files"][0], name)
        local.copy_(whole if part is None else part.sharding.part(whole))
        return
    dim = entry["dim"]
    if part is not None and part.sharding.dim != dim:
        raise CheckpointError(f"{folder}: {spelled(name)} is cut along dimension {dim}, where {part.sharding.dim} is expected")
    first, last = (0, entry["shape"][dim]) if part is None else part.sharding.rows(part.sharding.group.rank())
    found = []
    for (begin, end), file in sorted(zip(entry["rows"], entry["files"])):
        low, high = max(begin, first), min(end, last)
        if low < high:
            found.append(tensor(file, name)[low - begin : high - begin])
    if sum(len(each) for each in found) != last - first:
        raise CheckpointError(f"{folder}: rows of {spelled(name)} are missing")
    if found:
        local.copy_(ops.cat(found).movedim(0, dim))


def index_of(folder: Path) -> dict[str, Any]:
    """Return the index of a checkpoint; CheckpointError if there is none, or it is no such index."""
    try:
        found = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder}: no index of a sharded checkpoint can be read: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise CheckpointError(f"{folder}: {INDEX} is no index of {FORMAT!r}")
    names = [found["objects"], *(file for each in found["tensors"].values() for file in each["files"])]
    if any(Path(each).name != each for each in names):
        raise CheckpointError(f"{folder}: {INDEX} names files of other folders")
    return found


def spelled(name: str) -> str:
    """Return the name of a leaf as one reads it."""
    return repr(name.replace(SEPARATOR, "."))
