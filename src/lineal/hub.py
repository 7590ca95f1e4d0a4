"""`torch.hub` is refused: it runs code of others, and loads pickles, from the network."""

from __future__ import annotations

import os
import re
from typing import Any, NoReturn
from urllib.parse import urlparse as urlparse

from lineal.base.errors import UnsupportedError

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
"""How the names of files with weights end that tell what their bytes come to."""
ADVICE = "download the file yourself, and load its tensors with lineal.load or safetensors"


class Folder:
    """Where files would be kept."""

    chosen: str | None = None


def refuse(name: str) -> NoReturn:
    """Raise the error that says what to do instead."""
    raise UnsupportedError(f"hub.{name}: lineal takes neither code nor weights from the network; {ADVICE}")


def load(repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to load a model and its code."""
    refuse("load")


def load_state_dict_from_url(url: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to load weights from the network."""
    refuse("load_state_dict_from_url")


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> NoReturn:
    """Refuse to download a file."""
    refuse("download_url_to_file")


def help(github: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to fetch the documentation of a model."""
    refuse("help")


def list(github: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to list the models of a repository."""
    refuse("list")


def get_dir() -> str:
    """Return the folder of downloaded files: that of `set_dir`, of TORCH_HOME, or the one below the user's cache."""
    if Folder.chosen is not None:
        return Folder.chosen
    return os.path.join(_get_torch_home(), "hub")


def _get_torch_home() -> str:
    """Return the folder of PyTorch's files: that of TORCH_HOME, or the one below the user's cache."""
    cache = os.getenv("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    return os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch")))


def set_dir(d: str | os.PathLike[str]) -> None:
    """Choose the folder of downloaded files."""
    Folder.chosen = os.path.expanduser(d)
