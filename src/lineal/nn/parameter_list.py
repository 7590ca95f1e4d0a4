"""`ParameterList`: a list whose tensors its owner sees as parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lineal.nn.containers import position
from lineal.nn.module import Module
from lineal.nn.parameter import Parameter
from lineal.tensors import Tensor


def learnt(value: Any) -> Any:
    """Return a tensor as a `Parameter`, and anything else as it is."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def described(key: Any, value: Any) -> str:
    """Return the line of a container's `repr` that shows one value."""
    if not isinstance(value, Tensor):
        return f"  ({key}): Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"  ({key}): {kind} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"


class ParameterList(Module):
    """A list of parameters; a tensor put in becomes a `Parameter`, anything else stays what it is."""

    def __init__(self, values: Iterable[Any] | None = None):
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _at_(self, index: int) -> str:
        return str(position("ParameterList", index, self._size))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)([getattr(self, str(place)) for place in range(self._size)[index]])
        return getattr(self, self._at_(index))

    def __setitem__(self, index: int, value: Any) -> None:
        self._enter_(self._at_(index), value)

    def _enter_(self, name: str, value: Any) -> None:
        setattr(self, name, learnt(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter(self[place] for place in range(self._size))

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def append(self, value: Any) -> ParameterList:
        """Put `value` at the end."""
        self._size += 1
        self._enter_(str(self._size - 1), value)
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Put all of `values` at the end."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend: expected a list or tuple of values, got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        return "\n".join(described(place, value) for place, value in enumerate(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList should not be called.")
