"""What public signatures say: `Tensor`, and what may stand beside it. Read by type checkers and editors alone.

The final `Tensor` is made above the ops, of methods that are ops. So that their signatures can name it all the same, a type
checker is told here where it is, in the one import that looks upward; when the program runs, nothing is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import EllipsisType
    from typing import Protocol, SupportsIndex, TypedDict, overload

    import numpy as np
    from numpy.typing import NDArray as NDArray

    from lineal.base.devices import device as device_
    from lineal.base.dtypes import dtype as dtype_
    from lineal.base.formats import memory_format as memory_format_
    from lineal.tensors.tensor import Tensor as Tensor

    Number = bool | int | float | complex
    Operand = Tensor | Number | np.generic | NDArray[Any]
    Dims = int | Sequence[int]
    Device = str | int | device_
    DType = dtype_ | type[bool] | type[int] | type[float] | type[complex] | np.dtype[Any] | type[np.generic]
    Format = memory_format_
    Item = SupportsIndex | slice | EllipsisType | None | Tensor | NDArray[Any] | Sequence[Any]
    Index = Item | tuple[Item, ...]
    Operator = Callable[[Tensor, Operand], Tensor]

    class Options(TypedDict, total=False):
        """The keyword arguments of what makes tensors."""

        dtype: DType | None
        device: Device | None
        requires_grad: bool
        out: Tensor | None
        layout: Any
        pin_memory: bool
        memory_format: Format | None

    class ShapedOptions(Options, total=False):
        """Those of what is made of a shape."""

        size: int | Sequence[int]

    class Unary(Protocol):
        """The function of an elementwise row of one input, which is a method too."""

        @property
        def op(self) -> Any: ...
        def __call__(self, input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
        @overload
        def __get__(self, x: None, owner: Any) -> Unary: ...
        @overload
        def __get__(self, x: Tensor, owner: Any) -> Callable[[], Tensor]: ...

    class BinaryMethod(Protocol):
        """The method of an elementwise row of two inputs."""

        def __call__(self, other: Operand, *, out: Tensor | None = None) -> Tensor: ...

    class Binary(Protocol):
        """The function of an elementwise row of two inputs, which is a method too, and which has Python's operators."""

        @property
        def op(self) -> Any: ...
        @property
        def operator(self) -> Operator: ...
        @property
        def reflected(self) -> Operator: ...
        def __call__(self, input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor: ...
        @overload
        def __get__(self, x: None, owner: Any) -> Binary: ...
        @overload
        def __get__(self, x: Tensor, owner: Any) -> BinaryMethod: ...

else:
    Tensor = Number = Operand = Dims = Device = DType = Format = Index = NDArray = Any
    Options = ShapedOptions = Unary = Binary = Operator = Any

attribute: Any = property
"""A property of which a type checker is told the type of the value: `T: Tensor = attribute(reverse_axes)`."""
