"""Modules that hold modules: in a chain, in a list, in a dict."""

from __future__ import annotations

import itertools
import operator
import textwrap
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self, overload

from lineal.base.deprecation import deprecated
from lineal.base.signatures import Tensor
from lineal.nn.module import Module


def position(name: str, index: int, length: int) -> int:
    """Return `index`, which may count from the end, as 0 … length-1; IndexError if it is outside."""
    index = operator.index(index)
    if not -length <= index < length:
        raise IndexError(f"{name}: index {index} is out of range for {length} modules")
    return index % length


class Container(Module):
    """A module with the given submodules; deprecated."""

    @deprecated(
        "`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. Subclass that instead."
    )
    def __init__(self, **kwargs: Any):
        super().__init__()
        for name, module in kwargs.items():
            self.add_module(name, module)


class Numbered(Module):
    """Submodules in order, under the names "0", "1" … unless they were given others."""

    def _key_(self, index: int) -> str:
        return list(self._modules)[position(type(self).__name__, index, len(self))]

    def _put_(self, modules: Iterable[Module]) -> None:
        """Hold exactly `modules`, numbered from 0."""
        numbered = {str(place): each for place, each in enumerate(modules)}
        self._modules.clear()
        for name, module in numbered.items():
            self.add_module(name, module)

    def _between_(self, chosen: slice) -> Self:
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._between_(index) if isinstance(index, slice) else self._modules[self._key_(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key_(index), module)

    def __delitem__(self, index: int | slice) -> None:
        for name in list(self._modules)[index] if isinstance(index, slice) else [self._key_(index)]:
            del self._modules[name]
        self._put_(list(self._modules.values()))

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def append(self, module: Module) -> Self:
        """Put `module` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put all of `modules` at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"{type(self).__name__}: expected an iterable of modules, got {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put `module` before the one at `index`."""
        held = list(self._modules.values())
        if not -len(held) <= index <= len(held):
            raise IndexError(f"{type(self).__name__}: index {index} is out of range for {len(held)} modules")
        held.insert(index, module)
        self._put_(held)
        return self

    def pop(self, index: int | slice = -1) -> Any:
        """Take out the module at `index` and return it."""
        taken = self[index]
        del self[index]
        return taken


class Sequential(Numbered):
    """A chain, given as modules or one OrderedDict of them: the output of each is the input of the next."""

    @overload
    def __init__(self, *args: Module) -> None: ...
    @overload
    def __init__(self, arg: OrderedDict[str, Module], /) -> None: ...
    def __init__(self, *args: Any):
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Tensor:
        for module in self:
            input = module(input)
        return input

    def _between_(self, chosen: slice) -> Sequential:
        return type(self)(OrderedDict(list(self._modules.items())[chosen]))

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"Sequential: expected to add another Sequential, got {type(other).__name__}")
        return Sequential(*self, *other)

    def __mul__(self, count: int) -> Sequential:
        if not isinstance(count, int) or count <= 0:
            raise (ValueError if isinstance(count, int) else TypeError)(
                f"Sequential: expected to repeat a positive number of times, got {count!r}"
            )
        return Sequential(*list(self) * count)

    __rmul__ = __mul__


class ModuleList(Numbered):
    """A list of modules; unlike a Python list, it lets its owner see their parameters."""

    def __init__(self, modules: Iterable[Module] | None = None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _between_(self, chosen: slice) -> ModuleList:
        return type(self)(list(self._modules.values())[chosen])

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        lines, first = [], 0
        for text, alike in itertools.groupby(map(repr, self)):
            count = len(list(alike))
            names = f"{first}-{first + count - 1}" if count > 1 else str(first)
            lines.append(f"({names}): " + (f"{count} x " if count > 1 else "") + text)
            first += count
        body = textwrap.indent("\n".join(lines), "  ")
        return f"{self._get_name()}(\n{body}\n)" if lines else f"{self._get_name()}()"


class ModuleDict(Module):
    """A dict of modules; unlike a Python dict, it lets its owner see their parameters."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take everything out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take out the module called `key` and return it."""
        return self._modules.pop(key)

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, Module]:
        """Return the pairs of name and module."""
        return self._modules.items()

    def values(self) -> ValuesView[Module]:
        """Return the modules."""
        return self._modules.values()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Put in all modules of a dict or of an iterable of pairs."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleDict.update: expected a dict or pairs, got {type(modules).__name__}")
        pairs: Any = modules.items() if hasattr(modules, "items") else modules  # type: ignore[union-attr]
        for name, module in pairs:
            self[name] = module
