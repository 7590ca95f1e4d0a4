"""The base of data sets of images: where they lie, and the transforms of images and of targets."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from lineal.data.dataset import Dataset
from lineal.data.vision.images import to_pil_image
from lineal.data.vision.transforms.transform import Transform
from lineal.tensors import Tensor

__all__ = ["VisionDataset", "present"]


class VisionDataset(Dataset[Any]):
    """Pairs of an image and a target from the folder `root`.

    `transform` takes the image, `target_transform` the target, `transforms` both. The image is one of PIL, as in torchvision,
    but for a transform of this package, which is given a tensor (C, H, W) of uint8.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transforms: Callable[[Any, Any], Any] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ):
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError(f"{type(self).__name__}: only transforms or transform/target_transform can be passed as argument")
        self.root = os.path.expanduser(root)
        self.transforms, self.transform, self.target_transform = transforms, transform, target_transform

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}: a VisionDataset must define __len__")

    def transformed(self, image: Any, target: Any) -> Any:
        """Return the pair of what becomes of an image and its target."""
        first = self.transform if self.transforms is None else self.transforms
        if isinstance(image, Tensor) and not isinstance(first, Transform):
            # transforms of this package would make a tensor of it again
            image = to_pil_image(image)
        if self.transforms is not None:
            return self.transforms(image, target)
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}", f"Root location: {self.root}"]
        return "\n".join([f"Dataset {type(self).__name__}", *(f"    {line}" for line in lines)])


def present(name: str, candidates: list[str], download: bool) -> str:
    """Return the first of several paths where there is something; RuntimeError if there is nothing."""
    for path in candidates:
        if os.path.exists(path):
            return path
    wish = " lineal downloads nothing: put the files there yourself." if download else ""
    raise RuntimeError(f"{name}: Dataset not found: no {' or '.join(candidates)}.{wish}")
