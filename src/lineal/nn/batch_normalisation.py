"""Layers that give channels mean 0 and variance 1: over the batch, or for each example; they may keep running statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineal.base import dtypes
from lineal.base.signatures import Device, DType
from lineal.distributed import get_world_size, is_initialized
from lineal.nn import functional
from lineal.nn.functional.synchronised import synchronised_batch_norm
from lineal.nn.module import Module
from lineal.nn.normalisation import Scaling
from lineal.ops import ones, zeros
from lineal.tensors import Tensor, tensor


class ChannelNorm(Scaling):
    """What batch and instance normalisation share: weights, and running statistics, to which each batch contributes.

    `momentum` is the share of the newest batch. A subclass says which shapes it takes.
    """

    _version = 2
    _dimensions_: tuple[int, ...]
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Device | None,
        dtype: DType | None,
        bias: bool,
    ):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        place = {"device": device, "dtype": dtype}
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **place) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **place) if tracked else None)
        count = tensor(0, dtype=dtypes.int64, device=device) if tracked else None
        self.register_buffer("num_batches_tracked", count)
        self._scale_((num_features,), affine, affine and bias, device, dtype)

    def reset_running_stats(self) -> None:
        """Forget the statistics of the batches seen."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the statistics; let the weight be 1 and the bias 0."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input_dim(self, input: Tensor) -> None:
        """Refuse an input of another number of dimensions."""
        if input.ndim not in self._dimensions_:
            expected = " or ".join(f"{each}D" for each in self._dimensions_)
            raise ValueError(f"{self._get_name()}: expected {expected} input, got {input.ndim}D of shape {list(input.shape)}")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: dict[str, Any], *rest: Any) -> None:
        """Take the state; one of before version 2 has no `num_batches_tracked`, and this layer's count stays."""
        version, key = local_metadata.get("version"), f"{prefix}num_batches_tracked"
        if (version is None or version < 2) and self.num_batches_tracked is not None and key not in state_dict:
            state_dict[key] = self.num_batches_tracked
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class BatchNorm(ChannelNorm):
    """(x - mean) / √(variance + eps) · weight + bias for each channel, with the statistics of the batch.

    In evaluation mode the statistics are the running ones; a `momentum` of None makes them the plain average of all batches.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Device | None = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def _share_(self) -> float:
        """Count a batch while training; return the share that it has of the running statistics."""
        share = self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            share = 1.0 / int(self.num_batches_tracked) if share is None else share
        return share or 0.0

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        share = self._share_()
        of_batch = self.training or (self.running_mean is None and self.running_var is None)
        running = (self.running_mean, self.running_var) if not self.training or self.track_running_stats else (None, None)
        return functional.batch_norm(input, *running, self.weight, self.bias, of_batch, share, self.eps)


class BatchNorm1d(BatchNorm):
    """Batch normalisation of input (N, C) or (N, C, L)."""

    _dimensions_ = (2, 3)


class BatchNorm2d(BatchNorm):
    """Batch normalisation of input (N, C, H, W)."""

    _dimensions_ = (4,)


class BatchNorm3d(BatchNorm):
    """Batch normalisation of input (N, C, D, H, W)."""

    _dimensions_ = (5,)


class SyncBatchNorm(BatchNorm):
    """Batch normalisation of input (N, C, …), with the statistics of the batches of all processes of a group while training."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Device | None = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"SyncBatchNorm: expected at least 2D input (got {input.ndim}D input)")

    def forward(self, input: Tensor) -> Tensor:
        if not (self.training and is_initialized() and get_world_size(self.process_group) > 1):
            return super().forward(input)
        self._check_input_dim(input)
        share = self._share_()
        running = (self.running_mean, self.running_var) if self.track_running_stats else (None, None)
        return synchronised_batch_norm(input, *running, self.weight, self.bias, share, self.eps, self.process_group)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """Return `module` with every batch normalisation in it as one of this class, of the same parameters and buffers."""
        converted = module
        if isinstance(module, BatchNorm):
            options = (module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats)
            converted = cls(*options, process_group, bias=module.bias is not None)
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(converted, name, getattr(module, name))
            converted.training = module.training
        for name, child in module.named_children():
            converted.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return converted


class InstanceNorm(ChannelNorm):
    """(x - mean) / √(variance + eps) · weight + bias for each channel of each example; one example may come alone.

    With `track_running_stats`, evaluation uses the running statistics.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Device | None = None,
        dtype: DType | None = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        alone = input.ndim == self._dimensions_[0]
        channels = input.shape[0 if alone else 1]
        if self.affine and channels != self.num_features:
            raise ValueError(
                f"{self._get_name()}: expected input's size at dim={0 if alone else 1} to match num_features "
                f"({self.num_features}), but got: {channels}."
            )
        y = functional.instance_norm(
            input.unsqueeze(0) if alone else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum or 0.0,
            self.eps,
        )
        return y.squeeze(0) if alone else y

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take the state; one of before version 2 may have running statistics that this layer does not track."""
        version = local_metadata.get("version")
        names = ("running_mean", "running_var") if not self.track_running_stats else ()
        stale = [f"{prefix}{name}" for name in names if f"{prefix}{name}" in state_dict]
        if stale and (version is None or version < 2):
            error_msgs.append(
                f"{self._get_name()}: unexpected running statistics {', '.join(stale)} with track_running_stats=False; "
                "remove them from the state_dict, or set track_running_stats=True"
            )
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)


class InstanceNorm1d(InstanceNorm):
    """Instance normalisation of input (C, L) or (N, C, L)."""

    _dimensions_ = (2, 3)


class InstanceNorm2d(InstanceNorm):
    """Instance normalisation of input (C, H, W) or (N, C, H, W)."""

    _dimensions_ = (3, 4)


class InstanceNorm3d(InstanceNorm):
    """Instance normalisation of input (C, D, H, W) or (N, C, D, H, W)."""

    _dimensions_ = (4, 5)
