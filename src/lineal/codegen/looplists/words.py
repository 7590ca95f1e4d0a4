"""Loop lists in words, which emitted code reads: int64, addresses among them.

A list begins with how many inputs and outputs there are, where constants and the memory between lie, how many steps there are,
and the word at which they begin. Inputs follow, by dtype, number of dimensions, shape and strides, and outputs, by dtype,
number of dimensions and shape. A step is a loop and its data, where its sizes and its strides stand, how many operands there
are, the sizes of the loops around it, and for each operand the place of its block among the addresses, its offset in it, and
its steps in the loops around.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.codegen.looplists.noting import Block, Listing, Step, Unlisted

__all__ = ["ALIGNMENT", "CONSTANTS", "INPUTS", "MOST_INPUTS", "MOST_OUTPUTS", "SCRATCH", "Words", "worded"]

CONSTANTS, SCRATCH, INPUTS = range(3)
"""The places among the addresses: of constants, of memory between, of the first input; outputs follow inputs."""
MOST_INPUTS, MOST_OUTPUTS = 8, 4
ALIGNMENT = 64


class Words(NamedTuple):
    """A loop list, and what must live as long."""

    words: np.ndarray
    keep: tuple[Any, ...]


def worded(listing: Listing, inputs: Sequence[np.ndarray], results: Sequence[np.ndarray], own: Mapping[str, int]) -> Words:
    """Return a listing in words; `own` are the addresses of the loops that are not NumPy's, by name."""
    if len(inputs) > MOST_INPUTS or not 0 < len(results) <= MOST_OUTPUTS:
        raise Unlisted("too many arrays")
    outputs = [output(listing, each) for each in results]
    if len(set(outputs)) < len(outputs):
        raise Unlisted("one result for two")
    places, constants, scratch = laid(listing.blocks, outputs, len(inputs))
    words = [len(inputs), len(results), constants.ctypes.data, scratch.ctypes.data, len(listing.steps), 0]
    for each in inputs:
        words += [id(each.dtype), each.ndim, *each.shape, *each.strides]
    for each in results:
        words += [id(each.dtype), each.ndim, *each.shape]
    words[5] = len(words)
    tables = [np.array([step.nest.length, *step.nest.core, *step.nest.inner], np.int64) for step in listing.steps]
    for step, table in zip(listing.steps, tables):
        words += stepped(step, table, places, own)
    keep = (constants, scratch, tables, [each.dtype for each in (*inputs, *results)])
    return Words(np.array(words, np.int64), keep)


def output(listing: Listing, result: np.ndarray) -> int:
    """Return the number of the block that is a result."""
    number, offset = listing.place(np.asarray(result))
    block = listing.blocks[number]
    if block.kind != "made" or offset or result.nbytes != block.stop - block.start or not result.flags.c_contiguous:
        raise Unlisted("a result that is no array of its own")
    return number


def laid(
    blocks: Sequence[Block], outputs: Sequence[int], inputs: int
) -> tuple[dict[int, tuple[int, int]], np.ndarray, np.ndarray]:
    """Return where blocks lie, by place among the addresses and offset, the constants, and the memory between."""
    places: dict[int, tuple[int, int]] = {number: (INPUTS + inputs + n, 0) for n, number in enumerate(outputs)}
    sizes, parts = [0, 0], []
    for number, block in enumerate(blocks):
        if number in places:
            continue
        if block.kind == "input":
            places[number] = (INPUTS + number, 0)
            continue
        which = CONSTANTS if block.kind == "constant" else SCRATCH
        places[number] = (which, sizes[which])
        if which == CONSTANTS:
            parts.append((sizes[which], block.array))
        sizes[which] += -(-(block.stop - block.start) // ALIGNMENT) * ALIGNMENT
    constants, scratch = aligned(sizes[CONSTANTS]), BETWEEN.of(sizes[SCRATCH])
    for start, array in parts:
        constants[start : start + array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)
    return places, constants, scratch


class Between:
    """The memory between the steps of lists, which is one for all: they run one at a time."""

    def __init__(self) -> None:
        self.memory = aligned(0)

    def of(self, size: int) -> np.ndarray:
        """Return so many bytes or more, which whoever needs them keeps."""
        if size > self.memory.size:
            self.memory = aligned(max(size, 2 * self.memory.size))
        return self.memory


def aligned(size: int) -> np.ndarray:
    """Return so many bytes of memory that begins at a line of the cache."""
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]


BETWEEN = Between()


def stepped(step: Step, table: np.ndarray, places: Mapping[int, tuple[int, int]], own: Mapping[str, int]) -> list[int]:
    """Return the words of a step."""
    if isinstance(step.loop, str):
        if step.loop not in own:
            raise Unlisted(f"no loop {step.loop}")
        loop, data = own[step.loop], 0
    else:
        loop, data = step.loop
    strides = table.ctypes.data + table.itemsize * (1 + len(step.nest.core))
    words = [loop, data, table.ctypes.data, strides, len(step.operands), *step.nest.sizes]
    for n, operand in enumerate(step.operands):
        place, start = places[operand.block]
        words += [place, start + operand.offset, *[steps[n] for steps in step.nest.outer]]
    return words
