"""Data to train on from a name or a path: the digits, a folder of images, a table (CSV), arrays (npz)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lineal.base import later
from lineal.data import TensorDataset, digits
from lineal.data.handwritten import EVERY, held_out_of
from lineal.tensors import from_numpy

image: Any = later.module("PIL.Image")

__all__ = ["Source", "opened"]

MOST_CLASSES = 100
"""Up to how many different whole numbers in a column are taken for classes."""
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
INPUTS, TARGETS = ("x", "inputs", "images", "features", "data"), ("y", "targets", "labels", "target")
PARTS = (("train", "training"), ("test", "val", "valid", "validation"))


class Source(NamedTuple):
    """A training and a test part: inputs float32, targets int64 classes, or float32 numbers where there are no classes."""

    training: TensorDataset
    test: TensorDataset
    classes: tuple[str, ...] | None
    """The names of the classes; None for numbers."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return tuple(self.training.tensors[0].shape[1:])


def opened(data: str, target: str | None = None) -> Source:
    """Return the data of this name ("digits") or path; `target` names the column of a table that is to be predicted.

    Where the data does not say which part is for testing, every fifth sample (of each class) is. ValueError names the file,
    and the row or array, that cannot be used.
    """
    if data == "digits":
        return Source(*digits(), classes=tuple(map(str, range(10))))
    path = Path(data)
    if not path.exists():
        raise ValueError(f"data: expected digits, a folder of images, a .csv or an .npz file; there is no {data}")
    if path.is_dir():
        return from_folder(path)
    readers: dict[str, Callable[[], Source]] = {".csv": lambda: from_table(path, target), ".npz": lambda: from_arrays(path)}
    if path.suffix.lower() not in readers:
        raise ValueError(f"data: expected a folder of images, a .csv or an .npz file, got {data}")
    return readers[path.suffix.lower()]()


def from_folder(path: Path) -> Source:
    """Return the images of a folder: a folder for each class, perhaps in folders `train` and `test`."""
    parts = [next((path / name for name in names if (path / name).is_dir()), None) for names in PARTS]
    if parts[0] is None or parts[1] is None:
        names = classes_in(path)
        pixels, labels = images_in(path, names, None)
        return split(pixels, labels, names)
    names = classes_in(parts[0])
    training = images_in(parts[0], names, None)
    test = images_in(parts[1], names, training[0].shape[1:])
    return Source(*(TensorDataset(*map(from_numpy, part)) for part in (training, test)), classes=names)


def classes_in(path: Path) -> tuple[str, ...]:
    """Return the names of the classes, which are those of the folders in a folder."""
    names = tuple(sorted(each.name for each in path.iterdir() if each.is_dir() and not each.name.startswith(".")))
    if len(names) < 2:
        raise ValueError(f"data: expected a folder for each class in {path}, found {len(names)}")
    return names


def images_in(path: Path, names: Sequence[str], shape: tuple[int, ...] | None) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels from 0 to 1, (n, channels, height, width), and labels of the images of a folder; all of one shape."""
    pixels, labels = [], []
    for label, name in enumerate(names):
        files = sorted(each for each in (path / name).rglob("*") if each.suffix.lower() in IMAGES)
        if not files:
            raise ValueError(f"data: expected images ({', '.join(IMAGES)}) in {path / name}, found none")
        for file in files:
            pixels.append(pixels_of(file))
            labels.append(label)
            shape = shape or pixels[-1].shape
            if pixels[-1].shape != shape:
                raise ValueError(
                    f"data: expected images of one size and mode, {list(shape)}; {file} has {list(pixels[-1].shape)}"
                )
    return np.stack(pixels), np.array(labels, np.int64)


def pixels_of(file: Path) -> np.ndarray:
    """Return the pixels of an image, (channels, height, width), from 0 to 1; one channel for shades of grey, else three."""
    try:
        with image.open(file) as opened_image:
            mode = "L" if opened_image.mode in ("1", "L", "I", "F", "LA") else "RGB"
            pixels = np.asarray(opened_image.convert(mode), np.float32) / 255
    except ModuleNotFoundError:
        raise ValueError('data: images need Pillow: pip install "lineal[vision]"') from None
    except OSError as error:
        raise ValueError(f"data: {file} cannot be read as an image: {error}") from error
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1).copy()


def from_table(path: Path, target: str | None) -> Source:
    """Return the rows of a CSV file with a line of names; the target is the last column unless it is named.

    Words, and whole numbers if they are few, are classes; other numbers are to be predicted.
    Features are scaled to mean 0 and spread 1.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            rows = [row for row in csv.reader(file) if row]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"data: {path} is no table: {error}") from error
    if len(rows) < 3:
        raise ValueError(f"data: expected a line of names and two rows or more in {path}, got {len(rows)} lines")
    head, *rows = rows
    if target is not None and target not in head:
        raise ValueError(f"target: expected one of the columns {', '.join(head)} of {path}, got {target!r}")
    place = len(head) - 1 if target is None else head.index(target)
    numbers = np.array([features_of(row, place, head, line, path) for line, row in enumerate(rows, 2)], np.float32)
    targets, names = targets_of([row[place].strip() for row in rows], head[place], path)
    return scaled(split(numbers, targets, names))


def features_of(row: list[str], place: int, head: list[str], line: int, path: Path) -> list[float]:
    """Return the numbers of a row but the target; ValueError names what is no number."""
    if len(row) != len(head):
        raise ValueError(f"data: expected {len(head)} columns, got {len(row)} in line {line} of {path}")
    found = []
    for name, text in zip(head[:place] + head[place + 1 :], row[:place] + row[place + 1 :]):
        try:
            found.append(float(text))
        except ValueError:
            raise ValueError(f"data: expected a number in column {name!r}, line {line} of {path}, got {text!r}") from None
    if not np.isfinite(found).all():
        raise ValueError(f"data: expected finite numbers in line {line} of {path}")
    return found


def targets_of(texts: list[str], name: str, path: Path) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Return the targets in a column and the names of the classes, None if they are numbers."""
    if any(not each for each in texts):
        raise ValueError(f"data: column {name!r} of {path} has no value in line {texts.index('') + 2}")
    try:
        numbers = np.array(texts, np.float64)
    except ValueError:
        numbers = None
    if numbers is not None and not np.isfinite(numbers).all():
        raise ValueError(f"data: expected finite numbers in column {name!r} of {path}")
    if numbers is not None and ((numbers % 1).any() or len(set(texts)) > MOST_CLASSES):
        return numbers.astype(np.float32), None
    found = sorted(set(texts), key=str if numbers is None else float)
    labels = {each: label for label, each in enumerate(found)}
    return np.array([labels[each] for each in texts], np.int64), tuple(found)


def from_arrays(path: Path) -> Source:
    """Return the arrays `x` and `y` of an npz file, with `x_test` and `y_test` if they are there (or other usual names)."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise ValueError(f"data: {path} cannot be read as npz: {error}") from error
    inputs, targets = (array_named(arrays, names, "", path) for names in (INPUTS, TARGETS))
    names, targets = classes_of(np.asarray(targets), path)
    if not any(f"{name}_test" in arrays for name in INPUTS):
        return split(as_inputs(inputs), targets, names)
    test = [array_named(arrays, each, "_test", path) for each in (INPUTS, TARGETS)]
    pairs = ((as_inputs(inputs), targets), (as_inputs(test[0]), test[1].astype(targets.dtype)))
    return Source(*(TensorDataset(*map(from_numpy, pair)) for pair in pairs), classes=names)


def array_named(arrays: dict[str, np.ndarray], names: Sequence[str], end: str, path: Path) -> np.ndarray:
    """Return the array that has one of these names; ValueError says which there are."""
    for name in names:
        if name + end in arrays:
            return arrays[name + end]
    raise ValueError(f"data: expected an array {names[0] + end!r} in {path}, found {', '.join(arrays) or 'none'}")


def as_inputs(array: np.ndarray) -> np.ndarray:
    """Return inputs as float32; bytes are taken for pixels, from 0 to 1 then."""
    return array.astype(np.float32) / (255 if array.dtype == np.uint8 else 1)


def classes_of(targets: np.ndarray, path: Path) -> tuple[tuple[str, ...] | None, np.ndarray]:
    """Return the names of the classes 0 … n-1, None for numbers, and the targets as they are trained on."""
    if targets.dtype.kind == "f":
        return None, targets.astype(np.float32)
    if targets.dtype.kind not in "iub" or targets.ndim != 1 or not targets.size or targets.min() < 0:
        raise ValueError(f"data: expected classes 0, 1, … or floats as targets in {path}, got {targets.dtype} {targets.shape}")
    return tuple(map(str, range(int(targets.max()) + 1))), targets.astype(np.int64)


def split(inputs: np.ndarray, targets: np.ndarray, names: tuple[str, ...] | None) -> Source:
    """Return data of which every fifth sample, of each class if there are classes, is held out."""
    if len(inputs) != len(targets):
        raise ValueError(f"data: expected as many targets as inputs, got {len(targets)} and {len(inputs)}")
    held_out = held_out_of(targets if names else np.zeros(len(targets), np.int64))
    if not held_out.any():
        raise ValueError(f"data: expected {EVERY} samples or more of a class, to hold some out for the test")
    parts = (~held_out, held_out)
    sets = [TensorDataset(from_numpy(inputs[part]), from_numpy(targets[part])) for part in parts]
    return Source(sets[0], sets[1], names)


def scaled(source: Source) -> Source:
    """Return a table with each feature less its mean and divided by its spread over the training part."""
    inputs = source.training.tensors[0]
    mean, spread = inputs.mean(0), inputs.std(0)
    spread = spread.where(spread > 0, 1.0)
    sets = [TensorDataset((part.tensors[0] - mean) / spread, part.tensors[1]) for part in source[:2]]
    return Source(sets[0], sets[1], source.classes)
