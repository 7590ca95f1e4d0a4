"""Processes as an array: each axis has a group for each line of processes along it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lineal.base.errors import UnsupportedError
from lineal.distributed.groups import ProcessGroup, new_group, require_group
from lineal.tensors import Tensor, from_numpy

__all__ = ["DeviceMesh", "init_device_mesh"]


class DeviceMesh:
    """Ranks of the default group as an array, whose axes may have names. All ranks of the default group make it together."""

    def __init__(
        self, device_type: str, mesh: Any, *, mesh_dim_names: Sequence[str] | None = None, groups: Sequence[Any] | None = None
    ):
        if device_type != "cpu":
            raise UnsupportedError(f"DeviceMesh: processes compute on the host: expected 'cpu', got {device_type!r}")
        self.device_type = device_type
        self.ranks = np.array(mesh.tolist() if isinstance(mesh, Tensor) else mesh, np.int64)
        self.mesh_dim_names = None if mesh_dim_names is None else tuple(mesh_dim_names)
        names = self.mesh_dim_names or ()
        if names and (len(names) != self.ranks.ndim or len(set(names)) != len(names)):
            raise RuntimeError(f"DeviceMesh: expected {self.ranks.ndim} different names of axes, got {list(names)}")
        self.groups = list(groups) if groups is not None else [group_along(self.ranks, dim) for dim in range(self.ranks.ndim)]
        found = np.argwhere(self.ranks == require_group(None).rank())
        self.coordinate = found[0].tolist() if len(found) else None

    @property
    def mesh(self) -> Tensor:
        """The ranks."""
        return from_numpy(self.ranks.copy())

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.ranks.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self.ranks.shape

    def dim_of(self, name: int | str | None) -> int:
        """Return the number of an axis; RuntimeError if it must be told, KeyError if there is none of that name."""
        if name is None:
            if self.ndim > 1:
                raise RuntimeError(f"DeviceMesh: expected mesh_dim to be told for a mesh of {self.ndim} axes")
            return 0
        if isinstance(name, int):
            return range(self.ndim)[name]
        if name not in (self.mesh_dim_names or ()):
            raise KeyError(f"DeviceMesh: there is no axis {name!r}, but {list(self.mesh_dim_names or ())}")
        return (self.mesh_dim_names or ()).index(name)

    def size(self, mesh_dim: int | str | None = None) -> int:
        """Return how many processes there are, in all or along an axis."""
        return self.ranks.size if mesh_dim is None else self.ranks.shape[self.dim_of(mesh_dim)]

    def get_group(self, mesh_dim: int | str | None = None) -> ProcessGroup:
        """Return the group along an axis that this process is in."""
        return self.groups[self.dim_of(mesh_dim)]

    def get_all_groups(self) -> list[ProcessGroup]:
        """Return the groups along all axes that this process is in."""
        return list(self.groups)

    def get_rank(self) -> int:
        """Return the rank of this process in the default group."""
        return require_group(None).rank()

    def get_local_rank(self, mesh_dim: int | str | None = None) -> int:
        """Return the place of this process along an axis."""
        return self.get_group(mesh_dim).rank()

    def get_coordinate(self) -> list[int] | None:
        """Return the place of this process along all axes; None if it is not in the mesh."""
        return self.coordinate

    def __getitem__(self, names: str | Sequence[str]) -> DeviceMesh:
        """Return the mesh of some axes, through this process."""
        dims = [self.dim_of(name) for name in ([names] if isinstance(names, str) else names)]
        at: list[Any] = list(self.coordinate or [0] * self.ndim)
        for dim in dims:
            at[dim] = slice(None)
        chosen = [(self.mesh_dim_names or ())[dim] for dim in dims]
        return DeviceMesh(
            self.device_type, self.ranks[tuple(at)], mesh_dim_names=chosen, groups=[self.groups[dim] for dim in dims]
        )

    def __repr__(self) -> str:
        return f"DeviceMesh({self.device_type!r}, {self.ranks.tolist()}, mesh_dim_names={self.mesh_dim_names})"


def group_along(ranks: np.ndarray, dim: int) -> Any:
    """Form the groups of all lines along an axis; return the one that this process is in."""
    world = require_group(None)
    lines = np.moveaxis(ranks, dim, -1).reshape(-1, ranks.shape[dim]).tolist()
    if lines == [world.ranks]:
        return world
    made = [new_group(line, sort_ranks=False) for line in lines]
    return next((each for each, line in zip(made, lines) if world.rank() in line), made[0])


def init_device_mesh(
    device_type: str, mesh_shape: Sequence[int], *, mesh_dim_names: Sequence[str] | None = None, backend_override: Any = None
) -> DeviceMesh:
    """Return the mesh of all ranks, in their order along the last axis; all ranks call this.

    RuntimeError unless the shape has as many places as there are ranks, UnsupportedError for other devices than "cpu".
    """
    world = require_group(None)
    if math.prod(mesh_shape) != world.size():
        raise RuntimeError(f"init_device_mesh: expected a shape of {world.size()} processes, got {list(mesh_shape)}")
    return DeviceMesh(device_type, np.arange(world.size()).reshape(tuple(mesh_shape)), mesh_dim_names=mesh_dim_names)
