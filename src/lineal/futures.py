"""Results that come later, as in `torch.futures`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")


class Future(Generic[T]):
    """A value, or an error, that somebody sets once; others wait for it or say what to do then."""

    def __init__(self, *, devices: list[Any] | None = None):
        self._there = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Future[T]], Any]] = []
        self._value: Any = None
        self._error: Exception | None = None

    def done(self) -> bool:
        """Return whether the value or the error is there."""
        return self._there.is_set()

    def wait(self) -> T:
        """Return the value once it is there; raise the error if there is one."""
        self._there.wait()
        return self.value()

    def value(self) -> T:
        """Return the value, which must be there; raise the error if there is one."""
        if not self.done():
            raise RuntimeError("Future.value: it is not there yet; use wait()")
        if self._error is not None:
            raise self._error
        return self._value

    def set_result(self, result: T) -> None:
        """Set the value; RuntimeError if it was set before."""
        self._settle(result, None)

    def set_exception(self, result: Exception) -> None:
        """Set an error, which `wait` raises; RuntimeError if something was set before."""
        if not isinstance(result, Exception):
            raise AssertionError(f"Future.set_exception: expected an exception, got {type(result).__name__}")
        self._settle(None, result)

    def _settle(self, value: Any, error: Exception | None) -> None:
        with self._lock:
            if self.done():
                raise RuntimeError("Future: it is set already")
            self._value, self._error = value, error
            self._there.set()
            waiting, self._callbacks = self._callbacks, []
        for callback in waiting:
            callback(self)

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Call `callback` with this future once it is done, at once if it is."""
        with self._lock:
            if not self.done():
                self._callbacks.append(callback)
                return
        callback(self)

    def then(self, callback: Callable[[Future[T]], Any]) -> Future[Any]:
        """Return the future of what `callback` makes of this one."""
        following: Future[Any] = Future()

        def go_on(done: Future[T]) -> None:
            try:
                following.set_result(callback(done))
            except Exception as error:
                following.set_exception(error)

        self.add_done_callback(go_on)
        return following


def collect_all(futures: list[Future[Any]]) -> Future[list[Future[Any]]]:
    """Return the future of the list, done when all of its futures are."""
    found: Future[list[Future[Any]]] = Future()
    missing, lock = [len(futures)], threading.Lock()

    def count(_: Future[Any]) -> None:
        with lock:
            missing[0] -= 1
            last = missing[0] == 0
        if last:
            found.set_result(futures)

    if not futures:
        found.set_result(futures)
    for each in futures:
        each.add_done_callback(count)
    return found


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """Return the values of all futures; the first error is raised."""
    return [each.wait() for each in collect_all(futures).wait()]
