"""The handwritten digits that come with the package.

`digits.npz` holds the 1,797 images of the test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin,
C. Kaynak, UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0): `images`, uint8
(1797, 8, 8) with values 0 … 16, and `labels`, uint8 (1797,). They were taken from scikit-learn's copy (`load_digits`)
and are unchanged, in their original order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lineal.data.dataset import TensorDataset
from lineal.tensors import from_numpy

FILE = Path(__file__).with_name("digits.npz")
EVERY = 5


def digits() -> tuple[TensorDataset, TensorDataset]:
    """Return the training and the test part of the handwritten digits: 1,442 and 355 pairs (image, label).

    An image is float32 (8, 8) with values from 0 (paper) to 1 (ink), a label int64. The test part is fixed: of the
    images of each digit, in the order of the file, every fifth.
    """
    with np.load(FILE, allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"]
    held_out = held_out_of(labels)
    parts = (~held_out, held_out)
    train, test = (
        TensorDataset(from_numpy(images[part].astype(np.float32) / 16), from_numpy(labels[part].astype(np.int64)))
        for part in parts
    )
    return train, test


def held_out_of(labels: np.ndarray) -> np.ndarray:
    """Return which items are held out: of each label, every fifth."""
    mask = np.zeros(labels.shape, dtype=bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[EVERY - 1 :: EVERY]] = True
    return mask
