"""Convolutions, and what is made of their sums: calls of the routine that fits, with a table of numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from lineal.codegen.contract.contraction import contraction
from lineal.codegen.contract.convolutions import posed, runs_on
from lineal.codegen.contract.direct import Direct, direct, fits
from lineal.codegen.contract.images import put_down, table_on
from lineal.codegen.contract.native import Native
from lineal.codegen.contract.problem import Contract, Image
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64, kind_of, pointer
from lineal.codegen.target import Target
from lineal.compiler.kernels.epilogues import Sheet, epilogue_of, sheets_of
from lineal.compiler.kernels.loops import parameters
from lineal.compiler.nodes.node import Convolve
from lineal.compiler.scheduling.grouping import Group
from lineal.compiler.scheduling.tiled import Tiled, sizes_of

__all__ = ["routine_of", "write_convolution"]


class Sizes(NamedTuple):
    """How many images and groups there are, and of each group the channels and outputs."""

    images: int
    groups: int
    channels: int
    outputs: int


def sizes(node: Convolve) -> Sizes:
    """Return the sizes of a convolution."""
    groups = node.geometry.groups
    return Sizes(node.x.shape[0], groups, node.w.shape[1], node.w.shape[0] // groups)


def convolution_in(group: Group) -> Convolve:
    """Return the convolution of a group."""
    node = group.nodes[0]
    assert isinstance(node, Convolve)
    return node


def problem_of(group: Group) -> Direct | Contract:
    """Return what a group takes a routine for."""
    node = convolution_in(group)
    geometry, kind, (images, _, channels, outputs) = node.geometry, kind_of(node.x.buffer.dtype), sizes(node)
    epilogue, axes = epilogue_of(group) if isinstance(group, Tiled) else None, len(geometry.kernel)
    if fits(geometry, kind, (images, channels, outputs)):
        return Direct(kind.name, axes, epilogue)
    runs = runs_on(geometry, kind, images)
    return posed(kind, Image(axes + runs, runs=runs))._replace(epilogue=epilogue, pairs=node.pairs)


def routine_of(group: Group, target: Target) -> Native:
    """Return the routine that does a convolution, and what is made of its sums."""
    problem = problem_of(group)
    return direct(problem, target) if isinstance(problem, Direct) else contraction(problem, target)


def write_convolution(e: Emitter, group: Group, name: str) -> bool:
    """Write the function of a convolution; return that it returns no status."""
    node, buffers = convolution_in(group), parameters(group)
    with e.function(name, [(f"p{n}", pointer) for n in range(len(buffers))]) as given:
        address = dict(zip(buffers, given))
        at = lambda buffer, offset: e.address(address[buffer], offset, kind_of(buffer.dtype))
        x, w = (at(each.buffer, each.offset) for each in (node.x, node.w))
        sheets = sheets_of(group, node.out, sizes_of(node))
        problem, spread, name = problem_of(group), e.const(int(e.spread), int64), routine_of(group, e.target).name
        if isinstance(problem, Direct):
            # sums that nobody keeps need no memory
            sheets = sheets[isinstance(group, Tiled) and not group.kept :]
            table, places = direct_table(node, sheets), [at(each.buffer, each.offset) for each in sheets]
            e.call(name, None, x, put_down(e, table), w, *places, spread)
            return False
        runs = problem.image is not None and problem.image.runs
        rows, columns, depth = product_sizes(node, runs)
        along = [place for each in sheets for place in (at(each.buffer, each.offset), e.index(each.steps[1]))]
        left, right = [w, e.index(depth), e.index(1)], [x, put_down(e, contract_table(node, sheets, runs)), e.index(0)]
        e.call(name, None, *left, *right, *map(e.index, (rows, columns, depth)), spread, *along)
    return False


def product_sizes(node: Convolve, runs: bool) -> tuple[int, int, int]:
    """Return rows, columns and depth of the product that a convolution is, for each group (and image, unless that runs on)."""
    images, _, channels, outputs = sizes(node)
    columns, depth = math.prod(node.geometry.places), channels * math.prod(node.geometry.kernel)
    return outputs, columns * (images if runs else 1), depth


def direct_table(node: Convolve, sheets: Sequence[Sheet]) -> list[int]:
    """Return the table of a direct convolution."""
    images, groups, channels, outputs = sizes(node)
    first, channel = node.x.strides[:2]
    steps = itertools.chain(*(each.steps for each in sheets))
    return [*table_on(node.geometry, node.x.strides), images, groups, channels, outputs, first, channels * channel, *steps]


def contract_table(node: Convolve, sheets: Sequence[Sheet], runs: bool) -> list[int]:
    """Return the table of a contraction with what is seen of images."""
    (images, groups, channels, outputs), (rows, _, depth) = sizes(node), product_sizes(node, runs)
    first, channel = node.x.strides[:2]
    along = [(each.steps[0], outputs * each.steps[1]) for each in sheets]
    moves = [(0, rows * depth), (first, channels * channel), *along]
    if not runs:
        return [*table_on(node.geometry, node.x.strides), images, groups, *itertools.chain(*moves)]
    own = [math.prod(node.geometry.places), *(each.steps[0] for each in sheets)]
    stack = [1, groups, *itertools.chain(*((0, step) for _, step in moves))]
    return [*table_on(node.geometry, node.x.strides, images), *stack, *own]
