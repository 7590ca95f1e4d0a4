"""In which order to contract many tensors, two at a time.

Labels are bits of an integer, a tensor is the set of its labels. Up to eight tensors the order is optimal (dynamic programming
over subsets, outer products included); beyond, greedy: the pair whose product saves most memory goes first.
"""

from __future__ import annotations

import functools
import math

Pairs = tuple[tuple[int, int], ...]
OPTIMAL = 8


@functools.lru_cache(512)
def contraction_path(tensors: tuple[tuple[str, ...], ...], kept: tuple[str, ...], sizes: tuple[tuple[str, int], ...]) -> Pairs:
    """Return pairs of tensors to contract in turn; each result takes the next number after the tensors'."""
    if len(tensors) < 3:
        return ((0, 1),) * (len(tensors) - 1)
    bits = {label: 1 << place for place, (label, _) in enumerate(sizes)}
    sets = [sum(bits[label] for label in set(labels)) for labels in tensors]
    goal = sum(bits[label] for label in set(kept))
    lengths = [size for _, size in sizes]

    @functools.cache
    def volume(labels: int) -> int:
        return math.prod(size for place, size in enumerate(lengths) if labels >> place & 1)

    return _optimal(sets, goal, volume) if len(sets) <= OPTIMAL else _greedy(sets, goal, volume)


def _optimal(sets: list[int], goal: int, volume) -> Pairs:
    count = len(sets)
    everything = (1 << count) - 1
    inside = [0] * (1 << count)
    for group in range(1, 1 << count):
        lowest = (group & -group).bit_length() - 1
        inside[group] = inside[group & (group - 1)] | sets[lowest]
    result = [inside[group] & (inside[everything ^ group] | goal) for group in range(1 << count)]
    for place, labels in enumerate(sets):
        result[1 << place] = labels
    cost, split = [0.0] * (1 << count), [0] * (1 << count)
    for group in range(1, 1 << count):
        if not group & (group - 1):
            continue
        best, lowest = math.inf, group & -group
        part = (group - 1) & group
        while part:
            if part & lowest:
                other = group ^ part
                total = cost[part] + cost[other] + volume(result[part] | result[other])
                if total < best:
                    best, split[group] = total, part
            part = (part - 1) & group
        cost[group] = best
    pairs: list[tuple[int, int]] = []
    _unfold(everything, split, count, pairs)
    return tuple(pairs)


def _unfold(group: int, split: list[int], count: int, pairs: list[tuple[int, int]]) -> int:
    """Write down the pairs that make `group`, inner ones first; return the group's number."""
    if not group & (group - 1):
        return group.bit_length() - 1
    first = _unfold(split[group], split, count, pairs)
    second = _unfold(group ^ split[group], split, count, pairs)
    pairs.append((first, second))
    return count + len(pairs) - 1


def _greedy(sets: list[int], goal: int, volume) -> Pairs:
    alive = dict(enumerate(sets))
    pairs: list[tuple[int, int]] = []
    number = len(sets)
    while len(alive) > 1:
        best: tuple[float, float, int, int, int] | None = None
        for first, a in alive.items():
            for second, b in alive.items():
                if second <= first:
                    continue
                rest = goal
                for place, labels in alive.items():
                    if place not in (first, second):
                        rest |= labels
                made = (a | b) & rest
                apart = 0 if a & b else 1
                candidate = (apart, volume(made) - volume(a) - volume(b), first, second, made)
                if best is None or candidate < best:
                    best = candidate
        assert best is not None
        _, _, first, second, made = best
        del alive[first], alive[second]
        alive[number] = made
        pairs.append((first, second))
        number += 1
    return tuple(pairs)
