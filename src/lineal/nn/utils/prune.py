"""Pruning: some elements of a parameter are held at 0, by a mask that is applied before every `forward`."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, TypeVar

from lineal import ops
from lineal.nn.module import Module
from lineal.nn.utils.vectors import parameters_to_vector

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]

M = TypeVar("M", bound=Module)


class BasePruningMethod(ABC):
    """A way to choose what is pruned; as a hook, it applies the mask. A subclass defines `compute_mask`.

    `PRUNING_TYPE` is "unstructured", "structured" (slices along `dim`) or "global": what a further method does not look at, if
    it was pruned before: elements, slices, nothing.
    """

    PRUNING_TYPE: ClassVar[str]
    _tensor_name: str | None = None

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, str(self._tensor_name), self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """Return a mask of 0 and 1 for a tensor of importances; what `default_mask` prunes stays so."""

    def apply_mask(self, module: Module) -> Any:
        """Return the parameter with zeros where the mask has them."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        original = getattr(module, self._tensor_name + "_orig")
        return getattr(module, self._tensor_name + "_mask").to(original.dtype) * original

    @classmethod
    def apply(cls, module: Module, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any) -> Any:
        """Prune a parameter, further if it is pruned; returns the hook, a `PruningContainer` in that case."""
        method = with_earlier(module, name, cls(*args, **kwargs))
        original = getattr(module, name)
        if importance_scores is None:
            importance_scores = original
        elif importance_scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {importance_scores.shape} vs {original.shape}"
            )
        first = not isinstance(method, PruningContainer)
        mask = ops.ones_like(original) if first else getattr(module, name + "_mask").clone()
        if first:
            module.register_parameter(name + "_orig", original)
            del module._parameters[name]
        try:
            mask = method.compute_mask(importance_scores, default_mask=mask)
            module.register_buffer(name + "_mask", mask.detach())
            setattr(module, name, method.apply_mask(module))
            module.register_forward_pre_hook(method)
        except Exception:
            if first:
                del module._parameters[name + "_orig"]
                module.register_parameter(name, original)
            raise
        return method

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """Return `t` with zeros in the places that this method prunes, by `importance_scores` if they are given."""
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {importance_scores.shape} vs {t.shape}"
            )
        default_mask = ops.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(importance_scores, default_mask=default_mask)

    def remove(self, module: Module) -> None:
        """Let the parameter be one again, with its zeros."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight = self.apply_mask(module)
        if hasattr(module, self._tensor_name):
            delattr(module, self._tensor_name)
        original: Any = module._parameters[self._tensor_name + "_orig"]
        original.data = weight.detach()
        del module._parameters[self._tensor_name + "_orig"]
        del module._buffers[self._tensor_name + "_mask"]
        setattr(module, self._tensor_name, original)


def hooks_of(module: Module, name: str | None = None) -> list[tuple[int, Any]]:
    """Return what prunes a parameter, or any, with the numbers of the hooks."""
    found = [(key, hook.function) for key, hook in module._forward_pre_hooks.items()]
    found = [(key, each) for key, each in found if isinstance(each, BasePruningMethod)]
    return [(key, each) for key, each in found if name is None or each._tensor_name == name]


def with_earlier(module: Module, name: str, method: BasePruningMethod) -> BasePruningMethod:
    """Take the hook that prunes a parameter from a module; return a method that does what it did, and then `method`."""
    hooks = hooks_of(module, name)
    if len(hooks) > 1:
        raise AssertionError(
            f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a PruningContainer."
        )
    method._tensor_name = name
    for key, earlier in hooks:
        del module._forward_pre_hooks[key]
        container = earlier if isinstance(earlier, PruningContainer) else PruningContainer(earlier)
        container.add_pruning_method(method)
        return container
    return method


class PruningContainer(BasePruningMethod):
    """Methods that prune a parameter one after the other; a new mask is the latest method's, of what is left."""

    def __init__(self, *args: BasePruningMethod):
        self._pruning_methods: tuple[Any, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Add a method for the same parameter."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        method = self._pruning_methods[-1]
        looked_at = rest_of(method, t, default_mask)
        mask = default_mask.to(t.dtype, copy=True)
        mask[looked_at] = method.compute_mask(t[looked_at], default_mask=default_mask[looked_at]).to(mask.dtype)
        return mask


def rest_of(method: Any, t: Any, mask: Any) -> Any:
    """Return the index of what a method looks at, where `mask` prunes already."""
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    if method.PRUNING_TYPE == "global":
        return (slice(None),) * t.ndim
    if method.PRUNING_TYPE != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    if not hasattr(method, "dim"):
        raise AttributeError('Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.')
    if method.dim < -t.ndim:
        raise IndexError(f"Index is out of bounds for tensor with dimensions {t.ndim}")
    dim = method.dim % t.ndim
    left = mask.sum([each for each in range(t.ndim) if each != dim]) != 0
    return (*(slice(None),) * dim, left)


class Identity(BasePruningMethod):
    """Prune nothing: the mask is there, of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        return default_mask

    @classmethod
    def apply(cls, module: Module, name: str) -> Any:
        return super().apply(module, name)


class RandomUnstructured(BasePruningMethod):
    """Prune elements drawn at random: `amount` of them, or that share."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float):
        require_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        return without_least(ops.rand_like(t), self.amount, default_mask)

    @classmethod
    def apply(cls, module: Module, name: str, amount: float) -> Any:
        return super().apply(module, name, amount=amount)


class L1Unstructured(BasePruningMethod):
    """Prune the smallest elements: `amount` of them, or that share."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float):
        require_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        return without_least(t.detach().abs(), self.amount, default_mask)

    @classmethod
    def apply(cls, module: Module, name: str, amount: float, importance_scores: Any = None) -> Any:
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class StructuredPruning(BasePruningMethod):
    """Prune whole slices along `dim`: `amount` of them, or that share; a subclass says how much each matters."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1):
        require_amount(amount)
        self.amount = amount
        self.dim = dim

    @abstractmethod
    def weights(self, t: Any) -> Any:
        """Return one number for each slice; those with the least ones are pruned."""

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. "
                f"Found tensor of shape {t.shape} with {t.ndim} dims"
            )
        if self.dim >= t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        if not number_pruned(self.amount, t.shape[self.dim]):
            return default_mask
        weights = self.weights(t.detach())
        kept = without_least(weights, self.amount, ops.ones_like(weights, dtype=t.dtype))
        shape = [1] * t.ndim
        shape[self.dim] = -1
        return kept.reshape(shape) * default_mask.to(t.dtype)


class RandomStructured(StructuredPruning):
    """Prune slices drawn at random."""

    def weights(self, t: Any) -> Any:
        return ops.rand(t.shape[self.dim], device=t.device)

    @classmethod
    def apply(cls, module: Module, name: str, amount: float, dim: int = -1) -> Any:
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(StructuredPruning):
    """Prune the slices with the smallest n-norm."""

    def __init__(self, amount: float, n: float | str, dim: int = -1):
        super().__init__(amount, dim)
        self.n = n

    def weights(self, t: Any) -> Any:
        return t.norm(self.n, [each for each in range(t.ndim) if each != self.dim % t.ndim])

    @classmethod
    def apply(cls, module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: Any = None) -> Any:
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """Prune by a given mask."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Any):
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}")
        return default_mask * self.mask.to(default_mask.dtype)

    @classmethod
    def apply(cls, module: Module, name: str, mask: Any) -> Any:
        return super().apply(module, name, mask=mask)


def require_amount(amount: Any) -> None:
    """Refuse what is neither a share nor a number of things."""
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (not isinstance(amount, numbers.Integral) and not float(amount) <= 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def number_pruned(amount: Any, size: int) -> int:
    """Return how many of `size` things are pruned; ValueError if there are not so many."""
    whole = isinstance(amount, numbers.Integral)
    if whole and int(amount) > size:
        raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={size}")
    return int(amount) if whole else round(amount * size)


def without_least(scores: Any, amount: Any, default_mask: Any) -> Any:
    """Return a copy of a mask with zeros where the scores are least."""
    count = number_pruned(amount, scores.numel())
    mask = default_mask.clone()
    if count:
        mask.view(-1)[ops.topk(scores.reshape(-1), count, largest=False).indices] = 0
    return mask


def identity(module: M, name: str) -> M:
    """Give a parameter a mask of ones; returns the module, which has `<name>_orig` and `<name>_mask` from now on."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune elements of a parameter at random, `amount` of them, or that share of those left; returns the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: M, name: str, amount: float, importance_scores: Any = None) -> M:
    """Prune the smallest elements of a parameter, or those with the smallest scores; returns the module."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune slices of a parameter along `dim` at random; returns the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: M, name: str, amount: float, n: Any, dim: int, importance_scores: Any = None) -> M:
    """Prune the slices of a parameter along `dim` with the smallest n-norm; returns the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]], pruning_method: Any, importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prune several parameters, (module, name) each, as if they were one, by an unstructured method made with `kwargs`.

    `importance_scores` is a dict with the scores of some of them.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    places = list(parameters)
    tensors = [getattr(module, name) for module, name in places]
    together = parameters_to_vector(scores.get(place, t) for place, t in zip(places, tensors))
    masks = (getattr(module, name + "_mask", ops.ones_like(t)) for (module, name), t in zip(places, tensors))
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for '
            f"the `pruning_method`. Found method {pruning_method} of type {method.PRUNING_TYPE}"
        )
    mask = PruningContainer(method).compute_mask(together, parameters_to_vector(masks))
    for (module, name), part, t in zip(places, mask.split([t.numel() for t in tensors]), tensors):
        custom_from_mask(module, name, mask=part.reshape(t.shape))


def custom_from_mask(module: M, name: str, mask: Any) -> M:
    """Prune a parameter where a mask is 0; returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: M, name: str) -> M:
    """Let a pruned parameter be one again, with its zeros; returns the module. ValueError if it is not pruned."""
    for key, method in hooks_of(module, name):
        method.remove(module)
        del module._forward_pre_hooks[key]
        return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module: Module) -> bool:
    """Return whether something in a module is pruned."""
    return any(hooks_of(each) for each in module.modules())
