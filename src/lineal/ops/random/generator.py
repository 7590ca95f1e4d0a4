"""The random generator: Philox, whose whole state is a tensor of a key and a count of draws.

A draw takes its numbers from Philox4x64-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") with the seed as
key and the count of draws as the upper half of the counter, so each draw has 2¹²⁸ blocks of its own, and the same state gives
the same numbers in eager and compiled code.
"""

from __future__ import annotations

import os
from _thread import allocate_lock  # threading.Lock without threading, a millisecond of import
from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import later
from lineal.base.config import LARGE_FORMULA
from lineal.base.devices import as_device, device
from lineal.base.platforms import UNUSUAL
from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, Op, apply, lift, modes, write
from lineal.core.door import Least
from lineal.core.inplace import touch
from lineal.core.modes import thread_generator

__all__ = ["Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]

philox: Any = later.module("lineal.codegen.philox")

_MASK = (1 << 64) - 1


class Advance(Op):
    """The state after one more draw."""

    differentiable = False
    no_vjp = "whole numbers"
    no_batch = "never met: the rules of draws advance the state"

    def eager(self, xp, state):
        return state + xp.array([0, 1], xp.int64)

    def vjp(self, needs, g, y, state):
        return (None,)


class Generator:
    """A source of random numbers with its own seed and state."""

    def __init__(self, device: str | device = "cpu"):
        self.device = as_device(device)
        self.lock = allocate_lock()
        self.state = lift(np.array([67280421310721, 0], np.int64))

    def manual_seed(self, seed: int) -> Generator:
        """Start anew from `seed`, any int that fits into 64 bits."""
        if not -(1 << 63) <= seed < (1 << 64):
            raise RuntimeError(f"manual_seed: Overflow when unpacking long: expected a seed of 64 bits, got {seed}")
        fresh = lift(np.array([seed & _MASK, 0], np.uint64).view(np.int64))
        with modes.no_grad():
            write(self.state, fresh, "manual_seed")
        return self

    def seed(self) -> int:
        """Start anew from a seed that the operating system chooses, and return it."""
        chosen = int.from_bytes(os.urandom(8), "little") >> 1
        self.manual_seed(chosen)
        return chosen

    def initial_seed(self) -> int:
        """Return the seed the generator started from."""
        return int(self.state.value[0]) & _MASK

    def get_state(self) -> Tensor:
        """Return the state as a tensor of 16 bytes."""
        return lift(self.state.value.view(np.uint8).copy())

    def set_state(self, new_state: Tensor) -> Generator:
        """Take up a state that `get_state` returned."""
        value = getattr(new_state, "value", None)
        if value is None or value.dtype != np.uint8 or value.shape != (16,):
            raise TypeError("set_state: expected the 16 bytes that get_state() returns")
        with modes.no_grad():
            write(self.state, lift(np.ascontiguousarray(value).view(np.int64)), "set_state")
        return self

    def clone_state(self) -> Generator:
        """Return another generator in the same state."""
        return Generator().set_state(self.get_state())

    def draw(self, op: Op, *xs: Any) -> Any:
        """Return `apply(op, state, *xs)` and advance the state."""
        return self.drawn(self.state, op, *xs)

    def drawn(self, state: AbstractTensor, op: Op, *xs: Any) -> Any:
        """Return `apply(op, state, *xs)` and advance the generator's state."""
        with self.lock:
            if UNUSUAL or modes.recorder.get() is not None or modes.guard.get() is not None:
                return drawn_by_ops(op, state, *xs)
            y = apply(op, state, *xs)
            state.value[1] += 1
            touch(state, *WRITER)
        return y


def drawn_by_ops(op: Op, state: AbstractTensor, *xs: Any) -> Any:
    """Return `apply(op, state, *xs)` and advance the state, of which somebody is to hear, or that lies elsewhere."""
    with modes.no_grad():
        y = apply(op, state, *xs)
        write(state, apply(_ADVANCE, state), "draw")
    return y


WRITER = ("draw", (Generator.draw.__code__, 0))
"""What writes to states, and its line."""


class DefaultGenerator(Generator):
    """The generator of the process; in a thread that has one of its own, that one."""

    @property
    def state(self) -> Any:
        """The state of the generator that the running thread draws from."""
        own = thread_generator.get()
        return self.__dict__["state"] if own is None else own.state

    @state.setter
    def state(self, state: Any) -> None:
        self.__dict__["state"] = state

    def draw(self, op: Op, *xs: Any) -> Any:
        listener = modes.recorder.get()
        if listener is not None:
            listener.heeds(thread_generator)
        own = thread_generator.get()
        return self.drawn(self.__dict__["state"], op, *xs) if own is None else own.draw(op, *xs)


# users know of one class
DefaultGenerator.__name__ = DefaultGenerator.__qualname__ = Generator.__name__

_ADVANCE = Advance()
default_generator = DefaultGenerator()


_least = Least(LARGE_FORMULA)


def filled(state: np.ndarray, storage: np.dtype, count: int) -> Any:
    """Return `count` numbers, as `codegen/philox.py` makes them; None where NumPy's generator has to."""
    return philox.filled(state, storage, count) if _least.reached(count) else None


def integers(state: np.ndarray, count: int, low: int, span: int) -> Any:
    """Return `count` whole numbers low + word % span; None where NumPy's generator has to."""
    return philox.integers(state, count, low, span) if _least.reached(count) else None


def bits(state: np.ndarray, count: int) -> np.ndarray:
    """Return `count` random uint64 numbers for a state."""
    words = filled(state, _WORD, count)
    return source(state).random_raw(count) if words is None else words


_WORD = np.dtype(np.uint64)


def source(state: np.ndarray) -> Any:
    """Return NumPy's Philox bit generator at the beginning of a state's draw."""
    key, draw = (int(each) & _MASK for each in state)
    return np.random.Philox(key=key, counter=draw << 128)


_spare: list[Any] = []
"""NumPy's generators that nobody draws from just now; to make one takes as long as twenty draws."""


def drawn_from(state: np.ndarray, draw: Callable[[Any], np.ndarray]) -> np.ndarray:
    """Return what `draw` takes of NumPy's generator at the beginning of a state's draw."""
    generator = _spare.pop() if _spare else np.random.Generator(source(state))
    try:
        key, number = (int(each) & _MASK for each in state)
        words = np.array([0, 0, number, 0], np.uint64), np.array([key, 0], np.uint64)
        generator.bit_generator.state = {
            "bit_generator": "Philox",
            "state": {"counter": words[0], "key": words[1]},
            "buffer": np.zeros(4, np.uint64),
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }
        return draw(generator)
    finally:
        _spare.append(generator)


def manual_seed(seed: int) -> Generator:
    """Start the default generator anew from `seed`, and return it."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Start the default generator anew from a seed that the operating system chooses, and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed the default generator started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Return the state of the default generator as a tensor of 16 bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator into a state that `get_rng_state` returned."""
    default_generator.set_state(new_state)
