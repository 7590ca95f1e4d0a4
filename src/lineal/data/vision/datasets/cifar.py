"""CIFAR-10 and CIFAR-100 from the files of Python pickles that they are published as, or from the binary ones.

A pickle may run any code when it is read. These are read by an unpickler that knows nothing but containers, strings, numbers
and NumPy's arrays; what asks for more is refused.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

import numpy as np

from lineal.data.vision.datasets.vision import VisionDataset, present
from lineal.tensors import from_numpy

__all__ = ["CIFAR10", "CIFAR100"]


class Array:
    """Stands for NumPy's array while a pickle is read; its state is checked before there is one."""

    def __init__(self, *_: Any):
        self.array: np.ndarray | None = None

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, is_column_major, content = state
        if isinstance(content, str):
            content = content.encode("latin1")
        if not isinstance(dtype, Kind) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("CIFAR: expected an array of bytes")
        values = np.frombuffer(content, np.uint8).copy()
        self.array = values.reshape(shape, order="F" if is_column_major else "C")


class Kind:
    """Stands for NumPy's dtype while a pickle is read: bytes, and no other."""

    def __init__(self, name: Any, *_: Any):
        if name not in ("u1", b"u1"):
            raise pickle.UnpicklingError(f"CIFAR: expected an array of bytes, found one of {name!r}")

    def __setstate__(self, state: Any) -> None:
        pass


MODULES = ("numpy.core.multiarray", "numpy._core.multiarray", "numpy")
KNOWN: dict[str, Any] = {"_reconstruct": Array, "ndarray": Array, "dtype": Kind}


class Unpickler(pickle.Unpickler):
    """Reads containers, strings, numbers and arrays of bytes."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "_codecs" and name == "encode":
            return lambda text, encoding="latin1": text.encode("latin1")
        if module in MODULES and name in KNOWN:
            return KNOWN[name]
        raise pickle.UnpicklingError(f"CIFAR: the file asks for {module}.{name}, which no file of CIFAR needs: it is not read")

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("CIFAR: the file asks for something outside of it: it is not read")


def unpickled(path: str) -> dict[str, Any]:
    """Return the entries of one file, with arrays of bytes."""
    with open(path, "rb") as file:
        found = Unpickler(file, encoding="latin1").load()
    if not isinstance(found, dict):
        raise ValueError(f"CIFAR: {path} holds no dict, but {type(found).__name__}")
    return {
        str(name): value.array if isinstance(value, Array) else value for name, value in found.items() if isinstance(name, str)
    }


class CIFAR10(VisionDataset):
    """60,000 images (3, 32, 32) of ten classes, from `root`/cifar-10-batches-py, or `root` itself.

    `data` holds all images, uint8 (N, 32, 32, 3), as a NumPy array, and `targets` all labels, as a list. Nothing is
    downloaded: RuntimeError if files are missing.
    """

    FOLDER: ClassVar[str] = "cifar-10-batches-py"
    FILES: ClassVar[dict[bool, list[str]]] = {True: [f"data_batch_{n}" for n in range(1, 6)], False: ["test_batch"]}
    LABELS: ClassVar[str] = "labels"
    META: ClassVar[tuple[str, str]] = ("batches.meta", "label_names")

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
        name = type(self).__name__
        self.folder = os.path.dirname(
            present(name, [os.path.join(self.root, self.FOLDER, self.META[0]), os.path.join(self.root, self.META[0])], download)
        )
        parts = [unpickled(present(name, [os.path.join(self.folder, each)], download)) for each in self.FILES[train]]
        self.data = np.concatenate([self.images(part["data"]) for part in parts])
        self.targets: list[int] = [label for part in parts for label in part[self.LABELS]]
        if len(self.targets) != len(self.data):
            raise ValueError(f"{name}: {len(self.data)} images, but {len(self.targets)} labels")
        self.classes: list[str] = unpickled(os.path.join(self.folder, self.META[0]))[self.META[1]]
        self.class_to_idx = {each: label for label, each in enumerate(self.classes)}

    def images(self, rows: Any) -> np.ndarray:
        """Return the images (N, 32, 32, 3) of rows of bytes: red, green and blue, one after the other."""
        if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != 3 * 32 * 32:
            raise ValueError(f"{type(self).__name__}: expected rows of 3072 bytes, got {getattr(rows, 'shape', type(rows))}")
        return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = from_numpy(np.ascontiguousarray(self.data[index].transpose(2, 0, 1)))
        return self.transformed(image, int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)


class CIFAR100(CIFAR10):
    """60,000 images (3, 32, 32) of a hundred classes, from `root`/cifar-100-python, or `root` itself, as `CIFAR10`."""

    FOLDER = "cifar-100-python"
    FILES: ClassVar[dict[bool, list[str]]] = {True: ["train"], False: ["test"]}
    LABELS = "fine_labels"
    META = ("meta", "fine_label_names")
