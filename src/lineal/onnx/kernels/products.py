"""Products of matrices, and convolutions."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.nn import functional as F
from lineal.onnx.kernels.structure import padded
from lineal.onnx.kernels.table import OPERATORS, Node, operator, refuse

__all__ = ["borders"]

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@operator("Gemm")
def general_product(node: Node, a: Any, b: Any, c: Any = None) -> Any:
    """y = α A B + β C, with A or B transposed on request."""
    y = ops.matmul(a.t() if node.get("transA", 0) else a, b.t() if node.get("transB", 0) else b)
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    y = y if alpha == 1 else y * alpha
    return y if c is None else y + (c if beta == 1 else c * beta)


OPERATORS["Einsum"] = lambda node, *xs: ops.einsum(node.get("equation"), *xs)


def borders(node: Node, image: list[int], kernel: list[int], steps: list[int], spread: list[int]) -> list[tuple[int, int]]:
    """Return by how much the image is padded in front of and behind each of its axes."""
    automatic = node.get("auto_pad", "NOTSET")
    if automatic == "VALID":
        return [(0, 0)] * len(image)
    if automatic == "NOTSET":
        pads = node.get("pads", [0] * 2 * len(image))
        return [*zip(pads[: len(image)], pads[len(image) :])]
    found = []
    for size, k, step, far in zip(image, kernel, steps, spread):
        more = max((-(-size // step) - 1) * step + far * (k - 1) + 1 - size, 0)
        found.append((more // 2, more - more // 2) if automatic == "SAME_UPPER" else (more - more // 2, more // 2))
    return found


@operator("Conv")
def convolution(node: Node, x: Any, w: Any, b: Any = None) -> Any:
    n = x.ndim - 2
    if n not in CONVOLUTIONS:
        raise refuse(node, f"an input of {x.ndim} dimensions")
    steps, spread = node.get("strides", [1] * n), node.get("dilations", [1] * n)
    ends = borders(node, x.shape[2:], w.shape[2:], steps, spread)
    if all(front == back >= 0 for front, back in ends):
        return CONVOLUTIONS[n](x, w, b, steps, [front for front, _ in ends], spread, node.get("group", 1))
    return CONVOLUTIONS[n](padded(x, [(0, 0), (0, 0), *ends]), w, b, steps, 0, spread, node.get("group", 1))


@operator("ConvTranspose")
def transposed(node: Node, x: Any, w: Any, b: Any = None) -> Any:
    """y = the whole transposed convolution, padded behind and cut to the size that is wanted."""
    n = x.ndim - 2
    if n not in TRANSPOSED:
        raise refuse(node, f"an input of {x.ndim} dimensions")
    steps, spread = node.get("strides", [1] * n), node.get("dilations", [1] * n)
    more = node.get("output_padding", [0] * n)
    y = TRANSPOSED[n](x, w, None, steps, 0, 0, node.get("group", 1), spread)
    y = padded(y, [(0, 0), (0, 0), *((0, each) for each in more)])
    ends = cuts(node, x.shape[2:], y.shape[2:], steps)
    y = padded(y, [(0, 0), (0, 0), *((-front, -back) for front, back in ends)])
    return y if b is None else y + b.reshape(-1, *[1] * n)


def cuts(node: Node, image: list[int], whole: list[int], steps: list[int]) -> list[tuple[int, int]]:
    """Return by how much the whole result is cut in front of and behind each of its axes."""
    automatic, wanted = node.get("auto_pad", "NOTSET"), node.get("output_shape")
    if automatic.startswith("SAME") and wanted is None:
        wanted = [size * step for size, step in zip(image, steps)]
    if wanted is None:
        return borders(node, image, whole, steps, steps)
    found = []
    for size, each in zip(whole, wanted[-len(whole) :]):
        less = size - each
        found.append((less // 2, less - less // 2) if automatic == "SAME_UPPER" else (less - less // 2, less // 2))
    return found
