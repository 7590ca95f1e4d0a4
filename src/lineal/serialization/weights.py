"""The safetensors files of others: one file, or a folder of several with their index, as Hugging Face keeps large models."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from lineal.serialization.blocks import MapLocation, placed
from lineal.serialization.errors import CheckpointError
from lineal.serialization.sources import opened
from lineal.serialization.tensorfile import TensorFile, distinct
from lineal.tensors import from_numpy

__all__ = ["Weights", "arrays_of", "read_folder", "weights_of"]

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
LARGEST_INDEX = 100 << 20


class Weights(dict):
    """The tensors in a file of others by their names; `metadata` are the strings that the file says besides."""

    def __init__(self, tensors: dict[str, Any], metadata: dict[str, Any]):
        super().__init__(tensors)
        self.metadata = metadata


def arrays_of(file: TensorFile, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a file; CheckpointError names it if one of them makes no sense."""
    try:
        return {each: file.array(each) for each in file.entries}
    except ValueError as error:
        raise CheckpointError(f"load: {name} is damaged or no checkpoint: {error}") from error


def weights_of(file: TensorFile, name: str, map_location: MapLocation) -> Weights:
    """Return the tensors of a file, where they are wanted."""
    arrays = arrays_of(file, name)
    return Weights({key: from_numpy(placed(array, "cpu", map_location)) for key, array in arrays.items()}, file.metadata)


def read_folder(path: str, map_location: MapLocation = None) -> Weights:
    """Return the tensors of a folder that has model.safetensors or an index of several files, or those of an index.

    CheckpointError names what is missing or makes no sense; files outside of the folder are not read.
    """
    folder, index = (path, os.path.join(path, INDEX)) if os.path.isdir(path) else (os.path.dirname(path), path)
    if index != path and not os.path.exists(index):
        return read_file(os.path.join(path, SINGLE), map_location)
    names, metadata = index_of(index)
    found: dict[str, Any] = {}
    for file in sorted(set(names.values())):
        tensors = read_file(os.path.join(folder, file), map_location)
        found |= {name: tensors[name] for name in tensors if names.get(name) == file}
    lacking = sorted(names.keys() - found.keys())
    if lacking:
        raise CheckpointError(f"load: {index} promises {lacking[0]!r}, which {names[lacking[0]]} does not have")
    return Weights({name: found[name] for name in names}, metadata)


def read_file(path: str, map_location: MapLocation) -> Weights:
    """Return the tensors of one file."""
    source = opened(path, False)
    try:
        return weights_of(TensorFile(source), path, map_location)
    except ValueError as error:
        raise CheckpointError(f"load: {path} is damaged or no checkpoint: {error}") from error
    finally:
        source.close()


def index_of(path: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return in which file each tensor of an index is, and what the index says besides."""
    try:
        with open(path, "rb") as stream:
            told = json.loads(stream.read(LARGEST_INDEX).decode(), object_pairs_hook=distinct)
        names, metadata = told["weight_map"], told.get("metadata", {})
        if not isinstance(names, dict) or not isinstance(metadata, dict):
            raise ValueError("its parts are no mappings")
        for file in names.values():
            if not isinstance(file, str) or os.path.basename(file) != file or "\\" in file or file in ("", ".", ".."):
                raise ValueError(f"{file!r} is no file beside it")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"load: {path} is damaged or no index of weights: {error!r}") from error
    return names, metadata
