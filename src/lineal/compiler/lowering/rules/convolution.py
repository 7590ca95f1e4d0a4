"""Convolutions and their adjoints: calls of the routine of contractions, which reads images where they lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lineal.codegen.contract.contraction import contraction
from lineal.codegen.contract.convolutions import LEAST, posed
from lineal.codegen.contract.direct import Direct, direct, fits
from lineal.codegen.contract.geometry import Geometry, Phase, phases
from lineal.codegen.contract.images import put_down, table_on
from lineal.codegen.contract.native import Native
from lineal.codegen.contract.problem import Image
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64, kind_of
from lineal.codegen.target import host
from lineal.compiler.lowering.halves import narrowed, rounded
from lineal.compiler.lowering.routines import Addresses, call
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.buffers import Buffer, BufferView, dense
from lineal.compiler.nodes.node import Call
from lineal.ops.contraction.convolution import Convolution, ConvolutionByImage, ConvolutionByKernel

SIZED = "all sizes are above 0"


@call
def contracted(e: Emitter, xs: Addresses, ys: Addresses, name: str, sizes: tuple[int, int, int], table: Sequence[int]) -> None:
    """The routine on an image with its table and a matrix; the result is turned, behind it is memory for parts of sums."""
    (m, n, k), spread = map(e.index, sizes), e.const(int(e.spread), int64)
    factors = [xs[0], put_down(e, table), e.index(0), xs[1], e.index(1), k]
    e.call(name, None, *factors, m, n, k, spread, ys[1], n, ys[0], m)


@call
def directly(e: Emitter, xs: Addresses, ys: Addresses, name: str, table: Sequence[int]) -> None:
    """The routine of direct convolutions on an image with its table and a cotangent."""
    e.call(name, None, xs[0], put_down(e, table), xs[1], ys[0], e.const(int(e.spread), int64))


def in_order(low: Any, view: BufferView) -> BufferView:
    """Return the view, or a copy of it if its numbers do not lie one after the other."""
    steps = zip(view.shape, view.strides, dense(view.shape))
    if view.buffer.source != "literal" and all(size == 1 or a == b for size, a, b in steps):
        return BufferView(view.buffer, view.shape, dense(view.shape), view.offset)
    return low.copy(view)


def in_memory(low: Any, view: BufferView) -> BufferView:
    """Return the view, or a copy of it if it shows a number that stands nowhere."""
    return low.copy(view) if view.buffer.source == "literal" else view


def correlated(low: Any, geometry: Geometry, x: BufferView, w: BufferView, *bias: BufferView) -> BufferView:
    """Return the view on x (N, C, *image) convolved with w (O, C / groups, *kernel), plus a number for each output."""
    x, w = in_memory(low, x), in_order(low, w)
    shape = (x.shape[0], w.shape[0], *geometry.places)
    found = low.convolution(x, w, geometry, shape)
    if not bias:
        return rounded(low, found, x.buffer.dtype)
    b = BufferView(bias[0].buffer, shape, (0, bias[0].strides[0], *[0] * len(geometry.places)), bias[0].offset)
    return low.map(shape, x.buffer.dtype, lambda m, y, b: y + b, found, b, label="add")


@lowers(Convolution, of=FLOATS, where=SIZED, narrow=True)
def convolution(low: Any, op: Any, y: Any, x: BufferView, w: BufferView, *bias: BufferView) -> BufferView | None:
    """One call for all images and groups."""
    if is_short(op.geometry, x, w.shape[0]):
        return narrowed(convolution)(low, op, y, x, w, *bias)
    return correlated(low, op.geometry, x, w, *bias) if native(x, w, y) else None


@lowers(ConvolutionByImage, of=FLOATS, where=SIZED, narrow=True)
def by_image(low: Any, op: Any, y: Any, g: BufferView, w: BufferView, *bias: BufferView) -> BufferView | None:
    """A convolution for each residue of the stride, put where its places are."""
    if is_short(op.geometry, g, w.shape[1] * op.geometry.groups):
        return narrowed(by_image)(low, op, y, g, w, *bias)
    if not native(g, w, y):
        return None
    geometry, w, shape = op.geometry, in_order(low, w), tuple(y.shape)
    parts = phases(geometry)
    if len(parts) == 1 and not parts[0].empty:
        return correlated(low, parts[0].geometry, g, backwards(low, w, parts[0]), *bias)
    block, steps, put = low.block(shape, y.storage), dense(shape), []
    for each in parts:
        if each.empty:
            part = bias[0] if bias else low.literal(0.0, y.storage, shape[1:2])
            for axis in range(1, len(shape) - 1):
                part = part.with_axis(axis)
            part = part.stretched((*shape[:2], *each.geometry.places))
        else:
            part = correlated(low, each.geometry, g, backwards(low, w, each), *bias)
        strides = (*steps[:2], *[step * apart for step, apart in zip(steps[2:], geometry.stride)])
        offset = sum(step * start for step, start in zip(steps[2:], each.start))
        put.append(low.copy(part, inside=BufferView(block.buffer, part.shape, strides, offset)).buffer)
    return low.join(block, put)


def backwards(low: Any, w: BufferView, phase: Phase) -> BufferView:
    """Return a copy of a phase's part of a kernel that lies in order, with inputs for outputs."""
    groups, (outputs, channels), kernel = phase.geometry.groups, w.shape[:2], phase.geometry.kernel
    rows, (first, second, *steps) = outputs // groups, w.strides
    shape = (groups, channels, rows, *kernel)
    strides = (rows * first, second, first, *[-far * step for far, step in zip(phase.step, steps)])
    offset = w.offset + sum(last * step for last, step in zip(phase.last, steps))
    found = low.copy(BufferView(w.buffer, shape, strides, offset))
    whole = (groups * channels, rows, *kernel)
    return BufferView(found.buffer, whole, dense(whole), found.offset)


@lowers(ConvolutionByKernel, of=FLOATS, where=SIZED, narrow=True)
def by_kernel(low: Any, op: Any, y: Any, g: BufferView, x: BufferView) -> BufferView | None:
    """One call for all groups: the images are one more axis, along which the kernel has one place."""
    if is_short(op.geometry, x, g.shape[1]):
        return narrowed(by_kernel)(low, op, y, g, x)
    if not native(g, x, y):
        return None
    geometry, x = op.geometry, in_memory(low, x)
    (images, outputs, *places), groups = g.shape, geometry.groups
    rows, channels = outputs // groups, x.shape[1] // groups
    kind, out = kind_of(x.buffer.dtype), low.made_buffer(tuple(y.shape), y.storage)
    work = geometry.work(images, channels, outputs)
    if fits(geometry, kind, (images, channels, rows), True):
        g = in_order(low, g)
        table = [*table_on(geometry, x.strides), images, groups, channels, rows]
        table += [x.strides[0], channels * x.strides[1], *g.strides[:2]]
        routine = direct(Direct(kind.name, len(places), turned=True), host())
        return called(low, routine, directly(routine.name, tuple(table)), (x, g), [out], work)
    b = in_order(low, BufferView(g.buffer, (outputs, images, *places), (g.strides[1], g.strides[0], *g.strides[2:]), g.offset))
    depth, width = images * math.prod(places), channels * math.prod(geometry.kernel)
    table = table_on(geometry, x.strides, images)
    table += [1, groups, 0, channels * x.strides[1], 0, rows * depth, *[0, rows * width] * 2]
    routine = contraction(posed(kind, Image(len(places) + 1, turned=True)), host())
    parts = low.made_buffer((groups, width, rows) if depth > routine.deepest else (1,), kind.computed.dtype)
    write = contracted(routine.name, (width, rows, depth), tuple(table))
    return called(low, routine, write, (x, b), [out, parts], work)


def called(low: Any, routine: Native, write: Call, args: Sequence[BufferView], outs: Sequence[Buffer], work: int) -> BufferView:
    """Append the call of a routine; return the view on the first of what it makes."""
    low.routine("convolution", write, args, outs, work=work, natives=(routine,))
    return BufferView(outs[0], outs[0].shape, outs[0].strides)


def native(a: BufferView, b: BufferView, y: Any) -> bool:
    """Return whether these are floating numbers, and nothing has an axis of size 0."""
    return kind_of(y.storage).family == "f" and not any(0 in each.shape for each in (a, b, y))


def is_short(geometry: Geometry, x: BufferView, across: int) -> bool:
    """Return whether a convolution of half precisions, with so many channels on the other side, pays in float32 only."""
    channels = x.shape[1] // geometry.groups
    return kind_of(x.buffer.dtype).is_narrow and geometry.work(x.shape[0], channels, across) <= LEAST
