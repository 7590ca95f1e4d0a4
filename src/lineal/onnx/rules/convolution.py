"""Convolutions, and transposed ones."""

from __future__ import annotations

from typing import Any

from lineal.onnx.errors import OnnxExporterError
from lineal.onnx.rules.table import exports, no_export
from lineal.onnx.writer import GraphWriter, Value
from lineal.ops.contraction.convolution import Convolution, ConvolutionByImage, ConvolutionByKernel

__all__ = ["behind", "convolved", "spread"]

no_export("no rule so far", ConvolutionByKernel)


def behind(size: Any, kernel: int, places: Any, stride: int, dilation: int, padding: int) -> int:
    """Return the padding behind an axis with which ONNX counts as many places: as in front, one more, or what is read."""
    reach = dilation * (kernel - 1) + 1
    for width in (padding, padding + 1, padding - 1):
        if width >= 0 and (size + padding + width - reach) // stride + 1 == places:
            return width
    width = (places - 1) * stride + reach - size - padding
    return max(width if isinstance(width, int) else int(width), 0)


def refuse_crops(geometry: Any) -> None:
    """Refuse a kernel that begins behind the start of the image."""
    if any(each < 0 for each in geometry.padding):
        raise OnnxExporterError(f"a convolution with negative padding {geometry.padding}")


@exports(Convolution, by="Conv")
def convolution(graph: GraphWriter, op: Any, y: Any, x: Value, w: Value, *bias: Value) -> str:
    return convolved(graph, op.geometry, op.geometry.groups, x, w, *bias)


def convolved(graph: GraphWriter, g: Any, groups: int, *xs: Any) -> str:
    """Return the convolution of an image, a kernel and perhaps a bias."""
    refuse_crops(g)
    ends = [behind(*axis) for axis in zip(g.image, g.kernel, g.places, g.stride, g.dilation, g.padding)]
    return graph.node(
        "Conv", *xs, strides=g.stride, dilations=g.dilation, group=groups, pads=[*g.padding, *ends], kernel_shape=g.kernel
    )


@exports(ConvolutionByImage, by="ConvTranspose")
def by_image(graph: GraphWriter, op: Any, y: Any, x: Value, w: Value, *bias: Value) -> str:
    """y = the transposed convolution; what its sizes leave open is output padding, or less padding behind."""
    g = op.geometry
    # of grouped ones the bias is added apart: the reference of onnx 1.23 gives all groups the bias of the first
    apart = bias if g.groups > 1 else ()
    made = spread(graph, g, g.groups, x, w, *(() if apart else bias))
    along = graph.ints([-1, *[1] * len(g.image)])
    return graph.node("Add", made, graph.node("Reshape", *apart, along)) if apart else made


def spread(graph: GraphWriter, g: Any, groups: int, *xs: Any) -> str:
    """Return the transposed convolution of an image, a kernel and perhaps a bias."""
    refuse_crops(g)
    axes = list(zip(g.image, g.kernel, g.places, g.stride, g.dilation, g.padding))
    more = [int(size - (step * (n - 1) + far * (k - 1) + 1 - 2 * pad)) for size, k, n, step, far, pad in axes]
    ends = [pad - min(each, 0) for pad, each in zip(g.padding, more)]
    return graph.node(
        "ConvTranspose",
        *xs,
        strides=g.stride,
        dilations=g.dilation,
        group=groups,
        pads=[*g.padding, *ends],
        kernel_shape=g.kernel,
        output_padding=[max(each, 0) for each in more],
    )
