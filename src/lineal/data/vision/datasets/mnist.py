"""MNIST and the data sets of its form: arrays in idx files, as they are or packed by gzip."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from lineal.base import dtypes
from lineal.data.vision.datasets.vision import VisionDataset, present
from lineal.tensors import Tensor, from_numpy

__all__ = ["EMNIST", "KMNIST", "MNIST", "FashionMNIST", "read_idx"]

KINDS = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""The dtypes of idx files, by the third byte (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits")."""


def read_idx(path: str | os.PathLike[str]) -> Tensor:
    """Return the array of an idx file, which may be packed by gzip.

    ValueError if it is no such file, or holds more or fewer bytes than its shape says.
    """
    with open(path, "rb") as file:
        content = file.read()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in KINDS:
        raise ValueError(f"read_idx: {os.fspath(path)} is no idx file: it begins with {content[:4]!r}")
    dtype, rank = np.dtype(KINDS[content[2]]), content[3]
    start = 4 + 4 * rank
    if len(content) < start:
        raise ValueError(f"read_idx: {os.fspath(path)} ends within its shape of {rank} dimensions")
    shape = struct.unpack(f">{rank}I", content[4:start])
    expected = start + dtype.itemsize * int(np.prod(shape, dtype=object))
    if len(content) != expected:
        raise ValueError(f"read_idx: {os.fspath(path)} has {len(content)} bytes, but shape {shape} takes {expected}")
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return from_numpy(values.astype(dtype.newbyteorder("=")))


class MNIST(VisionDataset):
    """The images (28, 28) and labels of handwritten digits, from the idx files of `root`/MNIST/raw, or of `root` itself.

    `data` holds all images, uint8, and `targets` all labels, int64. Nothing is downloaded: RuntimeError if files are missing.
    """

    FOLDER: ClassVar[str] = "MNIST"
    classes: ClassVar[list[str]] = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]

    def __init__(
        self,
        root: str | os.PathLike[str],
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        part = "train" if train else "t10k"
        self.data = self.read(f"{part}-images-idx3-ubyte", download)
        self.targets = self.read(f"{part}-labels-idx1-ubyte", download).to(dtypes.int64)
        if self.data.ndim != 3 or self.targets.shape != self.data.shape[:1]:
            raise ValueError(
                f"{type(self).__name__}: images of shape {list(self.data.shape)} with labels of {list(self.targets.shape)}"
            )

    def read(self, name: str, download: bool) -> Tensor:
        """Return the array of a file, wherever it lies."""
        folders = (os.path.join(self.root, self.FOLDER, "raw"), os.path.join(self.root, "raw"), self.root)
        paths = [os.path.join(folder, name + end) for folder in folders for end in ("", ".gz")]
        return read_idx(present(type(self).__name__, paths, download))

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class."""
        return {name: label for label, name in enumerate(self.classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transformed(self.data[index][None], int(self.targets[index].item()))

    def __len__(self) -> int:
        return len(self.data)


class FashionMNIST(MNIST):
    """The images (28, 28) of clothes and their labels, from the idx files of `root`/FashionMNIST/raw, as `MNIST`."""

    FOLDER = "FashionMNIST"
    classes: ClassVar[list[str]] = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]


class KMNIST(MNIST):
    """The images (28, 28) of cursive kana and their labels, from the idx files of `root`/KMNIST/raw, as `MNIST`."""

    FOLDER = "KMNIST"
    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


class EMNIST(MNIST):
    """One of the splits of handwritten letters and digits, from the idx files of `root`/EMNIST/raw, as `MNIST`."""

    FOLDER = "EMNIST"
    SPLITS = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")

    def __init__(self, root: str | os.PathLike[str], split: str, **kwargs: Any):
        if split not in self.SPLITS:
            raise ValueError(f"EMNIST: unknown value {split!r} for argument split. Valid values are {self.SPLITS}.")
        self.split = split
        super().__init__(root, **kwargs)

    def read(self, name: str, download: bool) -> Tensor:
        """Return the array of a file of the split."""
        return super().read(f"emnist-{self.split}-{name.replace('t10k', 'test')}", download)
