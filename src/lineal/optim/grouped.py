"""A step of all parameters of a group by one native call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from lineal.base import later
from lineal.core import modes
from lineal.optim.change import apart, counted

together: Any = later.module("lineal.core.together")


Pairs = tuple[list[Any], list[Any]]


def left_to_do(optimizer: Any, group: dict[str, Any], parameters: list[Any], grads: list[Any]) -> Pairs:
    """Make a step as the optimizer's `_rule_` says; return the parameters, and their grads, that need one each.

    These are all of them if somebody hears of their ops, and those whose states are yet to be made.
    """
    if type(optimizer)._update_ is not optimizer._by_rule_ or modes.recorder.get() is not None or modes.grad_enabled.get():
        return parameters, grads
    if not optimizer._counts_:
        return ([], []) if stepped(optimizer, group, parameters, grads, None) else (parameters, grads)
    states = [optimizer.state[each] for each in parameters]
    numbers = [float(state["step"].value) if state else None for state in states]
    if len(set(numbers)) > 1 and not apart(parameters, grads):
        return parameters, grads
    left: Pairs = [], []
    for number in dict.fromkeys(numbers):
        places = [n for n, each in enumerate(numbers) if each == number]
        alike = [[listed[n] for n in places] for listed in (parameters, grads, states)]
        if not stepped(optimizer, group, *alike):
            left[0].extend(alike[0])
            left[1].extend(alike[1])
    return left


def stepped(optimizer: Any, group: dict[str, Any], parameters: list[Any], grads: list[Any], states: list[Any] | None) -> bool:
    """Make a step of parameters that have taken equally many; return False, having done nothing, where that cannot be."""
    try:
        steps = [state["step"] for state in states] if states is not None else []
        t = float(steps[0].value + steps[0].value.dtype.type(1)) if steps else None
        rule = optimizer._rule_(group, t)
        if rule.states and states is None:
            states = [optimizer.state[each] for each in parameters]
        named = [[state[name] for state in states or ()] for name in rule.states]
    except KeyError:
        return False
    formula = upwards(rule.formula, 1 + len(named)) if group.get("maximize", False) else rule.formula
    singles = [float(each) for each in rule.numbers]
    if not together.done_together(rule.name, formula, [parameters, *named, grads], singles, 1 + len(named)):
        return False
    count(steps)
    return True


def count(steps: list[Any]) -> None:
    """Add 1 to the numbers of steps."""
    if steps and not together.done_together("add_", one_more, [steps], [], 1):
        for each in steps:
            counted(each)


def one_more(m: Any, t: Any) -> tuple:
    """The formula of a number of steps: the next one."""
    return (t + 1,)


@functools.cache
def upwards(formula: Callable[..., tuple], place: int) -> Callable[..., tuple]:
    """Return the formula of a step against the grad, which is the tensor at a place."""

    def turned(m: Any, *given: Any) -> tuple:
        return formula(m, *given[:place], -given[place], *given[place + 1 :])

    return turned
