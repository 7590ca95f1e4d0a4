"""What a process has one of, although several threads may be the first to ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")


def once(make: Callable[..., T]) -> Callable[..., T]:
    """Return `make`, called once for each of its arguments, given by position; functools.cache lets threads make it twice."""
    made: dict[tuple, T] = {}
    # a lock that its thread may take again: what is made may ask for another
    lock = threading.RLock()

    @wraps(make)
    def found(*given: Any) -> T:
        try:
            return made[given]
        except KeyError:
            with lock:
                if given not in made:
                    made[given] = make(*given)
                return made[given]

    return found
