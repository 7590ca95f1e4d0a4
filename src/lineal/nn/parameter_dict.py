"""`ParameterDict`: a dict whose tensors its owner sees as parameters."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from lineal.nn.module import Module
from lineal.nn.parameter_list import described, learnt


class ParameterDict(Module):
    """A dict of parameters in the order in which they came; a tensor put in becomes a `Parameter`, anything else stays."""

    def __init__(self, parameters: Any = None):
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        return getattr(self, self._known_(key))

    def _known_(self, key: str) -> str:
        if key not in self._keys:
            raise KeyError(key)
        return key

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"ParameterDict: expected a string as key, got {type(key).__name__}")
        setattr(self, key, learnt(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        delattr(self, self._known_(key))
        del self._keys[key]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __or__(self, other: ParameterDict) -> ParameterDict:
        return self.copy().__ior__(other)

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        return other.copy().__ior__(self)

    def __ior__(self, other: ParameterDict) -> ParameterDict:
        self.update(other)
        return self

    def copy(self) -> ParameterDict:
        """Return another dict of the same parameters."""
        return ParameterDict(self)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value called `key`, after `default` was put there if there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value called `key`, or `default` if there is none."""
        return getattr(self, key) if key in self._keys else default

    def clear(self) -> None:
        """Take everything out."""
        for key in list(self):
            del self[key]

    def pop(self, key: str) -> Any:
        """Take out the value called `key` and return it."""
        taken = self[key]
        del self[key]
        return taken

    def popitem(self) -> tuple[str, Any]:
        """Take out what came last and return its key and value."""
        key = next(reversed(self), None)
        if key is None:
            raise KeyError("ParameterDict.popitem: the dict is empty")
        return key, self.pop(key)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Return a dict of the given keys, each with the value `default`."""
        return ParameterDict((key, default) for key in keys)

    def keys(self) -> KeysView[str]:
        """Return the keys."""
        return self._keys.keys()

    def items(self) -> ItemsView[str, Any]:
        """Return the pairs of key and value."""
        return {key: self[key] for key in self._keys}.items()

    def values(self) -> ValuesView[Any]:
        """Return the values."""
        return {key: self[key] for key in self._keys}.values()

    def update(self, parameters: Any) -> None:
        """Put in all values of a dict, whose keys are sorted unless it is an OrderedDict, or of an iterable of pairs."""
        if not isinstance(parameters, Iterable):
            raise TypeError(f"ParameterDict.update: expected a dict or pairs, got {type(parameters).__name__}")
        pairs: Any = parameters.items() if isinstance(parameters, (Mapping, ParameterDict)) else parameters
        ordered = isinstance(parameters, OrderedDict) or not isinstance(parameters, Mapping)
        for key, value in pairs if ordered else sorted(pairs, key=lambda pair: pair[0]):
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(described(key, value) for key, value in self.items())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterDict should not be called.")
