"""Freeing: what nobody but a recorder holds it lets go while the function still runs, so that its memory can serve again.

A recorder knows arrays and tensors by their identities, which others must not take over meanwhile. So it holds all it hears of:
a training step would keep every array it ever made. Small ones stay; large ones go as soon as nobody else has them, since then
nothing can be heard of them any more.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from lineal.core import AbstractTensor
from lineal.tracing import Place, PureRecorder, Var

__all__ = ["Freeing"]

LARGE = 1 << 16
"""From how many bytes on memory is let go."""
PATIENCE = 32 << 20
"""After how many bytes of large arrays that were heard of it is looked what may go."""


class Freeing(PureRecorder):
    """A recorder that lets go of large arrays which nobody else holds."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = 0
        """How many bytes of large arrays were entered since the last look."""

    def enter(self, x: AbstractTensor) -> Var:
        found = super().enter(x)
        self.grow(x.value.nbytes)
        return found

    def put(self, x: AbstractTensor, place: Place) -> None:
        super().put(x, place)
        self.grow(x.value.nbytes)

    def grow(self, nbytes: int) -> None:
        """Count what was entered, and look from time to time what may go."""
        if nbytes >= LARGE:
            self.entered += nbytes
            if self.entered > PATIENCE:
                self.entered = 0
                self.let_go()

    def let_go(self) -> None:
        """Forget what nobody else holds: views before what they look into, which was entered before them."""
        for others in (self.over.detached, self.over.passed):
            for key in list(others):
                # such as detach() gives; those by which arrays were entered follow
                pair = (others[key], None)
                if key not in self.owners and pair[0].value.nbytes >= LARGE and held(pair)[0] == ALONE[0] + 1:
                    del others[key]
        kept = []
        while self.alive:
            pair = self.alive.pop()
            if self.is_idle(pair):
                self.forget(*pair)
            else:
                kept.append(pair)
        self.alive = kept[::-1]

    def is_idle(self, pair: tuple[AbstractTensor, np.ndarray]) -> bool:
        """Return whether a tensor that the function made, and its large array, are held by nobody else."""
        x, array = pair
        place = self.places.get(id(array))
        if place is None or x.value is not array or id(x) in self.outside:
            return False
        storage = place.storage
        if storage.captured is not None or storage.lookers or storage.looked_at or storage.array.nbytes < LARGE:
            return False
        known = sum(id(x) in others for others in (self.over.detached, self.over.gained, self.over.passed))
        # the names here, and the tensor's slot
        return held(pair) == (ALONE[0] + 1 + known, ALONE[1] + 2 + (storage.array is array))

    def forget(self, x: AbstractTensor, array: np.ndarray) -> None:
        """Forget a tensor and its array."""
        del self.places[id(array)]
        self.owners.discard(id(x))
        for others in (self.over.detached, self.over.gained, self.over.passed):
            others.pop(id(x), None)


def held(pair: tuple[Any, Any]) -> tuple[int, int]:
    """Return how many hold each thing of a pair, counting the pair and what looks."""
    return sys.getrefcount(pair[0]), sys.getrefcount(pair[1])


ALONE = held((object(), object()))
"""How many hold what a pair alone has."""
