"""Steps on other parameters and another state than an optimizer's own."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lineal.base.signatures import Tensor
from lineal.core import modes
from lineal.optim.optimizer import Optimizer

__all__ = ["swap_in_optimizer_params_and_state"]

NAME = "swap_in_optimizer_params_and_state"


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Let an optimizer have the given parameters, in its order, and the given state, until the context ends.

    The state is what `optimizer.state_dict()` returns. What is written to its tensors in place stays; what else becomes of
    it is forgotten. RuntimeError if the optimizer has no state yet, or if the state is none of such an optimizer.
    """
    state, groups = checked(optimizer, swapin_optim_state)
    counts = [len(group["params"]) for group in groups]
    if sum(counts) > len(swapin_parameters):
        raise RuntimeError(f"{NAME}: expected at least {sum(counts)} parameters, got {len(swapin_parameters)}")
    own, kept = optimizer.state, [dict(group) for group in optimizer.param_groups]
    given = iter(swapin_parameters.values())
    try:
        swapped: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for group, other in zip(optimizer.param_groups, groups, strict=True):
            parameters = list(itertools.islice(given, len(other["params"])))
            group.update(other, params=parameters)
            swapped.update((x, dict(state.get(number, {}))) for x, number in zip(parameters, other["params"]))
        optimizer.state = swapped
        modes.Structure.changes += 1
        yield
    finally:
        for group, before in zip(optimizer.param_groups, kept, strict=True):
            group.clear()
            group.update(before)
        optimizer.state = own
        modes.Structure.changes += 1


def checked(optimizer: Optimizer, given: Any) -> tuple[dict[int, dict[str, Any]], list[dict[str, Any]]]:
    """Return the state and the groups of a state dict; RuntimeError if it is none of such an optimizer."""
    state, groups = (given.get(name) if isinstance(given, dict) else None for name in ("state", "param_groups"))
    if not optimizer.state:
        raise RuntimeError(f"{NAME}: the optimizer has no state yet")
    if not isinstance(state, dict) or not all(isinstance(values, dict) for values in state.values()):
        raise RuntimeError(f"{NAME}: expected the dict that `optimizer.state_dict()` returns")
    if not isinstance(groups, list) or len(groups) != len(optimizer.param_groups):
        raise RuntimeError(f"{NAME}: expected a list of {len(optimizer.param_groups)} param_groups")
    for place, (group, other) in enumerate(zip(optimizer.param_groups, groups)):
        check_group(place, group, other)
    unknown = state.keys() - set(itertools.chain.from_iterable(group["params"] for group in groups))
    if unknown:
        raise RuntimeError(f"{NAME}: there is state of {sorted(map(str, unknown))}, which are in no group")
    return state, groups


def check_group(place: int, group: dict[str, Any], other: Any) -> None:
    """Refuse a group that is not like the optimizer's."""
    numbers = other.get("params") if isinstance(other, dict) else None
    if not isinstance(numbers, list) or not all(isinstance(each, int) for each in numbers):
        raise RuntimeError(f"{NAME}: expected the params of group {place} as a list of numbers")
    if len(numbers) != len(group["params"]):
        raise RuntimeError(f"{NAME}: group {place} has {len(numbers)} params, and the optimizer's {len(group['params'])}")
    if other.keys() != group.keys():
        odd = ", ".join(sorted(other.keys() ^ group.keys()))
        raise RuntimeError(f"{NAME}: group {place} has other options than the optimizer's: only one has {odd}")
