"""Gamma and Dirichlet numbers, which move with their concentrations: implicit reparametrisation.

The names are PyTorch's, under which public programs call them.
"""

from __future__ import annotations

from typing import Any

from lineal.base.dtypes import Category
from lineal.base.signatures import Tensor
from lineal.core import Op, apply
from lineal.core.calling import public
from lineal.ops.conversion import dtype_of
from lineal.ops.front import binary, require_tensor, row, underivable
from lineal.ops.random.generator import Generator, default_generator
from lineal.ops.random.implicit import beta_derivative, gamma_derivative
from lineal.ops.random.sampling import DirichletDraw, GammaDraw

__all__ = ["_dirichlet_grad", "_sample_dirichlet", "_standard_gamma", "_standard_gamma_grad"]

_standard_gamma_grad = binary(
    "standard_gamma_grad",
    lambda m, a, x: m.gamma_derivative(a, x),
    underivable("_standard_gamma_grad"),
    underivable("_standard_gamma_grad"),
    domain="only float",
    numeric=lambda m, a, x: gamma_derivative(a, x),
    host_only="SciPy",
    numbers="none",
    doc="Return how standard gamma numbers `other` move with their concentration `input`, their probability staying.",
)
moving = row("standard_gamma", lambda m, a, drawn: m.maximum(drawn, 0), lambda g, a, y: g * _standard_gamma_grad(a, y), None)
_beta_grad = row(
    "dirichlet_grad",
    lambda m, x, a, total: m.beta_derivative(x, a, total),
    underivable("_dirichlet_grad"),
    underivable("_dirichlet_grad"),
    underivable("_dirichlet_grad"),
    numeric=lambda m, x, a, total: _share(x, a, total),
    host_only="SciPy",
)


def _share(x: Any, a: Any, total: Any) -> Any:
    return (beta_derivative(x, a, total - a) / (1 - x)).astype(x.dtype, copy=False)


class SampleDirichlet(Op):
    """Dirichlet numbers x with a history: dxⱼ/dαᵢ = rᵢ (δᵢⱼ - xⱼ), rᵢ = dxᵢ/dαᵢ / (1 - xᵢ).

    Each share xᵢ is a beta number, and the others keep their proportions.   Jankowiak and Obermeyer 2018, "Pathwise derivatives
    beyond the reparameterization trick", eq. 14.
    """

    keeps = "0 y"
    no_lowering = "host step: what it copies was drawn on the host"

    def eager(self, xp, a, drawn):
        return drawn.copy()

    def vjp(self, needs, g, y, a, drawn):
        r = _beta_grad(y, a, a.sum(-1, keepdim=True).expand(a.value.shape))
        return r * (g - (y * g).sum(-1, keepdim=True)), None


def _require_floating(name: str, input: Any) -> None:
    require_tensor(name, input)
    if dtype_of(input).category is not Category.FLOATING:
        raise RuntimeError(f"{name}: not implemented for {dtype_of(input)}; expected a floating dtype")


@public
def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Return gamma numbers of rate 1 of the concentrations in `input`, whose derivatives are those of their quantiles."""
    _require_floating("_standard_gamma", input)
    drawn = (generator or default_generator).draw(GammaDraw(input.value.shape, dtype_of(input)), input)
    return moving(input, drawn)


@public
def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Return points of the simplex, a row for each row of concentrations in `input`."""
    _require_floating("_sample_dirichlet", input)
    if not input.value.ndim:
        raise RuntimeError("_sample_dirichlet: expected rows of concentrations, got shape []")
    drawn = (generator or default_generator).draw(DirichletDraw(input.value.shape, dtype_of(input)), input)
    return apply(SampleDirichlet(), input, drawn)


@public
def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """Return how shares x move with their concentrations alpha of the sums total, each divided by 1 - x."""
    if not x.value.shape == alpha.value.shape == total.value.shape:
        shapes = ", ".join(str(list(each.value.shape)) for each in (x, alpha, total))
        raise RuntimeError(f"_dirichlet_grad: expected tensors of one shape, got {shapes}")
    return _beta_grad(x, alpha, total)
