"""Which transform makes values within a constraint of any numbers.

`biject_to(constraint)` is bijective, for changes of variables; `transform_to(constraint)` may take more numbers than it needs,
for parameters that are optimised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.distributions import constraints, transforms
from lineal.distributions.constraints import Constraint
from lineal.distributions.parameters import NUMBERS

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """From classes of constraints to functions that make a transform of a constraint."""

    def __init__(self) -> None:
        self._registry: dict[type, Callable[[Any], Any]] = {}

    def register(self, constraint: Any, factory: Callable[[Any], Any] | None = None) -> Any:
        """Enter what makes the transform of the constraints of a class, or of a constraint's class; a decorator without one."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        if isinstance(constraint, Constraint):
            constraint = type(constraint)
        if not (isinstance(constraint, type) and issubclass(constraint, Constraint)):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[constraint] = factory
        return factory

    def __call__(self, constraint: Constraint) -> transforms.Transform:
        """Return the transform to the constraint; NotImplementedError where none is registered."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
biject_to.__doc__ = "Return the bijective transform of real numbers to a constraint: for changes of variables."
transform_to = ConstraintRegistry()
transform_to.__doc__ = "Return a transform, maybe of more numbers than needed, to a constraint: for parameters to be optimised."


@biject_to.register(constraints.real)
@transform_to.register(constraints.real)
def real(constraint: Any) -> Any:
    """Real numbers are made of themselves."""
    return transforms.identity_transform


@biject_to.register(constraints.positive)
@biject_to.register(constraints.nonnegative)
@transform_to.register(constraints.positive)
@transform_to.register(constraints.nonnegative)
def above(constraint: Any) -> Any:
    """exp(x) + lower_bound."""
    if isinstance(constraint.lower_bound, NUMBERS) and constraint.lower_bound == 0:
        return transforms.ExpTransform()
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(constraint.lower_bound, 1)])


@biject_to.register(constraints.less_than)
@transform_to.register(constraints.less_than)
def below(constraint: Any) -> Any:
    """upper_bound - exp(x)."""
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)])


@biject_to.register(constraints.interval)
@biject_to.register(constraints.half_open_interval)
@transform_to.register(constraints.interval)
@transform_to.register(constraints.half_open_interval)
def between(constraint: Any) -> Any:
    """lower_bound + (upper_bound - lower_bound) sigmoid(x)."""
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, NUMBERS) and isinstance(high, NUMBERS) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


@biject_to.register(constraints.simplex)
def shares(constraint: Any) -> Any:
    """One number fewer than shares."""
    return transforms.StickBreakingTransform()


@transform_to.register(constraints.simplex)
def proportions(constraint: Any) -> Any:
    """As many numbers as shares."""
    return transforms.SoftmaxTransform()


@transform_to.register(constraints.lower_cholesky)
def lower_cholesky(constraint: Any) -> Any:
    """A matrix, of which the upper triangle is not read."""
    return transforms.LowerCholeskyTransform()


@transform_to.register(constraints.positive_definite)
@transform_to.register(constraints.positive_semidefinite)
def positive_definite(constraint: Any) -> Any:
    """L Lᵀ of a lower triangular matrix."""
    return transforms.PositiveDefiniteTransform()


@biject_to.register(constraints.corr_cholesky)
@transform_to.register(constraints.corr_cholesky)
def corr_cholesky(constraint: Any) -> Any:
    """Partial correlations, row by row."""
    return transforms.CorrCholeskyTransform()


def of_parts(registry: ConstraintRegistry) -> None:
    """Enter the constraints made of others into a registry, where those are looked up."""

    @registry.register(constraints.independent)
    def independent(constraint: Any) -> Any:
        return transforms.IndependentTransform(registry(constraint.base_constraint), constraint.reinterpreted_batch_ndims)

    @registry.register(constraints.cat)
    def cat(constraint: Any) -> Any:
        return transforms.CatTransform([registry(each) for each in constraint.cseq], constraint.dim, constraint.lengths)

    @registry.register(constraints.stack)
    def stack(constraint: Any) -> Any:
        return transforms.StackTransform([registry(each) for each in constraint.cseq], constraint.dim)


of_parts(biject_to)
of_parts(transform_to)
