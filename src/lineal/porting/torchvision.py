"""`import torchvision` where it is not installed: the transforms and data sets that lineal has under its names.

The finder is the last one that is asked, so a torchvision that is installed goes before it; that one does not work without
PyTorch itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from lineal.porting.missing import Missing, refuse
from lineal.porting.usage import is_guarded, is_probe

__all__ = ["VisionFinder"]

VISION = {
    "torchvision": "",
    "torchvision.datasets": "data.vision.datasets",
    "torchvision.datasets.folder": "data.vision.datasets.folders",
    "torchvision.datasets.mnist": "data.vision.datasets.mnist",
    "torchvision.transforms": "data.vision.transforms",
    "torchvision.transforms.functional": "data.vision.transforms.functional",
    "torchvision.transforms.transforms": "data.vision.transforms",
    "torchvision.transforms.v2": "data.vision.transforms",
    "torchvision.transforms.v2.functional": "data.vision.transforms.functional",
}
"""Where the names of each path are looked for."""


class Views(ModuleType):
    """A module of torchvision's path; its names are looked up in lineal when they are first used."""

    def __getattr__(self, name: str) -> Any:
        full = f"{self.__name__}.{name}"
        if full in VISION:
            return import_module(full)
        place = VISION[self.__name__]
        source = import_module(f"lineal.{place}") if place else None
        if name == "__all__" and source is not None:
            return source.__all__
        if source is not None and name in source.__all__:
            return getattr(source, name)
        # an import statement tries this first, then finds what stands among the modules
        if not name.startswith("__") and full not in sys.modules:
            refuse(full)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, Missing):
            super().__setattr__(name, value)


class Served(Loader):
    """Makes the module of a path, or what stands for one that lineal has not."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Views(spec.name) if spec.name in VISION else Missing(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


class VisionFinder(MetaPathFinder):
    """Finds `torchvision` and all below it, after all others have been asked."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "torchvision" or is_probe() or is_guarded():
            # who asks whether it is there, or can do without it, is better off without a part of it
            return None
        return ModuleSpec(fullname, Served(), origin="lineal", is_package=True)
