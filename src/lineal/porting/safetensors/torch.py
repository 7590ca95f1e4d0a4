"""What `safetensors.torch` does, for lineal's tensors: the same names, files and errors."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor
from lineal.nn.module import Module
from lineal.porting.safetensors.reading import Reader, SafetensorError
from lineal.serialization.sources import Held
from lineal.serialization.tensorfile import STORAGE, TensorFile, framed
from lineal.serialization.writing import write
from lineal.tensors import from_numpy

__all__ = ["load", "load_file", "load_model", "save", "save_file", "save_model", "storage_ptr", "storage_size"]


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Return the bytes of a file of these tensors.

    ValueError for what is no contiguous tensor, RuntimeError for tensors that share memory, KeyError for complex128.
    """
    return b"".join(map(bytes, pieces(tensors, metadata)))


def save_file(tensors: dict[str, Tensor], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None) -> None:
    """Write a file of these tensors; errors are those of `save`."""
    write(os.fspath(filename), *pieces(tensors, metadata))


def pieces(tensors: Any, metadata: dict[str, str] | None) -> list[Any]:
    """Return the pieces of a file of tensors that have passed all checks."""
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    for name, x in tensors.items():
        if not isinstance(x, AbstractTensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(x)}")
    failing = [group for group in sharing(tensors) if len(group) > 1]
    if failing:
        raise RuntimeError(
            f"Some tensors share memory, this will lead to duplicate memory on disk and potential differences when loading "
            f"them again: {failing}. A potential way to correctly save your model is to use `save_model`."
        )
    for name, x in tensors.items():
        if not x.is_contiguous():
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed; call `.contiguous()` on it"
            )
        if x.dtype.name not in STORAGE.values():
            raise KeyError(f"{x.dtype}, the dtype of `{name}`, has no name in safetensors")
    return framed({name: x.detach().numpy(force=True) for name, x in tensors.items()}, metadata)


def load(data: bytes) -> dict[str, Tensor]:
    """Return the tensors in the bytes of a file; SafetensorError if they are damaged."""
    try:
        file = TensorFile(Held("the data", memoryview(data)))
        return {name: from_numpy(file.array(name)) for name in sorted(file.entries)}
    except ValueError as error:
        raise SafetensorError(f"Error while deserializing: {error}") from error


def load_file(filename: str | os.PathLike[str], device: str | int = "cpu", *, backend: str = "mmap") -> dict[str, Tensor]:
    """Return the tensors of a file, on a device; SafetensorError if it is damaged."""
    with Reader(filename, device) as file:
        return file.get_tensors()


def save_model(model: Module, filename: str, metadata: dict[str, str] | None = None, force_contiguous: bool = True) -> None:
    """Write the state of a module; of tensors that share memory one, whose name the metadata give for the others."""
    state = model.state_dict()
    told = dict(metadata or {})
    for kept, others in dropped(state).items():
        for name in others:
            told.setdefault(name, kept)
            del state[name]
    found = {name: x.contiguous() if force_contiguous else x for name, x in state.items()}
    save_file(found, filename, told if metadata is not None or told else None)


def load_model(
    model: Module, filename: str | os.PathLike[str], strict: bool = True, device: str | int = "cpu", *, backend: str = "mmap"
) -> tuple[set[str], list[str]]:
    """Put the tensors of a file into a module; return the names that were missing and those that were too many.

    RuntimeError if there are any, unless `strict` is False. Tensors that share memory need be there once.
    """
    state = load_file(filename, device)
    absent, unexpected = model.load_state_dict(state, strict=False)
    missing = set(absent)
    for others in dropped(model.state_dict(), state.keys()).values():
        for name in others:
            if name in missing:
                missing.remove(name)
            else:
                unexpected.append(name)
    if strict and (missing or unexpected):
        lines = [f"Error(s) in loading state_dict for {type(model).__name__}:"]
        for word, names in (("Missing", missing), ("Unexpected", unexpected)):
            if names:
                lines.append(f"    {word} key(s) in state_dict: " + ", ".join(f'"{each}"' for each in sorted(names)))
        raise RuntimeError("\n".join(lines))
    return missing, unexpected


def storage_ptr(tensor: Tensor) -> int:
    """Return where the memory begins that a tensor lies in, 0 if there is none."""
    return tensor.untyped_storage().data_ptr()


def storage_size(tensor: Tensor) -> int:
    """Return the bytes of the memory that a tensor lies in."""
    return tensor.untyped_storage().nbytes()


def span(x: Any) -> tuple[int, int]:
    """Return where the first element of a contiguous tensor lies, and where the last one ends."""
    return x.data_ptr(), x.data_ptr() + size_of(x)


def size_of(x: Any) -> int:
    """Return how many bytes the elements of a tensor take."""
    return x.numel() * x.element_size()


def sharing(tensors: Mapping[str, Any]) -> list[set[str]]:
    """Return the names of tensors in groups: those in a group overlap in one memory."""
    blocks: dict[Any, list[tuple[int, int, str]]] = defaultdict(list)
    for name, x in tensors.items():
        memory = x.untyped_storage()
        if memory.nbytes():
            blocks[memory].append((*span(x), name))
    groups: list[set[str]] = []
    for areas in blocks.values():
        reached = 0
        for start, stop, name in sorted(areas):
            if start < reached:
                groups[-1].add(name)
            else:
                groups.append({name})
            reached = max(reached, stop)
    return groups


def dropped(state: Mapping[str, Any], preferred: Collection[str] = ()) -> dict[str, list[str]]:
    """Return which names of tensors that share memory can be left out, by the name that is kept: one of the whole memory."""
    found: dict[str, list[str]] = {}
    for group in sharing(state):
        whole = [name for name in group if state[name].untyped_storage().nbytes() == size_of(state[name])]
        if len(group) > 1 and not whole:
            raise RuntimeError(
                f"Error while trying to find names to remove to save state dict, but found no suitable name to keep for saving "
                f"amongst: {group}. None is covering the entire storage; clone() them first"
            )
        kept = min([name for name in whole if name in preferred] or whole or group)
        if len(group) > 1:
            found[kept] = sorted(group - {kept})
    return found
