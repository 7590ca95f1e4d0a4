"""The base of transforms, and how random ones draw."""

from __future__ import annotations

import enum
from typing import Any

from lineal.data.vision.images import is_pillow, to_image
from lineal.nn import Module
from lineal.ops import empty, rand, randint
from lineal.tensors import Tensor

__all__ = ["Transform", "chance", "uniform", "whole"]


class Transform(Module):
    """A transform of images: define `transform(image)`, and `extra_repr` of its parameters."""

    SHOWN: tuple[str, ...] = ()
    """The attributes that `repr` shows."""

    def transform(self, image: Any) -> Any:
        """Return what becomes of an image, a tensor (…, C, H, W)."""
        raise NotImplementedError(f"{type(self).__name__}: a Transform must define transform(image)")

    def forward(self, *inputs: Any) -> Any:
        """Return what becomes of the first input that is an image, and the others as they are."""
        for place, each in enumerate(inputs):
            if is_pillow(each) or isinstance(each, Tensor):
                found = (*inputs[:place], self.transform(to_image(each)), *inputs[place + 1 :])
                return found[0] if len(found) == 1 else found
        raise TypeError(
            f"{type(self).__name__}: expected an image, a tensor or one of PIL's, got "
            + ", ".join(type(each).__name__ for each in inputs)
        )

    def extra_repr(self) -> str:
        values = {name: getattr(self, name) for name in self.SHOWN}
        shown = {name: each.value if isinstance(each, enum.Enum) else each for name, each in values.items()}
        return ", ".join(f"{name}={each}" for name, each in shown.items() if each is not None)


def uniform(low: float, high: float) -> float:
    """Draw a number between two."""
    return empty(1).uniform_(low, high).item()


def whole(count: int) -> int:
    """Draw a whole number from 0 to below `count`."""
    return int(randint(0, count, (1,)).item())


def chance(p: float) -> bool:
    """Draw whether something happens whose probability is `p`."""
    return rand(1).item() < p


def check_probability(name: str, p: float) -> float:
    """Refuse what is no probability."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: `p` should be a floating point value in the interval [0.0, 1.0], got {p}")
    return p
