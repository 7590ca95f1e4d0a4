"""`to`, `float`, `double` …: give all parameters and buffers another dtype or device, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lineal.base import dtypes
from lineal.base.devices import as_device, device
from lineal.base.signatures import Device, DType
from lineal.core import AbstractTensor, no_grad
from lineal.nn.parameter import is_lazy
from lineal.nn.traversal import Traversal
from lineal.ops import empty_like

T = TypeVar("T", bound="Convertible")


class Convertible(Traversal):
    """A module tree whose tensors can be replaced all at once."""

    def _apply(self: T, fn: Callable[[Any], Any], recurse: bool = True) -> T:
        """Replace every parameter's data (and grad) and every buffer by `fn` of it; the objects stay the same."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is not None:
                    grad = parameter.grad
                    # The grad must not be seen beside data of another dtype, so it is away while the data changes.
                    parameter.grad = None
                    parameter.data = fn(parameter.data)
                    parameter.grad = None if grad is None else fn(grad.detach())
            for name, buffer in self._buffers.items():
                if is_lazy(buffer):
                    buffer.data = fn(buffer.data)  # type: ignore[union-attr]
                elif buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self: T, *args: Any, **kwargs: Any) -> T:
        """Convert parameters and buffers: `to(dtype)`, `to(device)`, `to(device, dtype)` or `to(tensor)`.

        Only tensors of a floating or complex dtype change their dtype; TypeError for any other target.
        """
        wanted, target, non_blocking = parse_to(*args, **kwargs)
        memory_format = kwargs.get("memory_format")
        if target is not None and not (target.is_floating_point or target.is_complex):
            raise TypeError(f"nn.Module.to: expected a floating point or complex dtype, got {target}")

        def convert(tensor: Any) -> Any:
            changes = target is not None and (tensor.is_floating_point() or tensor.is_complex())
            fits = memory_format is not None and tensor.ndim in (4, 5)
            chosen = target if changes else tensor.dtype
            return tensor.to(wanted or tensor.device, chosen, non_blocking, memory_format=memory_format if fits else None)

        return self._apply(convert)

    def type(self: T, dst_type: dtypes.dtype) -> T:
        """Convert all parameters and buffers to `dst_type`."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def float(self: T) -> T:
        """Convert floating parameters and buffers to float32."""
        return self._apply(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)

    def double(self: T) -> T:
        """Convert floating parameters and buffers to float64."""
        return self._apply(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def half(self: T) -> T:
        """Convert floating parameters and buffers to float16."""
        return self._apply(lambda tensor: tensor.half() if tensor.is_floating_point() else tensor)

    def bfloat16(self: T) -> T:
        """Convert floating parameters and buffers to bfloat16."""
        return self._apply(lambda tensor: tensor.bfloat16() if tensor.is_floating_point() else tensor)

    def to_empty(self: T, *, device: Device | None, recurse: bool = True) -> T:
        """Give parameters and buffers new memory on a device, whose numbers are arbitrary."""
        return self._apply(lambda tensor: empty_like(tensor, device=device), recurse)

    def cpu(self: T) -> T:
        """Move all parameters and buffers to the CPU."""
        return self.to(device("cpu"))

    def xpu(self: T, device: Device | None = None) -> T:
        """Move all parameters and buffers to a device of Intel's."""
        return self.to("xpu" if device is None else device)

    def cuda(self: T, device: Device | None = None) -> T:
        """Move all parameters and buffers to a CUDA device."""
        return self.to("cuda" if device is None else device)


def parse_to(
    *args: Any,
    device: Device | None = None,
    dtype: DType | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> tuple[Any, Any, bool]:
    """Return the device, dtype and `non_blocking` meant by the arguments of `to`."""
    rest = list(args)
    if rest and isinstance(rest[0], AbstractTensor):
        other: Any = rest.pop(0)
        device, dtype = other.device, other.dtype
    elif rest and not isinstance(rest[0], dtypes.dtype):
        device = rest.pop(0)
    if rest and isinstance(rest[0], dtypes.dtype):
        dtype = rest.pop(0)
    if rest:
        non_blocking = bool(rest.pop(0))
    return None if device is None else as_device(device), dtype, non_blocking
