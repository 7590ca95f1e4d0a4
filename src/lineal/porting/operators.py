"""`torch.ops`: the operators that programs have made, by namespace and name."""

from __future__ import annotations

import functools
from typing import Any

from lineal import ops
from lineal.library import KNOWN
from lineal.porting.missing import refuse
from lineal.tensors import Tensor

__all__: list[str] = []


class Namespace:
    """The operators of one namespace, each with its one form as `default`."""

    def __init__(self, name: str):
        self.name = name

    def __getattr__(self, name: str) -> Any:
        if f"{self.name}::{name}" not in KNOWN:
            refuse(f"torch.ops.{self.name}.{name}")
        return KNOWN[f"{self.name}::{name}"]


class Aten(Namespace):
    """PyTorch's own operators: the functions and methods of their names, in whichever form is asked for."""

    @functools.cache  # noqa: B019 - there is one, which stays
    def __getattr__(self, name: str) -> Any:
        function = getattr(ops, name, None) or getattr(Tensor, name, None)
        if name.startswith("__"):
            raise AttributeError(name)
        # programs fill tables with operators that they never call
        return Operator(name, functools.partial(refuse, f"torch.ops.aten.{name}") if function is None else function)


class Operator:
    """An operator; its forms, as `add.Tensor` and `add.default`, are operators too, which the arguments tell apart."""

    def __init__(self, name: str, function: Any):
        self.__name__, self.function = name, function

    @functools.cache  # noqa: B019 - operators stay
    def __getattr__(self, form: str) -> Operator:
        if form.startswith("__"):
            raise AttributeError(form)
        return Operator(f"{self.__name__}.{form}", self.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function() if isinstance(self.function, functools.partial) else self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<OpOverload(op='aten.{self.__name__}')>"


aten = Aten("aten")


def __getattr__(name: str) -> Any:
    if name.startswith("__") or not any(each.startswith(f"{name}::") for each in KNOWN):
        raise AttributeError(name)
    return Namespace(name)
