"""Linear layers of which each process computes a part: `torch.distributed.tensor.parallel`.

All processes have the same input. Columns: each has some outputs. Rows: each has some inputs, and the outputs are summed up. A
layer by columns, something elementwise and a layer by rows need one message forward, and one backward.
Shoeybi and others (2019), arXiv:1909.08053.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from lineal.base.errors import UnsupportedError
from lineal.distributed import ProcessGroup
from lineal.distributed.groups import require_group
from lineal.distributed.meshes import DeviceMesh
from lineal.distributed.summing import copied_to_ranks, totalled
from lineal.nn.functional import linear
from lineal.nn.linear import Linear
from lineal.nn.module import Module
from lineal.nn.sharded.sharding import ShardedParameter, Sharding
from lineal.tensors import Tensor

__all__ = ["ColwiseParallel", "RowwiseParallel", "parallelize_module"]

M = TypeVar("M", bound=Module)
STYLES = "ColwiseParallel() and RowwiseParallel() of Linear layers"


class ColumnForward:
    """The `forward` of a layer that has some of the outputs."""

    def __init__(self, module: Linear, group: ProcessGroup):
        self.module, self.group = module, group

    def __call__(self, input: Tensor) -> Tensor:
        return linear(copied_to_ranks(input, self.group), self.module.weight, self.module.bias)


class RowForward:
    """The `forward` of a layer that has some of the inputs."""

    def __init__(self, module: Linear, group: ProcessGroup):
        self.module, self.group = module, group

    def __call__(self, input: Tensor) -> Tensor:
        y = totalled(linear(input, self.module.weight), self.group)
        return y if self.module.bias is None else y + self.module.bias


class ColwiseParallel:
    """Let each process have some outputs of a Linear layer; the next layer takes them as they are."""

    def apply(self, module: Linear, group: ProcessGroup) -> None:
        """Cut the parameters of a layer, in place."""
        for name in ("weight", "bias"):
            cut(module, name, group, 0)
        module.forward = ColumnForward(module, group)  # type: ignore[method-assign]


class RowwiseParallel:
    """Let each process have some inputs of a Linear layer, as the layer before gives them; the outputs are all there again."""

    def apply(self, module: Linear, group: ProcessGroup) -> None:
        """Cut the weight of a layer, in place; the bias stays whole."""
        cut(module, "weight", group, 1)
        module.forward = RowForward(module, group)  # type: ignore[method-assign]


def cut(module: Module, name: str, group: ProcessGroup, dim: int) -> None:
    """Let a module have this process's part of a parameter."""
    whole = getattr(module, name)
    if whole is None:
        return
    if whole.shape[dim] % group.size():
        raise ValueError(
            f"parallelize_module: {name} {list(whole.shape)} cannot be cut into {group.size()} equal parts along dimension "
            f"{dim}"
        )
    setattr(module, name, ShardedParameter.of(whole, Sharding(group, tuple(whole.shape), dim)))


def parallelize_module(
    module: M, device_mesh: DeviceMesh | ProcessGroup | None = None, parallelize_plan: Any = None, *, src_data_rank: Any = None
) -> M:
    """Let processes have parts of Linear layers, in place, as a plan says, and return the module.

    A plan is a style, or a mapping from names of submodules to styles. All processes have the same parameters and inputs, and
    compute the same loss; there are as many as divide the layers. ValueError for layers that cannot be cut equally,
    UnsupportedError for other modules and styles.
    """
    group = require_group(device_mesh.get_group() if isinstance(device_mesh, DeviceMesh) else device_mesh)
    plan = parallelize_plan if isinstance(parallelize_plan, Mapping) else {"": parallelize_plan}
    for name, style in plan.items():
        layer = module.get_submodule(name)
        if type(layer) is not Linear or not isinstance(style, (ColwiseParallel, RowwiseParallel)):
            raise UnsupportedError(
                f"parallelize_module: {name or 'module'} is a {type(layer).__name__}, to be cut by {style!r}; there are "
                f"{STYLES}"
            )
        style.apply(layer, group)
    return module
