"""Data to train on from a name or a path: the digits, a folder of images, a table (CSV), arrays (npz)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes, later
from lineal.data import TableDataset, TensorDataset, digits, read_csv, read_npz
from lineal.data.handwritten import EVERY, held_out_of
from lineal.ops import isfinite, stack
from lineal.tensors import Tensor, as_tensor, tensor

folders: Any = later.module("lineal.data.vision.datasets.folders")
images: Any = later.module("lineal.data.vision.images")
pillow: Any = later.module("PIL.Image")

__all__ = ["Source", "opened"]

MOST_CLASSES = 100
"""Up to how many different whole numbers in a column are taken for classes."""
INPUTS, TARGETS = ("x", "inputs", "images", "features", "data"), ("y", "targets", "labels", "target")
PARTS = (("train", "training"), ("test", "val", "valid", "validation"))
GREY = ("1", "L", "I", "F", "LA", "I;16")


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
        pixels, labels, names = images_in(path)
        return split(pixels, labels, names)
    training, test = images_in(parts[0]), images_in(parts[1])
    for what, one, other in (("classes", training[2], test[2]), ("size", training[0].shape[1:], test[0].shape[1:])):
        if one != other:
            raise ValueError(f"data: expected the same {what} in {parts[0]} and {parts[1]}, got {[*one]} and {[*other]}")
    return Source(TensorDataset(*training[:2]), TensorDataset(*test[:2]), training[2])


def images_in(path: Path) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """Return pixels from 0 to 1, (n, channels, height, width), labels and classes of the images of a folder."""
    try:
        found = folders.DatasetFolder(path, image_of, folders.IMG_EXTENSIONS, images.to_tensor)
    except FileNotFoundError as error:
        raise ValueError(f"data: expected a folder with images for each class in {path}: {error}") from error
    pixels = [image for image, _ in found]
    for image, (file, _) in zip(pixels, found.samples):
        if image.shape != pixels[0].shape:
            raise ValueError(f"data: expected images of one size and mode, {[*pixels[0].shape]}; {file} has {[*image.shape]}")
    return stack(pixels), tensor(found.targets), tuple(found.classes)


def image_of(file: str) -> Any:
    """Return the image in a file, in shades of grey or in colours."""
    try:
        with pillow.open(file) as image:
            return image.convert("L" if image.mode in GREY else "RGB")
    except ModuleNotFoundError:
        raise ValueError('data: images need Pillow: pip install "lineal[vision]"') from None
    except OSError as error:
        raise ValueError(f"data: {file} cannot be read as an image: {error}") from error


def from_table(path: Path, target: str | None) -> Source:
    """Return the rows of a CSV file with a line of names; the target is the last column unless it is named.

    Words, and whole numbers if they are few, are classes; other numbers are to be predicted. Features are scaled to mean 0
    and spread 1.
    """
    try:
        table = read_csv(path)
    except UnicodeDecodeError as error:
        raise ValueError(f"data: {path} is no table: {error}") from error
    names = list(table.columns)
    if len(names) < 2 or not len(table):
        raise ValueError(f"data: expected two columns or more with numbers in {path}, got {names} and {len(table)} rows")
    if target is not None and target not in names:
        raise ValueError(f"target: expected one of the columns {', '.join(names)} of {path}, got {target!r}")
    target = target or names[-1]
    for name in names:
        check_column(table, name, path, is_target=name == target)
    features = table.matrix(*[name for name in names if name != target], dtype=dtypes.float32)
    return scaled(split(features, *targets_of(table.columns[target])))


def check_column(table: TableDataset, name: str, path: Path, is_target: bool) -> None:
    """Refuse a column with gaps, and features that are no numbers; ValueError names the line."""
    column = table.columns[name]
    if isinstance(column, Tensor):
        bad = (~isfinite(column)).nonzero()[:1, 0].tolist()
    else:
        bad = [row for row, text in enumerate(column) if not (text.strip() if is_target else is_number(text))][:1]
    for row in bad:
        shown = column[row].item() if isinstance(column, Tensor) else column[row]
        expected = "a value" if is_target else "a number"
        raise ValueError(f"data: expected {expected} in column {name!r}, line {row + 2} of {path}, got {shown!r}")


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def targets_of(column: Any) -> tuple[Tensor, tuple[str, ...] | None]:
    """Return the targets in a column and the names of the classes, None if they are numbers."""
    if isinstance(column, Tensor) and (column.is_floating_point() or len(column.unique()) > MOST_CLASSES):
        return column.float(), None
    entries = column.tolist() if isinstance(column, Tensor) else [text.strip() for text in column]
    classes = sorted(set(entries))
    labels = {each: label for label, each in enumerate(classes)}
    return tensor([labels[each] for each in entries]), tuple(map(str, classes))


def from_arrays(path: Path) -> Source:
    """Return the arrays `x` and `y` of an npz file, with `x_test` and `y_test` if they are there (or other usual names)."""
    try:
        arrays = read_npz(path)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"data: {path} cannot be read as npz: {error}") from error
    inputs, targets = (array_named(arrays, names, "", path) for names in (INPUTS, TARGETS))
    classes, targets = classes_of(targets, path)
    if not any(f"{name}_test" in arrays for name in INPUTS):
        return split(as_inputs(inputs), targets, classes)
    test_inputs, test_targets = (array_named(arrays, each, "_test", path) for each in (INPUTS, TARGETS))
    test = TensorDataset(as_inputs(test_inputs), test_targets.to(targets.dtype))
    return Source(TensorDataset(as_inputs(inputs), targets), test, classes)


def array_named(arrays: dict[str, Tensor], names: Sequence[str], end: str, path: Path) -> Tensor:
    """Return the array that has one of these names; ValueError says which there are."""
    for name in names:
        if name + end in arrays:
            return arrays[name + end]
    raise ValueError(f"data: expected an array {names[0] + end!r} in {path}, found {', '.join(arrays) or 'none'}")


def as_inputs(array: Tensor) -> Tensor:
    """Return inputs as float32; bytes are taken for pixels, from 0 to 1 then."""
    return array.float() / 255 if array.dtype is dtypes.uint8 else array.float()


def classes_of(targets: Tensor, path: Path) -> tuple[tuple[str, ...] | None, Tensor]:
    """Return the names of the classes 0 … n-1, None for numbers, and the targets as they are trained on."""
    if targets.is_floating_point():
        return None, targets.float()
    if targets.ndim != 1 or not targets.numel() or targets.is_complex() or targets.min() < 0:
        raise ValueError(
            f"data: expected classes 0, 1, … or floats as targets in {path}, got {targets.dtype} {[*targets.shape]}"
        )
    return tuple(map(str, range(int(targets.max()) + 1))), targets.long()


def split(inputs: Tensor, targets: Tensor, classes: tuple[str, ...] | None) -> Source:
    """Return data of which every fifth sample, of each class if there are classes, is held out."""
    if len(inputs) != len(targets):
        raise ValueError(f"data: expected as many targets as inputs, got {len(targets)} and {len(inputs)}")
    held_out = held_out_of(targets.numpy() if classes else np.zeros(len(targets), np.int64))
    if not held_out.any():
        raise ValueError(f"data: expected {EVERY} samples or more of a class, to hold some out for the test")
    parts = [as_tensor(part) for part in (~held_out, held_out)]
    training, test = (TensorDataset(inputs[part], targets[part]) for part in parts)
    return Source(training, test, classes)


def scaled(source: Source) -> Source:
    """Return a table with each feature less its mean and divided by its spread over the training part."""
    inputs = source.training.tensors[0]
    mean, spread = inputs.mean(0), inputs.std(0)
    spread = spread.where(spread > 0, 1.0)
    sets = [TensorDataset((part.tensors[0] - mean) / spread, part.tensors[1]) for part in source[:2]]
    return Source(sets[0], sets[1], source.classes)
