"""What a profile does in each step of a program: waits, warms up, records."""

from __future__ import annotations

import enum
from collections.abc import Callable

__all__ = ["ProfilerAction", "ProfilerActivity", "schedule"]


class ProfilerActivity(enum.Enum):
    """What is recorded: the host's work, which is all there is; others are accepted, and give nothing."""

    CPU, XPU, MTIA, CUDA, HPU, PrivateUse1 = range(6)


class ProfilerAction(enum.Enum):
    """What a profile does in a step; in the last step of a recording it hands over what it has."""

    NONE, WARMUP, RECORD, RECORD_AND_SAVE = range(4)


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Return what a profile does in step n: after `skip_first` steps it waits, warms up and is active, again and again.

    `repeat` says how many times (0: until the end); with `skip_first_wait` it does not wait the first time.
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise AssertionError(
            "schedule: expected no negative numbers and active of at least 1, got "
            f"{wait=}, {warmup=}, {active=}, {repeat=}, {skip_first=}"
        )
    length = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"schedule: expected a step of 0 or more, got {step}")
        step -= skip_first
        if step >= 0 and skip_first_wait:
            step += wait
        if step < 0 or (repeat and step // length >= repeat):
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < length - 1 else ProfilerAction.RECORD_AND_SAVE

    return action
