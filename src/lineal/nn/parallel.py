"""A module on several devices or in several processes: on the host, which is one, and in one process, it is called as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lineal.base.errors import UnsupportedError
from lineal.base.signatures import Device
from lineal.distributed import ProcessGroup, get_rank
from lineal.nn.module import Module

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


class DistributedDataParallel(Module):
    """Call `module`, which it holds under this name: with one process, its gradients are those of all.

    ValueError if no group of processes was formed or devices are named, RuntimeError if no parameter requires grad.
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
        if not any(each.requires_grad for each in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that requires a gradient."
            )
        if device_ids or output_device is not None:
            raise ValueError(
                "DistributedDataParallel: device_ids and output_device are for modules on other devices than the host, got "
                f"{device_ids} and {output_device}; leave them out"
            )
        self.module = module
        self.device_ids = self.output_device = None
        self.dim, self.process_group, self.static_graph = dim, process_group, static_graph
        self.broadcast_buffers = True if broadcast_buffers is None else broadcast_buffers
        self.find_unused_parameters, self.gradient_as_bucket_view = find_unused_parameters, gradient_as_bucket_view
        self.require_backward_grad_sync = True

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Within the block, gradients add up without those of other processes, as they do anyway."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextlib.contextmanager
    def join(
        self, divide_by_initial_world_size: bool = True, enable: bool = True, throw_on_early_termination: bool = False
    ) -> Iterator[None]:
        """Within the block, processes may have different numbers of batches: there is one."""
        yield

    def register_comm_hook(self, state: object, hook: Callable[[object, Any], Any]) -> None:
        """Refuse what would change gradients on their way to other processes."""
        raise UnsupportedError("DistributedDataParallel.register_comm_hook: gradients go nowhere, there is one process")
