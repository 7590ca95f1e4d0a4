"""Folders of images: one folder for each class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lineal.base import later
from lineal.data.vision.datasets.vision import VisionDataset

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["IMG_EXTENSIONS", "DatasetFolder", "ImageFolder", "default_loader"]

pillow: Any = later.module("PIL.Image")
IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def default_loader(path: str) -> Image:
    """Return the image of a file as a PIL image in RGB; it takes Pillow (the extra `vision`)."""
    with open(path, "rb") as file:
        return pillow.open(file).convert("RGB")


class DatasetFolder(VisionDataset):
    """Pairs of what `loader` makes of a file and the number of its folder, in `root`/CLASS/…, in the order of names.

    `classes` are the folders' names in order, `class_to_idx` their numbers, `samples` the paths with their numbers. Files are
    those with one of `extensions`, or those for which `is_valid_file` is True. FileNotFoundError if there is no class, or one
    without files unless `allow_empty`.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        loader: Callable[[str], Any],
        extensions: Sequence[str] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        if (extensions is None) == (is_valid_file is None):
            raise ValueError("DatasetFolder: Both extensions and is_valid_file cannot be None or not None at the same time")
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        endings = tuple(each.lower() for each in extensions or ())
        is_wanted = is_valid_file or (lambda path: path.lower().endswith(endings))
        self.samples = [
            (path, label)
            for name, label in sorted(self.class_to_idx.items())
            for path in files(os.path.join(self.root, name))
            if is_wanted(path)
        ]
        self.targets = [label for _, label in self.samples]
        empty = sorted(set(self.classes) - {self.classes[label] for label in self.targets})
        if empty and not allow_empty:
            raise FileNotFoundError(f"{type(self).__name__}: Found no valid file for the classes {', '.join(empty)}.")

    def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
        """Return the names of the folders in a folder, and the number of each."""
        names = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        if not names:
            raise FileNotFoundError(f"{type(self).__name__}: Couldn't find any class folder in {directory}.")
        return names, {name: place for place, name in enumerate(names)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, label = self.samples[index]
        return self.transformed(self.loader(path), label)

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """Pairs of an image and the number of its folder, in `root`/CLASS/…; images are read by Pillow, as RGB."""

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ):
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples


def files(folder: str) -> list[str]:
    """Return the paths of all files below a folder, in the order of names."""
    return [
        os.path.join(place, name) for place, _, names in sorted(os.walk(folder, followlinks=True)) for name in sorted(names)
    ]
