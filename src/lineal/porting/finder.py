"""The finder that leads `import torch` to lineal, and the modules that it makes."""

from __future__ import annotations

import multiprocessing
import multiprocessing.spawn
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution
from types import ModuleType
from typing import Any

from lineal.base.ownership import OURS
from lineal.porting.missing import Missing, refuse
from lineal.porting.paths import PATHS, RENAMED, STANDING, below, find, public, sources
from lineal.porting.settings import Settings
from lineal.porting.torchvision import VisionFinder
from lineal.porting.usage import is_guarded, is_probe, names_type, place, usage
from lineal.porting.version import __version__

__all__ = ["Facade", "Finder", "install"]


FILLED = ("distributions", "optim", "optim.lr_scheduler")
"""The paths whose names programs take from `__dict__`, where a name is otherwise only once it was used."""


def inner(name: str) -> str:
    """Return the path below `torch` of a module's full name."""
    return name.partition(".")[2]


def hides(path: str, name: str) -> bool:
    """Return whether a function stands before a module of its name, as `nn.utils.weight_norm` does."""
    try:
        return bool(path) and callable(find(path, name))
    except AttributeError:
        return False


class Facade(ModuleType):
    """A module of PyTorch's path; its names are looked up in lineal when they are first used."""

    def __getattr__(self, name: str) -> Any:
        path = inner(self.__name__)
        if name == "torch" and not path:
            return self
        child = f"{path}.{name}".lstrip(".")
        if child in PATHS and not hides(path, name):
            return import_module(f"torch.{child}")
        if name == "__all__":
            return public(path)
        full = f"{self.__name__}.{name}"
        try:
            found = find(path, name)
        except AttributeError:
            if not name.startswith("__") and names_type(name):
                return import_module(full)
            # an import statement tries this first, then finds what stands among the modules
            if name.startswith("__") or full in sys.modules:
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None
            refuse(full)
        vars(self)[name] = found
        if not name.startswith("__"):
            usage.used.setdefault(full, place())
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        # `from torch import absent` finds the absent one among the modules; `hasattr(torch, "absent")` stays False
        if not isinstance(value, Missing) and not (isinstance(value, Facade) and hides(inner(self.__name__), name)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return [*public(inner(self.__name__)), *below(inner(self.__name__))]


class Served(Loader):
    """Makes the module of a path that lineal serves."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Facade(spec.name) if sources(inner(spec.name)) else Settings(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        path = inner(module.__name__)
        if not sources(path):
            return
        module.__file__, module.__doc__ = sources(path)[-1].__file__, sources(path)[-1].__doc__
        rename(path)
        if path in FILLED:
            vars(module).update((name, find(path, name)) for name in public(path))
        if path in ("nn", "optim"):
            for each in RENAMED:
                if each.startswith(f"{path}."):
                    rename(each)


class Standing(Loader):
    """Makes the module of another package whose compiled part would make PyTorch's tensors."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        source = import_module(STANDING[module.__name__])
        wanted = (*source.__all__, "__getattr__", "__version__")
        vars(module).update({name: each for name, each in vars(source).items() if name in wanted})
        module.__doc__, module.__all__ = source.__doc__, source.__all__  # type: ignore[attr-defined]


def standing(name: str) -> ModuleSpec:
    """Return the spec of a module that lineal has in the place of another package's, whose other modules are found."""
    found = ModuleSpec(name, Standing(), origin="lineal", is_package=any(each.startswith(f"{name}.") for each in STANDING))
    if found.submodule_search_locations is not None:
        installed = PathFinder.find_spec(name)
        found.submodule_search_locations = list((installed and installed.submodule_search_locations) or [])
    return found


class Absent(Loader):
    """Makes what stands for a path that lineal has not."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Missing(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def rename(path: str) -> None:
    """Let the public classes of a path say PyTorch's module, as programs ask that look at `type(x).__module__`."""
    wanted = RENAMED.get(path, "")
    names = public(path) if wanted == "*" else wanted.split()
    for name in names:
        found = find(path, name) if wanted != "*" or f"{path}.{name}" not in PATHS else None
        if isinstance(found, type) and found.__module__.startswith("lineal."):
            found.__module__ = f"torch.{path}".rstrip(".")


class Finder(MetaPathFinder):
    """Finds `torch` and all below it, and the distribution of this name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in STANDING:
            return standing(fullname)
        if fullname.partition(".")[0] != "torch":
            return None
        if inner(fullname) in PATHS:
            return ModuleSpec(fullname, Served(), origin="lineal", is_package=True)
        # nobody else finds anything below a package that lies nowhere
        return None if is_probe() or is_guarded() else ModuleSpec(fullname, Absent(), is_package=True)

    def find_distributions(self, context: Any) -> Iterator[Distribution]:
        """Yield the distribution `torch` that lineal stands for."""
        if context.name in (None, "torch"):
            yield Torch()


class Torch(Distribution):
    """What `importlib.metadata` is told of `torch`."""

    def read_text(self, filename: str) -> str | None:
        told = f"Metadata-Version: 2.1\nName: torch\nVersion: {__version__}\n"
        return told if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        return path


class Installed:
    """What a process that starts anew is sent first: as it is read there, `import torch` leads to lineal."""

    def __reduce__(self) -> tuple:
        return install, ()


def prepare_children() -> None:
    """Let processes that `multiprocessing` starts anew, by spawn or forkserver, find what this one finds."""
    prepared = multiprocessing.spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        return {"lineal": Installed(), **prepared(name)}

    multiprocessing.spawn.get_preparation_data = get_preparation_data
    if "forkserver" in multiprocessing.get_all_start_methods():
        # not the program itself, which would look for `torch` before it is told
        multiprocessing.set_forkserver_preload(["lineal.as_torch"])


def install() -> None:
    """Let `import torch` lead to lineal from now on; ImportError if PyTorch itself was imported before."""
    if any(isinstance(each, Finder) for each in sys.meta_path):
        return
    if "torch" in sys.modules:
        raise ImportError("lineal.as_torch: PyTorch has been imported in this process; import lineal.as_torch before it")
    sys.meta_path.insert(0, Finder())
    sys.meta_path.append(VisionFinder())
    OURS.add("torch")
    prepare_children()
