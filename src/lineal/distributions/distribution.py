"""What every distribution has: shapes, validation, and the functions that families define."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

from lineal import ops
from lineal.base.spec import Size
from lineal.core import modes
from lineal.distributions.constraining import Constraint, is_dependent
from lineal.distributions.parameters import all_true, lazy_property
from lineal.tensors import Tensor

__all__ = ["Distribution"]


class Distribution:
    """A probability distribution: a batch of independent ones, of events of one shape.

    A sample has the shape sample_shape + batch_shape + event_shape. With `validate_args`, which is the default unless Python
    runs with -O, parameters and values are checked against `arg_constraints` and `support`: ValueError.

    A family names in `_batched_` its parameters, tensors of a batch of values or distributions of the same batch, from which
    `expand` makes another distribution.
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    arg_constraints: Any = property(lambda self: self._missing_("arg_constraints"))
    support: Any = property(lambda self: self._missing_("support"))
    _validate_args: bool = __debug__
    _batched_: ClassVar[tuple[str, ...]] = ()
    _kept_: ClassVar[tuple[str, ...]] = ()
    """Attributes that a distribution of another batch shape takes over as they are."""

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Say whether distributions are validated unless they are told otherwise."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(
        self, batch_shape: Sequence[int] = Size(), event_shape: Sequence[int] = Size(), validate_args: bool | None = None
    ):
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters_()
        super().__init__()

    def _missing_(self, name: str) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: {name} is not implemented")

    def _validate_parameters_(self) -> None:
        try:
            constraints = self.arg_constraints
        except NotImplementedError:
            constraints = {}
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize the "
                "distribution with `validate_args=False` to turn off validation.",
                stacklevel=4,
            )
        for name, constraint in constraints.items():
            is_later = name not in self.__dict__ and isinstance(getattr(type(self), name), lazy_property)
            if not is_dependent(constraint) and not is_later:
                wanted = "of distribution {0!r} to satisfy the constraint {1!r}"
                self._require_met_(constraint, getattr(self, name), f"parameter {name}", wanted)

    def _require_met_(self, constraint: Constraint, value: Any, what: str, wanted: str) -> None:
        if all_true(constraint.check(value)):
            return
        # numbers in a message are read for nobody else: vmap need not hear of it
        with modes.Setting((modes.recorder, None)):
            raise ValueError(
                f"Expected {what} ({type(value).__name__} of shape {tuple(value.shape)}) {wanted.format(self, constraint)}, "
                f"but found invalid values:\n{value}"
            )

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """Return the distribution with its parameters expanded to another batch shape; no memory is allocated."""
        owner = next((each for each in type(self).__mro__ if "_batched_" in vars(each)), Distribution)
        if owner is Distribution:
            return self._missing_("expand")
        new = self._get_checked_instance(owner, _instance)
        batch_shape = Size(batch_shape)
        for name in self._batched_:
            if name in self.__dict__:
                value = self.__dict__[name]
                shape = batch_shape if isinstance(value, Distribution) else batch_shape + value.shape[len(self._batch_shape) :]
                new.__dict__[name] = value.expand(shape)
        return self._expanded_(new, batch_shape)

    def _expanded_(self, new: Any, batch_shape: Size) -> Any:
        """Return the new instance of this distribution, whose parameters are there, with what else it needs."""
        for name in self._kept_:
            new.__dict__[name] = self.__dict__[name]
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """Return an empty instance of this class; NotImplementedError if it has more to initialise than `cls` knows of."""
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method "
                "must also define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one value, () of numbers."""
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        """The expectation."""
        return self._missing_("mean")

    @property
    def mode(self) -> Tensor:
        """The value of the greatest probability or density."""
        return self._missing_("mode")

    @property
    def variance(self) -> Tensor:
        """The expectation of the squared distance from the mean."""
        return self._missing_("variance")

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        """Return samples, constants, of the shape sample_shape + batch_shape + event_shape."""
        with modes.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = Size()) -> Tensor:
        """Return samples that have derivatives by the parameters."""
        return self._missing_("rsample")

    def sample_n(self, n: int) -> Tensor:
        """Return n samples; deprecated, `sample((n,))` is the same."""
        warnings.warn("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2)
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability, or of its density, at `value`."""
        return self._missing_("log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of at most `value`."""
        return self._missing_("cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """Return the number whose cdf is `value`."""
        return self._missing_("icdf")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return all values of a discrete distribution along dimension 0; of batches of size 1 unless `expand`."""
        return self._missing_("enumerate_support")

    def entropy(self) -> Tensor:
        """Return the expectation of -log p."""
        return self._missing_("entropy")

    def perplexity(self) -> Tensor:
        """Return exp of the entropy."""
        return ops.exp(self.entropy())

    def _extended_shape(self, sample_shape: Sequence[int] = Size()) -> Size:
        """Return the shape of samples."""
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _enumerated_(self, values: Tensor, expand: bool) -> Tensor:
        """Return values, one after the other, as those of every distribution of the batch."""
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values

    def _validate_sample(self, value: Any) -> None:
        """Refuse a value whose shape does not fit, or which is outside of the support."""
        if not isinstance(value, Tensor):
            raise ValueError(f"The value argument to log_prob must be a Tensor, got {type(value).__name__}")
        shape, expected = value.shape, self._batch_shape + self._event_shape
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}.")
        if any(i != 1 and j != 1 and i != j for i, j in zip(reversed(shape), reversed(expected))):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please initialize the distribution "
                "with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        self._require_met_(support, value, "value argument", "to be within the support ({1!r}) of the distribution {0!r}")

    def __repr__(self) -> str:
        values = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        shown = [f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in values.items()]
        return f"{type(self).__name__}({', '.join(shown)})"
