"""Constraints: where parameters and samples may be, as `check` says for each; names only.

A constraint counts `event_dim` dimensions from the right as one value, about which it says one thing.
"""

from lineal.distributions.constraining import Constraint, dependent, dependent_property, is_dependent
from lineal.distributions.joint_constraints import MixtureSameFamilyConstraint, cat, independent, stack
from lineal.distributions.matrix_constraints import (
    corr_cholesky,
    lower_cholesky,
    lower_triangular,
    positive_definite,
    positive_semidefinite,
    square,
    symmetric,
)
from lineal.distributions.number_constraints import (
    boolean,
    greater_than,
    greater_than_eq,
    half_open_interval,
    integer_interval,
    interval,
    less_than,
    nonnegative,
    nonnegative_integer,
    positive,
    positive_integer,
    real,
    unit_interval,
)
from lineal.distributions.vector_constraints import multinomial, one_hot, real_vector, simplex

__all__ = [
    "Constraint",
    "MixtureSameFamilyConstraint",
    "boolean",
    "cat",
    "corr_cholesky",
    "dependent",
    "dependent_property",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "square",
    "stack",
    "symmetric",
    "unit_interval",
]
