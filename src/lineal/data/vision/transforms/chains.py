"""Transforms of transforms: one after the other, some of them, in some order; and those that are a function of the user's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lineal.data.vision.transforms.transform import Transform, chance, check_probability
from lineal.nn import Module
from lineal.ops import multinomial, randperm
from lineal.tensors import tensor

__all__ = ["Compose", "Lambda", "RandomApply", "RandomChoice", "RandomOrder"]


class Several(Transform):
    """The base of what holds other transforms."""

    def __init__(self, transforms: Sequence[Callable[..., Any]]):
        super().__init__()
        name = type(self).__name__
        if not isinstance(transforms, Sequence) and not isinstance(transforms, Module):
            raise TypeError(f"{name}: Argument transforms should be a sequence of callables")
        if not transforms:
            raise ValueError(f"{name}: Pass at least one transform")
        self.transforms = transforms

    def extra_repr(self) -> str:
        return "\n".join(f"    {each}" for each in self.transforms)


def chained(transforms: Sequence[Callable[..., Any]], inputs: tuple) -> Any:
    """Return what becomes of inputs by one transform after the other."""
    for each in transforms:
        outputs = each(*inputs)
        inputs = outputs if len(inputs) > 1 else (outputs,)
    return inputs[0] if len(inputs) == 1 else inputs


class Compose(Several):
    """One transform after the other."""

    def forward(self, *inputs: Any) -> Any:
        return chained(self.transforms, inputs)


class RandomApply(Several):
    """All of the transforms with probability `p`, else none."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: float = 0.5):
        super().__init__(transforms)
        self.p = check_probability("RandomApply", p)

    def forward(self, *inputs: Any) -> Any:
        if chance(self.p):
            return chained(self.transforms, inputs)
        return inputs[0] if len(inputs) == 1 else inputs


class RandomChoice(Several):
    """One of the transforms, with probabilities proportional to `p`."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: Sequence[float] | None = None):
        super().__init__(transforms)
        if p is not None and len(p) != len(transforms):
            raise ValueError(f"RandomChoice: Length of p doesn't match the number of transforms: {len(p)} != {len(transforms)}")
        self.p = [1.0] * len(transforms) if p is None else list(p)

    def forward(self, *inputs: Any) -> Any:
        return self.transforms[int(multinomial(tensor(self.p), 1).item())](*inputs)


class RandomOrder(Several):
    """All of the transforms, in random order."""

    def forward(self, *inputs: Any) -> Any:
        return chained([self.transforms[place] for place in randperm(len(self.transforms)).tolist()], inputs)


class Lambda(Transform):
    """A function of the user's, of inputs of some types; others stay as they are."""

    def __init__(self, lambd: Callable[[Any], Any], *types: type):
        super().__init__()
        if not callable(lambd):
            raise TypeError(f"Lambda: Argument lambd should be callable, got {type(lambd).__name__}")
        self.lambd, self.types = lambd, types or (object,)

    def forward(self, *inputs: Any) -> Any:
        found = tuple(self.lambd(each) if isinstance(each, self.types) else each for each in inputs)
        return found[0] if len(found) == 1 else found
