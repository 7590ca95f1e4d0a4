"""`Optimizer`: parameter groups, state, and their way into a checkpoint and back."""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, TypeVar, overload

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, enable_grad, modes, set_grad_enabled
from lineal.optim.change import Rule, Update, apart, counted, counter, make
from lineal.optim.grouped import left_to_do
from lineal.optim.hooks import Hooked, hooked, register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from lineal.optim.live import Live
from lineal.optim.options import LATER, scalar
from lineal.tensors import foreachloops

__all__ = [
    "Optimizer",
    "Params",
    "ParamsT",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "required",
]

R = TypeVar("R")
Params = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]
ParamsT = Params


class Required:
    """The default of an option that each group has to give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = Required()


class Optimizer(Hooked):
    """The base of optimizers; a subclass says in `_rule_` what a step does to each parameter, or in `_update_` to one.

    `params` is an iterable of tensors, of (name, tensor) pairs, or of dicts with "params" and options of their own. A subclass
    that overrides `step` gets hooks, too.
    """

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if "step" in cls.__dict__:
            cls.step = hooked(cls.step)

    def __init__(self, params: Params, defaults: dict[str, Any]):
        if isinstance(params, AbstractTensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}"
            )
        self._patch_step_function()
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    _counts_ = True
    """Whether the state of a parameter has the number of its steps."""

    _by_element_ = True
    """Whether a step changes each element of a parameter by itself, so that processes may have parts of parameters."""

    def _rule_(self, group: dict[str, Any], t: Any) -> Rule:
        """Return what step number `t` does to each parameter of `group`; an optimizer that counts no steps gets None."""
        raise NotImplementedError(f"{type(self).__name__} has no step")

    def _begin_(self, state: dict[str, Any], parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        """Put into the state of `parameter` what its first step along `grad` finds there, besides the number of steps."""

    def _state_of_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a parameter, which begins with its first step."""
        if not self._counts_:
            # as in PyTorch, there is no entry until something is kept
            return self.state.get(parameter, {})
        state = self.state[parameter]
        if not state:
            state["step"] = counter()
            self._begin_(state, parameter, grad, group)
        return state

    def _update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> Update | None:
        """Return the update of `parameter` by one step along `grad`, with the options in `group`; None if it has been made."""
        state = self._state_of_(parameter, grad, group)
        rule = self._rule_(group, counted(state["step"]) if self._counts_ else None)
        tensors = (parameter, *[state[name] for name in rule.states], grad)
        return Update(rule.name, rule.formula, tensors, rule.numbers, len(tensors) - 1)

    _by_rule_ = staticmethod(_update_)
    """The `_update_` that does to one parameter what `_rule_` says; another one has its reasons."""

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take state and groups, with options that were not there when they were saved."""
        self.__dict__.update(state)
        self.defaults.setdefault("differentiable", False)
        # one of a program's own has no rule, and counts its steps as it likes
        if {type(self)._update_, type(self)._rule_} != {Optimizer._update_, Optimizer._rule_}:
            for group in self.param_groups:
                for name in self.defaults.keys() & LATER:
                    group.setdefault(name, LATER[name])
            for values in self.state.values():
                if isinstance(values, dict) and isinstance(values.get("step"), (int, float)):
                    values["step"] = counter(float(values["step"]))
        modes.Structure.changes += 1

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], R]) -> R: ...
    @hooked
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
                group = self._heard_(group)
                self._step_of_(group)
        return loss

    def _step_of_(self, group: dict[str, Any]) -> None:
        """Update the parameters of a group."""
        parameters = list(group["params"])
        grads = [each.grad for each in parameters]
        present = [each for each in grads if each is not None]
        if len(present) < len(grads):
            parameters = [parameter for parameter, grad in zip(parameters, grads) if grad is not None]
        if any(each.is_sparse for each in present):
            parameters, present = self._dense_ones_(parameters, present, group)
        parameters, present = left_to_do(self, group, parameters, present)
        if not parameters:
            return
        maximize = group.get("maximize", False)
        at_once = apart(parameters, present)
        make((self._update_(p, -g if maximize else g, group) for p, g in zip(parameters, present)), at_once)

    def _dense_ones_(self, parameters: list[Any], grads: list[Any], group: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        """Update the parameters with sparse grads; return the others, and their grads."""
        for parameter, grad in zip(parameters, grads):
            if grad.is_sparse:
                self._sparse_update_(parameter, -grad if group.get("maximize", False) else grad, group)
        left = [pair for pair in zip(parameters, grads) if not pair[1].is_sparse]
        return [pair[0] for pair in left], [pair[1] for pair in left]

    def _sparse_update_(self, parameter: Any, grad: Any, group: dict[str, Any]) -> None:
        """Update a parameter by one step along a sparse grad; optimizers that can override it."""
        raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")

    def _heard_(self, group: dict[str, Any]) -> dict[str, Any]:
        """Return the options of a group as they are to be computed with: numbers of a program are read anew at each call."""
        listener = modes.recorder.get()
        if listener is not None:
            listener.relies(self, "state")
            listener.relies(self, "param_groups")
            group = self.__dict__.setdefault("_live", Live()).heard(listener, group, self.defaults)
        lr = group.get("lr")
        return group if scalar(lr) is lr else {**group, "lr": scalar(lr)}

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the grads of all parameters, or set them to zero."""
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        if set_to_none:
            for parameter in parameters:
                parameter.grad = None
            return
        held = [parameter for parameter in parameters if parameter.grad is not None]
        for parameter in held:
            if parameter.grad.requires_grad:
                parameter.grad = parameter.grad.detach()
        grads = [parameter.grad for parameter in held]
        if not foreachloops.done("zero_", grads, (), {}):
            for grad in grads:
                grad.zero_()

    profile_hook_step = staticmethod(hooked)

    def _patch_step_function(self) -> None:
        """Put the hooks around the step of the class, if it has got another one since it was made."""
        if not hasattr(type(self).step, "hooked"):
            type(self).step = hooked(type(self).step)

    def _accelerator_graph_capture_health_check(self) -> None:
        """Look for a graph of a GPU's that is being captured; there is none."""

    _cuda_graph_capture_health_check = _accelerator_graph_capture_health_check

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
            check_parameter(each, bool(self.defaults.get("differentiable")))
        self._check_group_(param_group)
        if len({id(each) for each in params}) < len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        if not self._by_element_ and any(hasattr(each, "sharding") for each in params):
            raise ValueError(
                f"{type(self).__name__}: it looks at all elements of a parameter, of which this process has a part: use "
                "Adam, SGD or another optimizer for parameters that fully_shard has cut"
            )
        if any(id(each) in known for each in params):
            raise ValueError("some parameters appear in more than one parameter group")
        modes.Structure.changes += 1
        param_group["params"] = params
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        self.param_groups.append(param_group)

    def _check_group_(self, param_group: dict[str, Any]) -> None:
        """Refuse a group that lacks what the optimizer has no default for, or names where others have some."""
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
        named = "param_names" in param_group
        if any(("param_names" in group) != named for group in self.param_groups):
            how = "with names" if named else "without names"
            raise ValueError(f"optimizer: expected all groups to have names, or none; cannot add a group {how}")

    def state_dict(self) -> dict[str, Any]:
        """Return options and state as plain dicts in which parameters are numbered from 0; tensors share memory."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for parameter in group["params"]:
                numbers.setdefault(id(parameter), len(numbers))
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers[id(parameter)] for parameter in group["params"]]
            groups.append(packed)
        made = {"state": {numbers.get(id(key), key): values for key, values in self.state.items()}, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            instead = hook(self, made)
            made = made if instead is None else instead
        return made

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take options and state from a `state_dict()` of an optimizer over parameters of the same number and order."""
        state_dict = dict(state_dict)
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            instead = hook(self, state_dict)
            state_dict = state_dict if instead is None else instead
        mine, saved = self.param_groups, copy.deepcopy(state_dict["param_groups"])
        if len(mine) != len(saved):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(mine, saved)):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        numbers = chain.from_iterable(group["params"] for group in saved)
        parameters = chain.from_iterable(group["params"] for group in mine)
        state = loaded(state_dict["state"], dict(zip(numbers, parameters)))
        for group, old in zip(saved, mine):
            group["params"] = old["params"]
            if "param_names" in old:
                group.setdefault("param_names", old["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def __repr__(self) -> str:
        groups = []
        for number, group in enumerate(self.param_groups):
            lines = [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
            groups.append("\n".join([f"Parameter Group {number}", *lines, ""]))
        return f"{type(self).__name__} (\n" + "\n".join(groups) + ")"


def check_parameter(parameter: Any, differentiable: bool) -> None:
    """Refuse what cannot be optimized: no tensor, or one that was computed, unless steps are to be differentiated."""
    if not isinstance(parameter, AbstractTensor):
        raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(parameter).__name__}")
    if not (differentiable or parameter.is_leaf or parameter.retains_grad):  # type: ignore[attr-defined]
        raise ValueError("can't optimize a non-leaf Tensor")


def loaded(saved: dict[Any, Any], parameters: dict[Any, Any]) -> defaultdict[Any, dict[str, Any]]:
    """Return a copy of saved state, by parameters instead of their numbers; what is no parameter's stays as it is."""
    state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
    for key, values in saved.items():
        if key in parameters:
            state[parameters[key]] = fitted("", values, parameters[key])
        else:
            state[key] = copy.deepcopy(values)
    return state


def fitted(name: str, value: Any, parameter: Any) -> Any:
    """Return a copy of a loaded state entry, tensors in the parameter's dtype; the step count keeps its own."""
    if isinstance(value, AbstractTensor):
        found: Any = value
        to_parameter = name != "step" and parameter.is_floating_point()
        return (found.to(parameter.dtype) if to_parameter else found).detach().clone()
    if isinstance(value, dict):
        return {key: fitted(key, each, parameter) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)([fitted("", each, parameter) for each in value])
    return copy.deepcopy(value)
