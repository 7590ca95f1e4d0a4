"""Classes with `__torch_function__`: run in a process of its own, since functions ask from the first such class on."""

from __future__ import annotations

import warnings

import numpy as np

import lineal.as_torch  # isort: skip
import torch  # isort: skip
import torch.nn.functional as F  # isort: skip
from torch.overrides import TorchFunctionMode, handle_torch_function, has_torch_function, is_tensor_like, resolve_name  # isort: skip

mean = torch.mean
"""Got hold of before there is anybody to be asked."""


class Unit:
    """No tensor: gives its own answers, and none to most functions."""

    answers = {torch.mean: lambda x: "the mean", torch.stack: lambda xs: "the stack"}

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return cls.answers[func](*args, **(kwargs or {})) if func in cls.answers else NotImplemented


class Sum(Unit):
    answers = {
        torch.add: lambda *xs: "the sum",
        torch.Tensor.add: lambda *xs: "the sum",
        torch.exp: lambda x: "the exponential",
    }


def check_classes_that_are_no_tensors():
    assert (torch.mean(Unit()), mean(Unit())) == ("the mean", "the mean")
    assert torch.stack([torch.ones(2), Unit()]) == "the stack"
    assert torch.exp(Sum()) == "the exponential"
    assert torch.add(Sum(), 1) == torch.ones(2) + Sum() == torch.ones(2).add(Sum()) == "the sum"
    try:
        torch.sum(Unit())
    except TypeError as error:
        assert "Multiple dispatch failed" in str(error)
    else:
        raise AssertionError("a function that nobody knows must raise")


class Heard(torch.Tensor):
    """Writes down what is asked."""

    heard: list = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.heard.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs)


class Loud(Heard):
    def add(self, other):
        return super().add(other)


def check_what_becomes_a_subclass():
    x, plain = torch.ones(2, 2).as_subclass(Heard), torch.ones(2, 2)
    for y in (
        x + 1,
        1 - x,
        plain + x,
        x.sum(),
        torch.sum(x, dim=0),
        F.relu(x),
        torch.cat([plain, x]),
        x[0],
        x.T,
        x.max(0).values,
    ):
        assert type(y) is Heard, y
    assert [type(each) for each in x.split(1)] == [Heard, Heard]
    assert type(torch.nn.Linear(2, 2)(x)) is type(torch.linalg.norm(x)) is type(torch.fft.fft(x)) is Heard
    assert type(x.shape) is torch.Size
    assert (type(x.tolist()), type(x.numpy()), type(x[0, 0].item())) == (list, np.ndarray, float)
    assert type(plain * plain) is torch.Tensor


def check_how_operators_are_called():
    x = torch.ones(2, 2).as_subclass(Heard)
    Heard.heard.clear()
    x + 1, 1 - x, x == x, x[0], x / 2, x.reshape(-1), F.relu(x)
    x += 1
    assert Heard.heard == ["add", "__rsub__", "__eq__", "__getitem__", "div", "reshape", "relu", "add_"]
    Heard.heard.clear()
    loud = torch.ones(2).as_subclass(Loud)
    assert type(loud.add(1)) is Loud
    assert Heard.heard == ["add"]


def check_the_history_goes_through():
    x = torch.ones(2).as_subclass(Heard).requires_grad_()
    y = (x * 3).exp().sum()
    y.backward()
    assert type(y) is Heard
    assert type(x.grad) is torch.Tensor
    assert torch.allclose(x.grad, 3 * torch.ones(2).mul(3).exp())
    z = (torch.ones(2, requires_grad=True) * 2).as_subclass(Heard)
    assert z.grad_fn is not None
    z.mul_(2)
    assert type(z) is Heard


def check_who_is_not_asked():
    class Weight(torch.nn.Parameter):
        pass

    assert type(Weight(torch.ones(2)) + 1) is type(torch.nn.Parameter(torch.ones(2)) + 1) is torch.Tensor
    x = torch.ones(2).as_subclass(Heard)
    with torch._C.DisableTorchFunctionSubclass():
        assert type(x + 1) is torch.Tensor


def check_modes():
    heard = []

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            heard.append(func.__name__)
            return func(*args, **(kwargs or {}))

    program = torch.compile(lambda x: x * 2)
    for _ in range(3):
        program(torch.ones(2))
    with Mode():
        x = torch.ones(2)
        (x + 1).sum()
        program(x)
    assert heard == ["ones", "add", "sum", "mul"]
    x + 1
    assert len(heard) == 4


def check_functions_of_users():
    def double(x):
        if has_torch_function((x,)):
            return handle_torch_function(double, (x,), x)
        return x * 2

    class Twice:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func

    assert double(Twice()) is double
    assert (is_tensor_like(Twice()), is_tensor_like(torch.ones(1)), is_tensor_like(1)) == (True, True, False)
    names = map(resolve_name, (torch.add, torch.Tensor.add, torch.Tensor.shape.__get__, F.relu))
    assert list(names) == ["torch.add", "torch.Tensor.add", "torch.Tensor.shape.__get__", "torch.nn.functional.relu"]
    overridable = torch.overrides.get_overridable_functions()
    assert torch.add in overridable[lineal]
    assert torch.Tensor.sum in overridable[torch.Tensor]


def check_compiled_functions_and_slices():
    x = torch.ones(3).as_subclass(Heard)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        program = torch.compile(lambda x: x * 2)
        assert [type(program(x)) for _ in range(3)] == [Heard] * 3
    assert torch.vmap(lambda row: row * 2)(torch.ones(2, 3).as_subclass(Heard)).tolist() == [[2.0] * 3] * 2


def check_refusals():
    class Dispatched(torch.Tensor):
        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            return None

    for kind, error in ((Dispatched, NotImplementedError), (int, TypeError)):
        try:
            torch.ones(2).as_subclass(kind)
        except error:
            continue
        raise AssertionError(f"{kind} must be refused")


if __name__ == "__main__":
    checks = [each for name, each in globals().items() if name.startswith("check_")]
    for check in checks:
        check()
    print(f"{len(checks)} checks passed")
