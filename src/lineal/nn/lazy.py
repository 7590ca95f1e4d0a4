"""Layers that learn the sizes of their parameters from their first input."""

from __future__ import annotations

from typing import Any

from lineal.base import dtypes
from lineal.base.signatures import Device, DType
from lineal.core import no_grad
from lineal.nn.batch_normalisation import BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from lineal.nn.linear import Linear
from lineal.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from lineal.tensors import Tensor, tensor


class LazyModuleMixin:
    """Stands before a layer's class: its parameters are `UninitializedParameter`s until the first input comes.

    A subclass defines `initialize_parameters`, which takes what `forward` takes and materializes them. Then the layer is of the
    class `cls_to_become`, if there is one. Loading a state dict materializes them too.
    """

    cls_to_become: type | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        me: Any = self
        me._load_hook = me.register_load_state_dict_pre_hook(LazyModuleMixin._lazy_load_hook)
        me._initialize_hook = me.register_forward_pre_hook(me._infer_parameters, with_kwargs=True)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Save the state; what waits for its shape is saved as it is."""
        me: Any = self
        super()._save_to_state_dict(destination, prefix, keep_vars)  # type: ignore[misc]
        destination.update({prefix + name: each for name, each in me._own_state_() if is_lazy(each)})

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        """Materialize what waits for its shape, if the state knows it."""
        me: Any = self
        for name, each in me._own_state_():
            given = state_dict.get(prefix + name)
            if is_lazy(each) and given is not None and not is_lazy(given):
                with no_grad():
                    each.materialize(given.shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize the parameters for an input; every subclass defines its own."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Return whether some parameter or buffer waits for its shape."""
        me: Any = self
        return any(map(is_lazy, (*me._parameters.values(), *me._buffers.values())))

    def _infer_parameters(self, module: Any, args: tuple, kwargs: dict[str, Any] | None = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


class LazyLinear(LazyModuleMixin, Linear):
    """A `Linear` whose `in_features` are those of its first input."""

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Device | None = None, dtype: DType | None = None):
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            for each, shape in ((self.weight, (self.out_features, self.in_features)), (self.bias, (self.out_features,))):
                if isinstance(each, UninitializedParameter):
                    each.materialize(shape)
            self.reset_parameters()
        self.in_features = self.weight.shape[-1]


class LazyChannelNorm(LazyModuleMixin):
    """A normalisation of channels whose `num_features` are the channels of its first input."""

    def __init__(
        self,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Device | None = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__(0, eps, momentum, False, False)
        me: Any = self
        place = {"device": device, "dtype": dtype}
        me.affine, me.track_running_stats = affine, track_running_stats
        if affine:
            me.weight = UninitializedParameter(**place)
            me.bias = UninitializedParameter(**place) if bias else None
        if track_running_stats:
            me.running_mean, me.running_var = UninitializedBuffer(**place), UninitializedBuffer(**place)
            me.num_batches_tracked = tensor(0, dtype=dtypes.int64, device=device)

    def reset_parameters(self) -> None:
        """Let the weight be 1 and the bias 0, and forget the statistics, once there are channels."""
        if not self.has_uninitialized_params() and self.num_features != 0:  # type: ignore[attr-defined]
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:
        """Take as many channels as the input has."""
        me: Any = self
        waiting = self.has_uninitialized_params()
        if not waiting and me.num_features:
            return
        alone = getattr(me, "_takes_one_", False) and input.ndim == me._dimensions_[0]
        me.num_features = input.shape[0 if alone else 1]
        for each in (me.weight, me.bias, me.running_mean, me.running_var):
            if is_lazy(each):
                each.materialize((me.num_features,))
        if waiting:
            self.reset_parameters()


class LazyBatchNorm1d(LazyChannelNorm, BatchNorm1d):
    """A `BatchNorm1d` that learns its channels from its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(LazyChannelNorm, BatchNorm2d):
    """A `BatchNorm2d` that learns its channels from its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(LazyChannelNorm, BatchNorm3d):
    """A `BatchNorm3d` that learns its channels from its first input."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(LazyChannelNorm, InstanceNorm1d):
    """An `InstanceNorm1d` that learns its channels from its first input."""

    cls_to_become = InstanceNorm1d
    _takes_one_ = True


class LazyInstanceNorm2d(LazyChannelNorm, InstanceNorm2d):
    """An `InstanceNorm2d` that learns its channels from its first input."""

    cls_to_become = InstanceNorm2d
    _takes_one_ = True


class LazyInstanceNorm3d(LazyChannelNorm, InstanceNorm3d):
    """An `InstanceNorm3d` that learns its channels from its first input."""

    cls_to_become = InstanceNorm3d
    _takes_one_ = True
