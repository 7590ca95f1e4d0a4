"""The tensor's structural methods: each the op it calls; and what a tensor says of its layout in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, overload

from lineal import ops
from lineal.base import later
from lineal.base.formats import channels_last, channels_last_3d, contiguous_format, memory_format
from lineal.base.later import method
from lineal.base.layouts import steps
from lineal.base.signatures import Format, Tensor, attribute
from lineal.base.spec import axis
from lineal.core import AbstractTensor, lift, memory_of, modes
from lineal.core.calling import public
from lineal.core.hooks import retain_anew
from lineal.core.inplace import refuse_leaf
from lineal.core.op import Memory, next_id
from lineal.core.sites import site
from lineal.ops import layout, structural
from lineal.ops.front import in_place
from lineal.ops.structural import axes, expanding
from lineal.ops.structural.reshape import contiguous, is_arranged, reshape_as, view, view_as

__all__ = ["StructuralMethods"]

P = ParamSpec("P")
storages: Any = later.module("lineal.tensors.storages")
placing: Any = later.module("lineal.tensors.placing")
mapping: Any = later.module("lineal.tensors.mapping")
typedstorages: Any = later.module("lineal.tensors.typedstorages")
shared: Any = later.module("lineal.tensors.shared")


def in_place_view(function: Callable[Concatenate[Any, P], Any]) -> Callable[Concatenate[Any, P], Tensor]:
    """Return the method that makes a tensor the view of itself that `function` gives, as in `t_()`."""

    def method(self: Any, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        if modes.grad_enabled.get():
            refuse_leaf(self, name)
        before = lift(self.value)
        before.node, before.index, before.memory, before.origin = self.node, self.index, memory_of(self), self.origin
        y = function(before, *args, **kwargs)
        mark_written(y.memory, name)
        self.value, self.node, self.index, self.memory, self.origin = y.value, y.node, y.index, y.memory, y.origin
        retain_anew(self, before.node)
        return self

    name = method.__name__ = method.__qualname__ = f"{function.__name__}_"
    method.__wrapped__ = function  # whose arguments it takes: read by inspect.signature
    method.__doc__ = f"Make this tensor the view of itself that `{function.__name__}` gives, and return it."
    return method


def mark_written(memory: Memory, name: str) -> None:
    """Let backward refuse what ops kept of a tensor before its shape was changed."""
    memory.version += 1
    memory.written = next_id()
    memory.writer = (name, site())


class StructuralMethods(AbstractTensor):
    """Shapes, axes, parts and joins."""

    reshape, reshape_as, view, view_as = ops.reshape, reshape_as, view, view_as
    resize, resize_as = ops.reshape, reshape_as
    flatten, unflatten, ravel = ops.flatten, ops.unflatten, ops.ravel
    clone, contiguous = ops.clone, contiguous
    squeeze, squeeze_ = ops.squeeze, in_place_view(ops.squeeze)
    unsqueeze, unsqueeze_ = ops.unsqueeze, in_place_view(ops.unsqueeze)
    transpose, transpose_ = ops.transpose, in_place_view(ops.transpose)
    swapaxes, swapaxes_ = ops.swapaxes, in_place_view(ops.swapaxes)
    swapdims, swapdims_ = ops.swapdims, in_place_view(ops.swapdims)
    t, t_ = ops.t, in_place_view(ops.t)
    permute, movedim, moveaxis, adjoint = ops.permute, ops.movedim, ops.moveaxis, ops.adjoint
    expand, expand_as, broadcast_to = expanding.expand, expanding.expand_as, ops.broadcast_to
    sum_to_size = expanding.sum_to_size
    diagonal = method(lambda: ops.diagonal)
    diagonal_scatter = method(lambda: ops.diagonal_scatter)
    diag = method(lambda: ops.diag)
    diag_embed = method(lambda: ops.diag_embed)
    diagflat = method(lambda: ops.diagflat)
    fill_diagonal_ = method(lambda: structural.striding.fill_diagonal_)
    select = method(lambda: ops.select)
    select_scatter = method(lambda: ops.select_scatter)
    narrow = method(lambda: ops.narrow)
    narrow_copy = method(lambda: ops.narrow_copy)
    slice_scatter = method(lambda: ops.slice_scatter)
    slice_inverse = method(lambda: ops.slice_inverse)
    as_strided, as_strided_ = method(lambda: ops.as_strided), method(lambda: in_place_view(ops.as_strided))
    as_strided_scatter = method(lambda: ops.as_strided_scatter)
    unfold = method(lambda: structural.windows.unfold)
    stft = method(lambda: ops.stft)
    istft = method(lambda: ops.istft)
    split_with_sizes = method(lambda: ops.split_with_sizes)
    chunk = method(lambda: ops.chunk)
    tensor_split = method(lambda: ops.tensor_split)
    unbind = method(lambda: ops.unbind)
    hsplit = method(lambda: ops.hsplit)
    vsplit = method(lambda: ops.vsplit)
    dsplit = method(lambda: ops.dsplit)
    unsafe_chunk = method(lambda: ops.unsafe_chunk)
    unsafe_split = method(lambda: ops.unsafe_split)
    unsafe_split_with_sizes = method(lambda: ops.unsafe_split_with_sizes)
    flip = method(lambda: ops.flip)
    fliplr = method(lambda: ops.fliplr)
    flipud = method(lambda: ops.flipud)
    roll = method(lambda: ops.roll)
    rot90 = method(lambda: ops.rot90)
    repeat = method(lambda: structural.repeating.repeat)
    tile = method(lambda: ops.tile)
    repeat_interleave = method(lambda: ops.repeat_interleave)
    tril, tril_ = method(lambda: ops.tril), method(lambda: in_place(ops.tril))
    triu, triu_ = method(lambda: ops.triu), method(lambda: in_place(ops.triu))

    T: Tensor = attribute(axes.reverse_axes, doc="The view with all dimensions in reverse order.")
    mT: Tensor = attribute(axes.matrix_transpose, doc="The view with the last two dimensions exchanged.")  # noqa: N815 - PyTorch's name
    H: Tensor = attribute(axes.hermitian, doc="The conjugate transpose of a matrix.")
    mH: Tensor = attribute(axes.adjoint, doc="The conjugate transpose of the last two dimensions.")  # noqa: N815 - PyTorch's name

    def split(self: Any, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
        """Return views of consecutive parts of dimension `dim`: of one size (but for the last), or of a list of sizes."""
        return ops.split(self, split_size, dim)

    @overload
    def stride(self) -> tuple[int, ...]: ...
    @overload
    def stride(self, dim: int) -> int: ...
    @public
    def stride(self, dim: int | None = None) -> Any:
        """Return how many elements apart neighbours lie in memory, for each dimension or for one."""
        found = steps(self.value)
        if dim is None:
            return found
        if not found:
            raise IndexError("stride: Dimension specified as 0 but tensor has no dimensions")
        return found[axis("stride", dim, len(found))]

    def storage_offset(self) -> int:
        """Return how many elements of its memory lie before the tensor's first."""
        return layout.storage_offset(self.value)

    def is_contiguous(self, memory_format: Format | None = None) -> bool:
        """Return whether the elements lie in memory in their order, or that of the format, without gaps."""
        return self.value.flags.c_contiguous if memory_format is None else is_arranged(self, memory_format)

    untyped_storage = method(lambda: storages.untyped_storage)
    storage = _typed_storage = method(lambda: typedstorages.storage)
    set_, is_set_to = method(lambda: placing.set_), method(lambda: placing.is_set_to)
    resize_, resize_as_ = method(lambda: placing.resize_), method(lambda: placing.resize_as_)
    share_memory_, is_shared = method(lambda: shared.share_memory_), method(lambda: shared.is_shared)
    apply_, map_ = method(lambda: mapping.apply_), method(lambda: mapping.map_)

    def data_ptr(self) -> int:
        """Return the address of the first element."""
        return layout.pointer(self.value)

    const_data_ptr = data_ptr

    def dim_order(self, *, ambiguity_check: bool | list[Any] = False) -> tuple[int, ...]:
        """Return the dimensions from the one whose neighbours lie farthest apart in memory to the nearest.

        RuntimeError if more than one order fits and `ambiguity_check` is true, or a list without the only format that fits.
        """
        formats = ambiguity_check if isinstance(ambiguity_check, list) else []
        if not isinstance(ambiguity_check, (bool, list)) or not all(isinstance(each, memory_format) for each in formats):
            raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
        if ambiguity_check is not False and is_ambiguous(self, formats):
            raise RuntimeError(
                "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
            )
        found = steps(self.value)
        return tuple(sorted(range(len(found)), key=lambda place: -found[place]))


def is_ambiguous(x: Any, formats: Sequence[memory_format]) -> bool:
    """Return whether several orders of the dimensions fit, and more or less than one format, or one that is not among these."""
    shape, strides = x.value.shape, steps(x.value)
    if not (1 in shape or 0 in strides or any(one == other for one, other in itertools.pairwise(strides))):
        return False
    known = {4: channels_last, 5: channels_last_3d}.get(len(shape))
    fitting = [each for each in (contiguous_format, known) if each is not None and x.is_contiguous(memory_format=each)]
    return len(fitting) != 1 or fitting[0] not in formats
