"""PyTorch's functions of lists of tensors: what a method does, done to each, as optimizers and averages of weights name it.

Other arguments are lists, taken element by element, or one for all. What is not in place returns a tuple, what is in place the
list that it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor, lift, modes
from lineal.core.together import squares_together
from lineal.ops import pow
from lineal.ops.reductions.norms import vector_norm
from lineal.tensors import foreachloops

__all__: list[str] = []

Function = Callable[..., Any]


def checked(name: str, tensors: Any) -> Sequence[Any]:
    """Return a list of tensors; TypeError if it is none, RuntimeError if it is empty."""
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{name}: expected a list or tuple of tensors, got {type(tensors).__name__}")
    if not tensors:
        raise RuntimeError(f"{name}: Tensor list must have at least one tensor.")
    for each in set(map(type, tensors)):
        if not issubclass(each, AbstractTensor):
            raise TypeError(f"{name}: expected a list of tensors, got a list with a {each.__name__}")
    return tensors


def spread(name: str, given: Any, count: int, is_vector: bool) -> Iterator[Any]:
    """Return an argument for each of so many tensors: the elements of a list, or of a vector where one is meant, or itself."""
    if is_vector and isinstance(given, AbstractTensor) and given.value.ndim == 1:
        given = list(given.unbind())  # type: ignore[attr-defined]
    if isinstance(given, AbstractTensor) and given.value.ndim and not is_vector:
        raise RuntimeError(f"{name}: scalar tensor expected to be 0 dim but it has shape {given.value.shape}")
    if not isinstance(given, (list, tuple)):
        return repeat(given, count)
    if len(given) != count:
        raise RuntimeError(f"{name}: Tensor lists must have the same number of tensors, got {count} and {len(given)}")
    return iter(given)


def of_each(method: str, name: str, scalars: str = "") -> Function:
    """Return the function `name` that calls a method of each tensor; the fourth argument may go by the name `scalars`."""

    def function(self: Sequence[Tensor], *args: Any, **kwargs: Any) -> Any:
        tensors = checked(name, self)
        if scalars and "scalars" in kwargs:
            kwargs[scalars] = kwargs.pop("scalars")
        if scalars and len(args) == 3:
            args, kwargs[scalars] = args[:2], args[2]
        if method.endswith("_") and foreachloops.done(method, tensors, args, kwargs):
            return self
        count = len(tensors)
        places = [spread(name, each, count, False) for each in args]
        named = {key: spread(name, each, count, key == scalars) for key, each in kwargs.items()}
        rows = zip(*places, strict=True) if places else repeat((), count)
        made = []
        for x, row in zip(tensors, rows):
            made.append(getattr(x, method)(*row, **{key: next(values) for key, values in named.items()}))
        return self if method.endswith("_") else tuple(made)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Call `{method}` of each tensor of a list."
    return function


def pair(method: str, name: str = "", scalars: str = "") -> tuple[Function, Function]:
    """Return the function of lists that calls a method of each tensor, and the one in place."""
    label = f"_foreach_{name or method}"
    return of_each(method, label, scalars), of_each(f"{method}_", f"{label}_", scalars)


_foreach_abs, _foreach_abs_ = pair("abs")
_foreach_acos, _foreach_acos_ = pair("acos")
_foreach_asin, _foreach_asin_ = pair("asin")
_foreach_atan, _foreach_atan_ = pair("atan")
_foreach_ceil, _foreach_ceil_ = pair("ceil")
_foreach_cos, _foreach_cos_ = pair("cos")
_foreach_cosh, _foreach_cosh_ = pair("cosh")
_foreach_erf, _foreach_erf_ = pair("erf")
_foreach_erfc, _foreach_erfc_ = pair("erfc")
_foreach_exp, _foreach_exp_ = pair("exp")
_foreach_expm1, _foreach_expm1_ = pair("expm1")
_foreach_floor, _foreach_floor_ = pair("floor")
_foreach_frac, _foreach_frac_ = pair("frac")
_foreach_lgamma, _foreach_lgamma_ = pair("lgamma")
_foreach_log, _foreach_log_ = pair("log")
_foreach_log10, _foreach_log10_ = pair("log10")
_foreach_log1p, _foreach_log1p_ = pair("log1p")
_foreach_log2, _foreach_log2_ = pair("log2")
_foreach_neg, _foreach_neg_ = pair("neg")
_foreach_reciprocal, _foreach_reciprocal_ = pair("reciprocal")
_foreach_round, _foreach_round_ = pair("round")
_foreach_rsqrt, _foreach_rsqrt_ = pair("rsqrt")
_foreach_sigmoid, _foreach_sigmoid_ = pair("sigmoid")
_foreach_sign, _foreach_sign_ = pair("sign")
_foreach_sin, _foreach_sin_ = pair("sin")
_foreach_sinh, _foreach_sinh_ = pair("sinh")
_foreach_sqrt, _foreach_sqrt_ = pair("sqrt")
_foreach_tan, _foreach_tan_ = pair("tan")
_foreach_tanh, _foreach_tanh_ = pair("tanh")
_foreach_trunc, _foreach_trunc_ = pair("trunc")

_foreach_add, _foreach_add_ = pair("add")
_foreach_sub, _foreach_sub_ = pair("sub")
_foreach_mul, _foreach_mul_ = pair("mul")
_foreach_div, _foreach_div_ = pair("div")
_foreach_powers, _foreach_pow_ = pair("pow")
_foreach_lerp, _foreach_lerp_ = pair("lerp")
_foreach_clamp_min, _foreach_clamp_min_ = pair("clamp_min")
_foreach_clamp_max, _foreach_clamp_max_ = pair("clamp_max")
# these take numbers, too
_foreach_maximum, _foreach_maximum_ = pair("clamp_min", "maximum")
_foreach_minimum, _foreach_minimum_ = pair("clamp_max", "minimum")
_foreach_addcmul, _foreach_addcmul_ = pair("addcmul", scalars="value")
_foreach_addcdiv, _foreach_addcdiv_ = pair("addcdiv", scalars="value")

_foreach_clone, _foreach_max = of_each("clone", "_foreach_clone"), of_each("max", "_foreach_max")
_foreach_mm = of_each("mm", "_foreach_mm")
_foreach_copy_, _foreach_zero_ = of_each("copy_", "_foreach_copy_"), of_each("zero_", "_foreach_zero_")


def _foreach_pow(self: Any, exponent: Any) -> tuple[Tensor, ...]:
    """Return the powers of each tensor of a list, or those of one number for each exponent."""
    if isinstance(self, (list, tuple)):
        return _foreach_powers(self, exponent)
    return tuple([pow(self, each) for each in checked("_foreach_pow", exponent)])


def _foreach_norm(self: Sequence[Tensor], ord: float = 2, dtype: Any = None) -> tuple[Tensor, ...]:
    """Return the norm of each tensor of a list as a vector."""
    tensors = checked("_foreach_norm", self)
    plain = ord == 2 and dtype is None and not (modes.grad_enabled.get() and any(each.requires_grad for each in self))
    squares = squares_together(list(tensors)) if plain else None
    if squares is None:
        return tuple([vector_norm(each, ord, dtype=dtype) for each in tensors])
    sizes = np.sqrt(squares).astype(tensors[0].value.dtype)
    return tuple([lift(np.asarray(each)) for each in sizes])
