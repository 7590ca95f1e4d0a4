"""The search for a step that meets Wolfe's strong conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Point", "WolfeSearch", "cubic_minimum"]


class Point(NamedTuple):
    """What is known at the step t along a direction: the value f, the gradient g, and the slope along the direction."""

    t: float
    f: float
    g: Any
    slope: float


class WolfeSearch:
    """Looks for t with f(t) <= f(0) + c₁ t f'(0) and |f'(t)| <= c₂ |f'(0)|.

    Nocedal and Wright (2006), Numerical Optimization, algorithms 3.5 and 3.6, with cubic interpolation (3.59).
    `evaluate(t)` returns value and gradient; `reach` is the largest element of the direction.
    """

    def __init__(self, evaluate: Callable[[float], tuple[float, Any]], d: Any, start: Point, c1: float, c2: float):
        self.evaluate, self.d, self.start, self.c1, self.c2 = evaluate, d, start, c1, c2
        self.reach = float(d.abs().max())
        self.evaluations = 0
        self.turns = 0
        self.is_met = False

    def at(self, t: float) -> Point:
        """Return the point of step t."""
        self.evaluations += 1
        f, g = self.evaluate(t)
        return Point(t, f, g, float(g.dot(self.d)))

    def is_high(self, point: Point) -> bool:
        """Return whether the value has not come down enough."""
        return point.f > self.start.f + self.c1 * point.t * self.start.slope

    def is_flat(self, point: Point) -> bool:
        """Return whether the slope is small enough."""
        return abs(point.slope) <= -self.c2 * self.start.slope

    def bracket(self, t: float, most: int) -> list[Point]:
        """Return a point that meets the conditions, or two around such points, after at most so many turns."""
        before, point = self.start, self.at(t)
        while self.turns < most:
            if self.is_high(point) or (self.turns > 1 and point.f >= before.f):
                return [before, point]
            if self.is_flat(point):
                self.is_met = True
                return [point]
            if point.slope >= 0:
                return [before, point]
            t = cubic_minimum(before, point, (point.t + 0.01 * (point.t - before.t), point.t * 10))
            before, point = point, self.at(t)
            self.turns += 1
        return [self.start, point]

    def zoom(self, ends: list[Point], most: int, tolerance: float) -> Point:
        """Return the lowest point found between two, by the end of so many turns."""
        low, is_stuck = int(ends[0].f > ends[-1].f), False
        while not self.is_met and self.turns < most and abs(ends[1].t - ends[0].t) * self.reach >= tolerance:
            t, is_stuck = inside(cubic_minimum(ends[0], ends[1]), ends[0].t, ends[1].t, is_stuck)
            point = self.at(t)
            self.turns += 1
            if self.is_high(point) or point.f >= ends[low].f:
                ends[1 - low] = point
                low = int(ends[0].f > ends[1].f)
                continue
            if self.is_flat(point):
                self.is_met = True
            elif point.slope * (ends[1 - low].t - ends[low].t) >= 0:
                ends[1 - low] = ends[low]
            ends[low] = point
        return ends[low]


def inside(t: float, a: float, b: float, was_stuck: bool) -> tuple[float, bool]:
    """Return a step that is not too near to the ends a and b twice, and whether it is near now."""
    least, most = min(a, b), max(a, b)
    margin = 0.1 * (most - least)
    if not min(most - t, t - least) < margin:
        return t, False
    if not (was_stuck or t >= most or t <= least):
        return t, True
    return most - margin if abs(t - most) < abs(t - least) else least + margin, False


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Return where the cubic through two points with these slopes is least, moved between the bounds, by default the points."""
    first, second = (a, b) if a.t <= b.t else (b, a)
    least, most = bounds or (first.t, second.t)
    with np.errstate(all="ignore"):
        # NumPy's numbers divide by 0 as tensors do
        width = np.float64(second.t - first.t)
        d1 = first.slope + second.slope - 3 * (second.f - first.f) / width
        square = d1 * d1 - first.slope * second.slope
        if not square >= 0:
            return (least + most) / 2
        d2 = np.sqrt(square)
        t = second.t - width * ((second.slope + d2 - d1) / (second.slope - first.slope + 2 * d2))
    return min(max(float(t), least), most)
