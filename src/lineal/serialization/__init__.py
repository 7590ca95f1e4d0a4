"""Saving and loading: nests of tensors in files of safetensors' and PyTorch's formats. Loading never runs code.

`checkpoint` decides by name and content. `torchfiles`, `unpickling`, `allowed`, `rebuilding`, `blocks` and `archives` read
PyTorch's files, `pickling` writes them, `objects` says of which classes they may hold objects; `tensorfile`, `nesting` and
`weights` are for safetensors; `sources` and `writing` are the bytes of all.
"""

from lineal.serialization.allowed import add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals
from lineal.serialization.blocks import default_restore_location
from lineal.serialization.checkpoint import load, save
from lineal.serialization.errors import CheckpointError, UnpicklingError
from lineal.serialization.torchfiles import (
    LoadEndianness,
    get_default_load_endianness,
    get_unsafe_globals_in_checkpoint,
    set_default_load_endianness,
)

__all__ = [
    "CheckpointError",
    "LoadEndianness",
    "UnpicklingError",
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_default_load_endianness",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "safe_globals",
    "save",
    "set_default_load_endianness",
]
