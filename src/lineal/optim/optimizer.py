"""`Optimizer`: parameter groups, state, and their way into a checkpoint and back."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, TypeVar, overload

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, enable_grad, modes, set_grad_enabled
from lineal.optim.change import Update, apart, make

R = TypeVar("R")
Params = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]


class Optimizer:
    """The base of optimizers; a subclass says in `update` what one step does to one parameter.

    `params` is an iterable of tensors, of (name, tensor) pairs, or of dicts with "params" and options of their own.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]):
        if isinstance(params, AbstractTensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self.steps_taken = 0
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    @abstractmethod
    def update(self, parameter: Any, grad: Any, group: dict[str, Any]) -> Update | None:
        """Return the update of `parameter` by one step along `grad`, with the options in `group`; None if it has been made."""

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], R]) -> R: ...
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a grad by one step.

        `closure`, if given, computes the loss and its grads first; the loss is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with set_grad_enabled(bool(self.defaults.get("differentiable", False))):
            for group in self.param_groups:
                group = self.heard(group)
                parameters = [each for each in group["params"] if each.grad is not None]
                maximize = group.get("maximize", False)
                make((self.update(p, -p.grad if maximize else p.grad, group) for p in parameters), apart(parameters))
        self.steps_taken += 1
        return loss

    def heard(self, group: dict[str, Any]) -> dict[str, Any]:
        """Return the options of a group as a recorder wants them: the learning rate is read anew at each call of a program."""
        listener = modes.recorder.get()
        if listener is None:
            return group
        listener.relies(self, "state")
        listener.relies(self, "param_groups")
        listener.assume(group)
        return {**group, "lr": listener.number(group, "lr")}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the grads of all parameters, or set them to zero."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad = parameter.grad.detach()
                    parameter.grad.zero_()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own; options not given are the optimizer's defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"add_param_group: expected a dict, got {type(param_group).__name__}")
        given = param_group["params"]
        if isinstance(given, (set, frozenset)):
            raise TypeError("optimizer: expected parameters in an ordered collection such as a list, got a set")
        params: list[Any] = [given] if isinstance(given, AbstractTensor) else list(given)
        if any(isinstance(each, tuple) for each in params):
            if not all(isinstance(each, tuple) for each in params):
                raise ValueError("optimizer: expected all parameters of a group to have names, or none")
            param_group["param_names"] = [name for name, _ in params]
            params = [parameter for _, parameter in params]
        known = {id(each) for group in self.param_groups for each in group["params"]}
        for each in params:
            check_parameter(each)
        if len({id(each) for each in params}) < len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        if any(id(each) in known for each in params):
            raise ValueError("some parameters appear in more than one parameter group")
        modes.Structure.changes += 1
        param_group["params"] = params
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        self.param_groups.append(param_group)

    def state_dict(self) -> dict[str, Any]:
        """Return options and state as plain dicts in which parameters are numbered from 0; tensors share memory."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for parameter in group["params"]:
                numbers.setdefault(id(parameter), len(numbers))
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers[id(parameter)] for parameter in group["params"]]
            groups.append(packed)
        state = {numbers.get(id(key), key): values for key, values in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take options and state from a `state_dict()` of an optimizer over parameters of the same number and order."""
        mine, saved = self.param_groups, copy.deepcopy(state_dict["param_groups"])
        if len(mine) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(mine, saved)):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        numbers = chain.from_iterable(group["params"] for group in saved)
        parameters = chain.from_iterable(group["params"] for group in mine)
        numbered = dict(zip(numbers, parameters))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, values in state_dict["state"].items():
            if key in numbered:
                parameter = numbered[key]
                state[parameter] = {name: fitted(name, value, parameter) for name, value in values.items()}
            else:
                state[key] = copy.deepcopy(values)
        for group, old in zip(saved, mine):
            group["params"] = old["params"]
        self.state = state
        self.param_groups = saved
        modes.Structure.changes += 1

    def __repr__(self) -> str:
        groups = []
        for number, group in enumerate(self.param_groups):
            lines = [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
            groups.append("\n".join([f"Parameter Group {number}", *lines, ""]))
        return f"{type(self).__name__} (\n" + "\n".join(groups) + ")"


def check_parameter(parameter: Any) -> None:
    """Refuse what cannot be optimized: no tensor, or one that was computed."""
    if not isinstance(parameter, AbstractTensor):
        raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(parameter).__name__}")
    if not (parameter.is_leaf or parameter.retains_grad):  # type: ignore[attr-defined]
        raise ValueError("can't optimize a non-leaf Tensor")


def fitted(name: str, value: Any, parameter: Any) -> Any:
    """Return a copy of a loaded state entry, tensors in the parameter's dtype; the step count keeps its own."""
    if isinstance(value, AbstractTensor):
        found: Any = value
        to_parameter = name != "step" and parameter.is_floating_point()
        return (found.to(parameter.dtype) if to_parameter else found).detach().clone()
    return copy.deepcopy(value)


def check_option(what: str, holds: Any, value: Any) -> None:
    """Refuse an option's value in PyTorch's words."""
    if not holds:
        raise ValueError(f"Invalid {what}: {value}")
