"""How a kernel stands on an image, in whole numbers: what a convolution and both its derivatives have in common.

    T(x, w, y) = Σ y[o, i] w[o, c, r] x[c, i · stride + r · dilation - padding]

The convolution is the derivative of T by y, its adjoints are those by x and by w.   Dumoulin and Visin (2016).
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Geometry", "Phase"]

Ints = tuple[int, ...]


class Geometry(NamedTuple):
    """The sizes of an image, of a kernel and of the places where it stands, axis by axis, and the groups of channels.

    `padding` counts the zeros in front of each axis, and is negative where the image begins before the kernel does; what lies
    behind follows from the places. The image is zero outside of its sizes.
    """

    image: Ints
    kernel: Ints
    places: Ints
    stride: Ints
    dilation: Ints
    padding: Ints
    groups: int = 1

    @property
    def axes(self) -> list[Ints]:
        """The numbers of each axis, in the order of the fields."""
        return list(zip(*self[:6]))

    @property
    def reach(self) -> Ints:
        """How many elements of the padded image the kernel comes to."""
        fields = zip(self.places, self.stride, self.kernel, self.dilation)
        return tuple([max((n - 1) * step + (side - 1) * far + 1, 0) for n, step, side, far in fields])

    def work(self, images: int, channels: int, outputs: int) -> int:
        """Return how many multiplications so many images take, by a kernel of so many channels and outputs."""
        return images * channels * outputs * math.prod(self.kernel) * math.prod(self.places)


class Phase(NamedTuple):
    """A part of the derivative by the image: its places `start, start + stride, …`, as a convolution of the cotangent.

    The kernel's part is read backwards, from `last` on, in steps of `step`. Where no number of the kernel comes to these
    places, the geometry's kernel has no elements.
    """

    geometry: Geometry
    start: Ints
    last: Ints
    step: Ints

    @property
    def shown(self) -> tuple[slice, ...]:
        """The part of the kernel, backwards."""
        return tuple([slice(last, None, -step) for last, step in zip(self.last, self.step)])

    @property
    def empty(self) -> bool:
        """Whether nothing comes to these places."""
        return 0 in self.geometry.kernel


@lru_cache(1024)
def phases(geometry: Geometry) -> tuple[Phase, ...]:
    """Return the parts of the derivative by the image, one for each residue of the stride."""
    return tuple([joined(parts, geometry.groups) for parts in itertools.product(*map(residues, geometry.axes))])


def residues(axis: Ints) -> list[tuple[int, ...]]:
    """Return the part of each residue along one axis: the sizes of its convolution, where it starts, and the kernel's part.

    At j = start + u · stride stands i = u + (start + padding - r · dilation) / stride, for those r that leave no rest.
    """
    size, side, places, stride, dilation, padding = axis
    common = math.gcd(stride, dilation)
    step, far = stride // common, dilation // common
    found = []
    for start in range(min(stride, size)):
        first = next((r for r in range(min(step, side)) if (start + padding - r * dilation) % stride == 0), side)
        count = len(range(first, side, step))
        begin = (start + padding - first * dilation) // stride
        there = len(range(start, size, stride))
        found.append((places, count, there, 1, far, (count - 1) * far - begin, start, first + (count - 1) * step, step))
    return found


def joined(parts: tuple[tuple[int, ...], ...], groups: int) -> Phase:
    """Return the phase that has these parts along its axes."""
    image, kernel, places, stride, dilation, padding, start, last, step = zip(*parts)
    return Phase(Geometry(image, kernel, places, stride, dilation, padding, groups), start, last, step)
