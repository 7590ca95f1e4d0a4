"""Structure: axes, shapes, slices, joints, paddings."""

from __future__ import annotations

from typing import Any

from lineal.core import Op, apply
from lineal.ops.structural.axes import MatrixTranspose, Permute, Squeeze, Transpose, Unsqueeze
from lineal.ops.structural.diagonals import Diagonal
from lineal.ops.structural.embedding import Embed
from lineal.ops.structural.flipping import Flip, Roll
from lineal.ops.structural.joining import Cat, Split
from lineal.ops.structural.padding import ConstantPad, Crop
from lineal.ops.structural.repeating import Repeat
from lineal.ops.structural.reshape import View
from lineal.ops.structural.slicing import Select, Slice
from lineal.ops.structural.stacking import Stack, Unbind
from lineal.ops.structural.triangles import Tril, Triu
from lineal.ops.structural.windows import Unfold
from lineal.tensors.autograd_methods import Detach
from lineal.transforms.batching.moving import axes_moved, axes_of_any_rank_moved, on_stacks, ranked
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(Squeeze, Transpose, Diagonal, Flip, Roll, Cat, Split, Unbind, Select, Slice, Unfold, ConstantPad)(axes_moved)
batches(Permute, Unsqueeze, Stack, Embed, Crop)(axes_of_any_rank_moved)
batches(Tril, Triu)(on_stacks)


@batches(MatrixTranspose)
def matrix_transpose(op: Op, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return x.mT if x.value.ndim == 3 else apply(Detach(), x) if x.node is None else x.reshape(x.value.shape)


@batches(View)
def view(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return x.reshape((size, *op.shape))


@batches(Repeat)
def repeat(op: Any, size: int, marks: tuple[bool, ...], x: Any) -> Any:
    return apply(type(op)((1, *op.repeats)), ranked(x, True, len(op.repeats)))
