"""A module on several devices or in several processes: devices are one, the host; processes average their gradients."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lineal.base.signatures import Device
from lineal.core import is_grad_enabled
from lineal.distributed import ProcessGroup, all_gather_object, get_rank, get_world_size
from lineal.distributed.coalescing import broadcast_all
from lineal.nn.buckets import Reducer
from lineal.nn.module import Module
from lineal.nn.uneven import Uneven, shadowed

__all__ = ["DataParallel", "DistributedDataParallel"]


class DataParallel(Module):
    """Call `module`, which it holds under this name: as PyTorch does where there is no other device than the host."""

    def __init__(
        self, module: Module, device_ids: Sequence[Device] | None = None, output_device: Device | None = None, dim: int = 0
    ):
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


BUCKET = 25.0
"""How many megabytes of gradients are reduced together."""


class DistributedDataParallel(Module):
    """Call `module`, which it holds under this name, and average its gradients over all processes while backward runs.

    At first all get the parameters and buffers of the first rank, and its buffers again at each call. If losses are means over
    batches of one size, gradients are those of the joined batch. ValueError if no group of processes was formed or devices are
    named; RuntimeError if no parameter requires grad, if ranks have other parameters, and at the next call if backward left
    parameters without gradients (unless with `find_unused_parameters`).
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Device] | None = None,
        output_device: Device | None = None,
        dim: int = 0,
        broadcast_buffers: bool | None = None,
        init_sync: bool = True,
        process_group: ProcessGroup | None = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ):
        super().__init__()
        get_rank(process_group)
        named = [(name, each) for name, each in module.named_parameters() if each.requires_grad]
        require_parameters(named, device_ids, output_device)
        self.module = module
        self.device_ids = self.output_device = None
        self.dim, self.process_group, self.static_graph = dim, process_group, static_graph
        self.broadcast_buffers = True if broadcast_buffers is None else broadcast_buffers
        self.find_unused_parameters, self.gradient_as_bucket_view = find_unused_parameters, gradient_as_bucket_view
        self.require_backward_grad_sync = self.require_forward_param_sync = True
        self._bucket_cap_mb_ = BUCKET if bucket_cap_mb is None else bucket_cap_mb
        self.reducer: Reducer | None = None
        self._uneven_: Uneven | None = None
        if get_world_size(process_group) > 1:
            if init_sync:
                require_same(named, process_group)
                broadcast_all([*module.parameters(), *module.buffers()], process_group)
            self.reducer = self._reducer_of_(named)

    def _reducer_of_(self, named: Sequence[tuple[str, Any]]) -> Reducer:
        """Return what averages the gradients of parameters."""
        finds_unused = self.find_unused_parameters or self.static_graph
        return Reducer(named, self.process_group, self._bucket_cap_mb_, finds_unused)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        if self.reducer is None:
            return self.module(*inputs, **kwargs)
        syncs = is_grad_enabled() and self.require_backward_grad_sync
        if syncs:
            self.reducer.require_finished()
        sends, root = self.require_forward_param_sync and self.broadcast_buffers, 0
        if self._uneven_ is not None:
            now = self._uneven_.round(True, syncs, sends)
            root, self.reducer.scale = now.active[0], self._uneven_.scale(now.active)
        if sends:
            broadcast_all(list(self.module.buffers()), self.process_group, root)
        outputs = self.module(*inputs, **kwargs)
        if syncs:
            self.reducer.begin(outputs)
        self.reducer.active = self.require_backward_grad_sync
        self.require_forward_param_sync = syncs
        return outputs

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """For calls within the block, gradients add up without those of other processes, until the next call outside."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextlib.contextmanager
    def join(
        self, divide_by_initial_world_size: bool = True, enable: bool = True, throw_on_early_termination: bool = False
    ) -> Iterator[None]:
        """Within the block, processes may have different numbers of batches.

        Who has none left brings gradients of zero until the others are done, and then gets the model of one that was there to
        the end. Averages are over all processes, or, unless `divide_by_initial_world_size`, over those that have a batch. With
        `throw_on_early_termination`, all raise a RuntimeError as soon as one has none left.
        """
        if not enable or self.reducer is None or get_world_size(self.process_group) == 1:
            yield
            return
        self._uneven_ = Uneven(self.process_group, divide_by_initial_world_size, throw_on_early_termination)
        try:
            yield
            shadowed(self, self._uneven_)
        finally:
            self._uneven_, self.reducer.scale = None, 1.0

    def register_comm_hook(self, state: object, hook: Callable[[object, Any], Any]) -> None:
        """Let `hook(state, bucket)` reduce the gradients of a bucket instead: it returns the future of one tensor.

        One process calls it too, whose numbers it may change. TypeError for what cannot be called, RuntimeError for a second
        hook. `distributed.algorithms.ddp_comm_hooks.default_hooks` has some.
        """
        if not callable(hook):
            raise TypeError(f"register_comm_hook: Communication hook must be callable, got {type(hook).__name__}")
        if self.reducer is None:
            named = [(name, each) for name, each in self.module.named_parameters() if each.requires_grad]
            self.reducer = self._reducer_of_(named)
        if self.reducer.hook is not None:
            raise RuntimeError("register_comm_hook: a hook can be registered only once")
        self.reducer.hook = (hook, state)


def require_parameters(named: Sequence[tuple[str, Any]], device_ids: Any, output_device: Any) -> None:
    """Raise RuntimeError if there is nothing to be learned, ValueError if devices are named."""
    if not named:
        raise RuntimeError(
            "DistributedDataParallel is not needed when a module doesn't have any parameter that requires a gradient."
        )
    if device_ids or output_device is not None:
        raise ValueError(
            "DistributedDataParallel: device_ids and output_device are for modules on other devices than the host, got "
            f"{device_ids} and {output_device}; leave them out"
        )


def require_same(named: Sequence[tuple[str, Any]], group: ProcessGroup | None) -> None:
    """Raise RuntimeError unless all ranks have parameters of the same shapes and dtypes."""
    every: list[Any] = [None] * get_world_size(group)
    all_gather_object(every, [(name, list(x.shape), str(x.dtype)) for name, x in named], group)
    for rank, theirs in enumerate(every):
        if len(theirs) != len(every[0]):
            raise RuntimeError(
                f"DDP expects same model across all ranks, but Rank 0 has {len(every[0])} params, while rank {rank} has "
                f"inconsistent {len(theirs)} params."
            )
        for mine, other in zip(every[0], theirs):
            if mine[1:] != other[1:]:
                raise RuntimeError(
                    f"DistributedDataParallel: parameter {mine[0]} is {mine[2]} {mine[1]} on rank 0, where rank {rank} has "
                    f"{other[0]}, {other[2]} {other[1]}"
                )
