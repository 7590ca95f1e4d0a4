"""The final `Tensor`: what users hold. Its methods stand in the files beside this one, by family."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from lineal.base import config, dtypes, later
from lineal.base.signatures import Device
from lineal.base.spec import Size, axis
from lineal.core import AbstractTensor, Op, apply, finalize, lift, modes
from lineal.core.apply import inferred
from lineal.ops.front import require_tensor
from lineal.tensors.autograd_methods import AutogradMethods, Detach
from lineal.tensors.contraction_methods import ContractionMethods
from lineal.tensors.conversion_methods import ConversionMethods
from lineal.tensors.creation import CreationMethods, legacy
from lineal.tensors.elementwise_methods import ElementwiseMethods
from lineal.tensors.indexing_methods import IndexingMethods
from lineal.tensors.interop import InteropMethods
from lineal.tensors.linalg_methods import LinalgMethods
from lineal.tensors.printing_methods import PrintingMethods
from lineal.tensors.random_methods import RandomMethods
from lineal.tensors.reduction_methods import ReductionMethods
from lineal.tensors.sorting_methods import SortingMethods
from lineal.tensors.structural_methods import StructuralMethods

if TYPE_CHECKING:
    from typing_extensions import TypeIs

__all__ = [
    "Layout",
    "Tensor",
    "is_complex",
    "is_floating_point",
    "is_inference",
    "is_nonzero",
    "is_tensor",
    "jagged",
    "numel",
    "sparse_bsc",
    "sparse_bsr",
    "sparse_coo",
    "sparse_csc",
    "sparse_csr",
    "strided",
]

T = TypeVar("T", bound=AbstractTensor)

overriding: Any = later.module("lineal.tensors.overriding")


class Layout:
    """How the numbers lie in memory: strided, or as the coordinates of entries; nothing here has one of the others."""

    def __init__(self, name: str = "strided"):
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided, sparse_coo, sparse_csr, sparse_csc = Layout(), Layout("sparse_coo"), Layout("sparse_csr"), Layout("sparse_csc")
sparse_bsr, sparse_bsc, jagged = Layout("sparse_bsr"), Layout("sparse_bsc"), Layout("jagged")


class Alias(Op):
    """y = x, over the same memory; x̄ = ȳ."""

    aliasing = "view"

    def eager(self, xp, x):
        return x

    def vjp(self, needs, g, y, x):
        return (g,)


_alias = Alias()


def ignore_torch_function(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """Stand as the `__torch_function__` of a class whose tensors are taken for plain ones."""
    return func(*args, **(kwargs or {}))


TAKEN_PLAIN: Any = staticmethod(ignore_torch_function)
"""The `__torch_function__` of classes whose tensors are taken for plain ones."""


@finalize
class Tensor(
    StructuralMethods,
    ElementwiseMethods,
    SortingMethods,
    ContractionMethods,
    ReductionMethods,
    RandomMethods,
    LinalgMethods,
    AutogradMethods,
    ConversionMethods,
    CreationMethods,
    InteropMethods,
    PrintingMethods,
    IndexingMethods,
    AbstractTensor,
):
    """An array with a history.

    `Tensor(2, 3)` makes uninitialised memory of the default dtype, `Tensor([1, 2])` a tensor with those numbers; prefer
    `lineal.empty` and `lineal.tensor`.
    """

    is_sparse = is_sparse_csr = is_quantized = is_mkldnn = is_nested = False
    layout = strided

    def __new__(cls, *args: Any, device: Device | None = None) -> Self:
        made = legacy(args, config.defaults.dtype, device)
        return made if cls is Tensor else made.as_subclass(cls)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls.__module__.startswith("lineal."):
            overriding.admit(cls)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        """Return what a function makes of arguments among which are tensors of this class: the same, of this class."""
        return overriding.default(cls, func, types, args, kwargs)

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions, as a `torch.Size`."""
        return Size(self.value.shape)

    @overload
    def size(self) -> Size: ...
    @overload
    def size(self, dim: int) -> int: ...
    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the size of dimension `dim`."""
        return Size(self.value.shape) if dim is None else self.value.shape[axis("size", dim, self.value.ndim)]

    @property
    def dtype(self) -> dtypes.dtype:
        """The dtype of the elements."""
        return dtypes.BY_NUMPY[self.value.dtype]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.value.ndim

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.value.ndim

    ndimension = dim

    def numel(self) -> int:
        """Return the number of elements."""
        return math.prod(self.value.shape)

    nelement = numel

    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self.value.itemsize

    @property
    def itemsize(self) -> int:
        """The bytes of one element."""
        return self.value.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.value.nbytes

    @property
    def data(self) -> Tensor:
        """The numbers without history, over the same memory; writes through it are not seen by backward's checks."""
        y = lift(self.value)
        listener = modes.recorder.get()
        if listener is not None:
            listener.record(Detach(), (self,), (y,))
        return y

    @data.setter
    def data(self, source: Tensor) -> None:
        if not isinstance(source, AbstractTensor):
            raise TypeError(f"data: expected a tensor, got {type(source).__name__}")
        self.value = source.value
        if self.origin is not None:
            # it looks into nothing any more
            self.origin = self.memory = None

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("data: Deleting tensor data is not allowed. Delete tensor instead!")

    def as_subclass(self, cls: type[T]) -> T:
        """Return a view of this tensor, of the class `cls`, a subclass of Tensor."""
        if not issubclass(cls, AbstractTensor):
            raise TypeError(f"as_subclass: expected a subclass of Tensor, got {cls!r}")
        if hasattr(cls, "__torch_dispatch__"):
            raise NotImplementedError(f"as_subclass: {cls.__name__} has a __torch_dispatch__, which nothing here would call")
        return as_class(apply(_alias, self), cls)

    @staticmethod
    def _make_subclass(kind: type[T], data: Tensor, require_grad: bool = False) -> T:
        """Return a leaf of the class `kind` over the memory of `data`."""
        made: Any = as_class(data.detach(), kind)
        return made.requires_grad_() if require_grad else made

    def __len__(self) -> int:
        if self.value.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.value.shape[0]

    def __hash__(self) -> int:
        return id(self)


def as_class(y: Any, cls: type[T]) -> T:
    """Return another tensor, of the class `cls`, that has what `y` has."""
    made = object.__new__(cls)
    made.value, made.node, made.index, made.memory, made.origin = y.value, y.node, y.index, y.memory, y.origin
    return made


def is_tensor(obj: Any) -> TypeIs[Tensor]:
    """Return whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


def numel(input: Tensor) -> int:
    """Return the number of elements of `input`."""
    return math.prod(require_tensor("numel", input).shape)


def is_floating_point(input: Tensor) -> bool:
    """Return whether the dtype of `input` is floating (not complex)."""
    return dtypes.BY_NUMPY[require_tensor("is_floating_point", input).dtype].is_floating_point


def is_inference(input: Tensor) -> bool:
    """Return whether `input` was made in inference mode."""
    require_tensor("is_inference", input)
    return inferred(input)


def is_complex(input: Tensor) -> bool:
    """Return whether the dtype of `input` is complex."""
    return dtypes.BY_NUMPY[require_tensor("is_complex", input).dtype].is_complex


def is_nonzero(input: Tensor) -> bool:
    """Return whether the one element of `input` is not zero."""
    if require_tensor("is_nonzero", input).size != 1:
        raise RuntimeError(f"is_nonzero: expected a tensor of one element, got shape {list(input.value.shape)}")
    return bool(input)
