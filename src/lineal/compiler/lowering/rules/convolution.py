"""Convolutions and their adjoints: calls of the routine of contractions, which reads images where they lie."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from lineal.codegen.contract.contraction import contraction
from lineal.codegen.contract.convolutions import posed, runs_on
from lineal.codegen.contract.direct import Direct, direct, fits
from lineal.codegen.contract.geometry import Geometry, Phase, phases
from lineal.codegen.contract.images import table_of
from lineal.codegen.contract.problem import Contract, Image
from lineal.codegen.emit import Emitter
from lineal.codegen.kinds import int64, kind_of
from lineal.codegen.target import host
from lineal.codegen.values import Value
from lineal.compiler.lowering.routines import Addresses, call
from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.nodes.windows import Base, Window, dense
from lineal.ops.contraction.convolution import Convolution, ConvolutionByImage, ConvolutionByKernel

SIZED = "all sizes are above 0"


def in_table(e: Emitter, table: Sequence[int]) -> Value:
    """Write numbers into a table; return its address."""
    memory = e.stack(8 * len(table))
    for place, number in enumerate(table):
        e.store(e.const(number, int64), memory, place)
    return memory


class Form(NamedTuple):
    """What a call is given: whether the image comes first, whether there is a bias, how far rows of the result are apart."""

    turned: bool
    bias: bool
    step: int


@call
def contracted(
    e: Emitter, xs: Addresses, ys: Addresses, name: str, sizes: tuple[int, int, int], table: Sequence[int], form: Form
) -> None:
    """The routine on a matrix and an image with its table; the result is also where parts of sums are kept."""
    m, n, k = map(e.index, sizes)
    result = [ys[0], e.index(form.step)]
    sheets = result * (2 if form.bias else 1) + ([xs[2], e.index(1)] if form.bias else [])
    if form.turned:
        # parts of sums come before the result
        sheets = [ys[1], n, *result]
    spread = e.const(int(e.spread), int64)
    image, one = [in_table(e, table), e.index(0)], e.index(1)
    factors = [xs[0], *image, xs[1], one, k] if form.turned else [xs[0], k, one, xs[1], *image]
    e.call(name, None, *factors, m, n, k, spread, *sheets)


@call
def directly(e: Emitter, xs: Addresses, ys: Addresses, name: str, table: Sequence[int]) -> None:
    """The routine of direct convolutions on an image with its table, a kernel or a cotangent, and perhaps a bias."""
    x, other, *bias = xs
    e.call(name, None, x, in_table(e, table), other, ys[0], *bias, e.const(int(e.spread), int64))


def placed(low: Any, problem: Direct, geometry: Geometry, args: Sequence[Window], across: Window, out: Base) -> Window:
    """Append the call of a direct convolution; `args` begin with the image, `across` (N, O, *places) is a cotangent or out."""
    routine, x, groups = direct(problem, host()), args[0], geometry.groups
    channels, outputs = x.shape[1] // groups, across.shape[1] // groups
    table = [*image_table(geometry, x), x.shape[0], groups, channels, outputs]
    table += [x.strides[0], channels * x.strides[1], *across.strides[:2]]
    work = geometry.work(x.shape[0], channels, across.shape[1])
    write = directly(routine.name, tuple(table))
    low.routine("convolution", write, args, [out], work=work, symbols={routine.name: routine.address})
    return Window(out, out.shape, out.strides)


def image_table(geometry: Geometry, x: Window, images: int | None = None) -> list[int]:
    """Return the table of an image (N, C, *image) without what moves it; so many images are one more axis."""
    image, kernel, places, stride, dilation, padding, _ = geometry
    fields = [places, kernel, stride, dilation, padding, image, x.strides[2:]]
    if images is not None:
        fields = [(first, *each) for first, each in zip((images, 1, 1, 1, 0, images, x.strides[0]), fields)]
    return table_of(x.strides[1], *fields)


def contract(
    low: Any, problem: Contract, args: Sequence[Window], out: Base, sizes: Sequence[int], table: list[int], step: int
) -> Window:
    """Append the call of a routine on its factors and perhaps a bias; return the window on what it makes."""
    routine, outs = contraction(problem, host()), [out]
    if problem.turned:
        outs.append(low.made_base(out.shape if sizes[2] > routine.deepest else (1,), out.dtype))
    form = Form(problem.turned, len(args) > 2, step)
    write = contracted(routine.name, tuple(sizes), tuple(table), form)
    work = math.prod(out.shape) * sizes[2]
    low.routine("convolution", write, args, outs, work=work, symbols={routine.name: routine.address})
    return Window(out, out.shape, out.strides)


def in_order(low: Any, window: Window) -> Window:
    """Return the window, or a copy of it if its numbers do not lie one after the other."""
    steps = zip(window.shape, window.strides, dense(window.shape))
    if window.base.source != "literal" and all(size == 1 or a == b for size, a, b in steps):
        return Window(window.base, window.shape, dense(window.shape), window.offset)
    return low.copy(window)


def in_memory(low: Any, window: Window) -> Window:
    """Return the window, or a copy of it if it shows a number that stands nowhere."""
    return low.copy(window) if window.base.source == "literal" else window


def correlated(low: Any, geometry: Geometry, x: Window, w: Window, *bias: Window) -> Window:
    """Return the window on x (N, C, *image) convolved with w (O, C / groups, *kernel)."""
    x, w, bias = in_memory(low, x), in_order(low, w), tuple([in_order(low, each) for each in bias])
    (images, _), (outputs, channels), groups = x.shape[:2], w.shape[:2], geometry.groups
    out = low.made_base((images, outputs, *geometry.places), x.base.dtype)
    rows, width, depth = outputs // groups, math.prod(geometry.places), channels * math.prod(geometry.kernel)
    apart = (outputs * width, rows * width)
    moves = [(0, rows * depth), (x.strides[0], channels * x.strides[1]), apart, *[apart, (0, rows)] * len(bias)]
    kind = kind_of(x.base.dtype)
    if fits(geometry, kind, (images, channels, rows)):
        problem = Direct(kind.name, len(geometry.kernel), bool(bias))
        return placed(low, problem, geometry, (x, w, *bias), Window(out, out.shape, out.strides), out)
    running = runs_on(geometry, kind, images)
    table = image_table(geometry, x, images if running else None)
    if running:
        sums, *sheets = [first for first, _ in moves[2:]]
        table += [1, groups, *itertools.chain(*((0, step) for _, step in moves)), width, sums, *sheets]
    else:
        table += [images, groups, *itertools.chain(*moves)]
    columns = width * images if running else width
    problem = posed(kind, Image(len(geometry.kernel) + running, runs=running), bool(bias))
    return contract(low, problem, (w, x, *bias), out, (rows, columns, depth), table, width)


@lowers(Convolution, of=FLOATS, where=SIZED)
def convolution(low: Any, op: Any, y: Any, x: Window, w: Window, *bias: Window) -> Window | None:
    """One call for all images and groups."""
    return correlated(low, op.geometry, x, w, *bias) if native(x, w, y) else None


@lowers(ConvolutionByImage, of=FLOATS, where=SIZED)
def by_image(low: Any, op: Any, y: Any, g: Window, w: Window, *bias: Window) -> Window | None:
    """A convolution for each residue of the stride, put where its places are."""
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
        put.append(low.copy(part, inside=Window(block.base, part.shape, strides, offset)).base)
    return low.join(block, put)


def backwards(low: Any, w: Window, phase: Phase) -> Window:
    """Return a copy of a phase's part of a kernel that lies in order, with inputs for outputs."""
    groups, (outputs, channels), kernel = phase.geometry.groups, w.shape[:2], phase.geometry.kernel
    rows, (first, second, *steps) = outputs // groups, w.strides
    shape = (groups, channels, rows, *kernel)
    strides = (rows * first, second, first, *[-far * step for far, step in zip(phase.step, steps)])
    offset = w.offset + sum(last * step for last, step in zip(phase.last, steps))
    found = low.copy(Window(w.base, shape, strides, offset))
    whole = (groups * channels, rows, *kernel)
    return Window(found.base, whole, dense(whole), found.offset)


@lowers(ConvolutionByKernel, of=FLOATS, where=SIZED)
def by_kernel(low: Any, op: Any, y: Any, g: Window, x: Window) -> Window | None:
    """One call for all groups: the images are one more axis, along which the kernel has one place."""
    if not native(g, x, y):
        return None
    geometry, x = op.geometry, in_memory(low, x)
    (images, outputs, *places), groups = g.shape, geometry.groups
    rows, channels = outputs // groups, x.shape[1] // groups
    kind = kind_of(x.base.dtype)
    if fits(geometry, kind, (images, channels, rows), True):
        out, g = low.made_base(tuple(y.shape), y.storage), in_order(low, g)
        return placed(low, Direct(kind.name, len(places), turned=True), geometry, (x, g), g, out)
    b = in_order(low, Window(g.base, (outputs, images, *places), (g.strides[1], g.strides[0], *g.strides[2:]), g.offset))
    depth, width = images * math.prod(places), channels * math.prod(geometry.kernel)
    table = image_table(geometry, x, images)
    table += [1, groups, 0, channels * x.strides[1], 0, rows * depth, *[0, rows * width] * 2]
    out = low.made_base(tuple(y.shape), y.storage)
    return contract(low, posed(kind, Image(len(places) + 1, turned=True)), (x, b), out, (width, rows, depth), table, width)


def native(a: Window, b: Window, y: Any) -> bool:
    """Return whether these are floating numbers, and nothing has an axis of size 0."""
    return y.storage.kind == "f" and not any(0 in each.shape for each in (a, b, y))
