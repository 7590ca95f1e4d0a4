"""An optimizer whose state is spread over processes: each keeps that of some parameters, which it updates for all.

Rajbhandari, Rasley, Ruwase and He (2020), arXiv:1910.02054, stage 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineal.distributed import gather_object, get_rank, get_world_size
from lineal.distributed.coalescing import broadcast_all
from lineal.optim.optimizer import Optimizer, Params

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer):
    """Make the steps of `optimizer_class`, with the options `defaults`, each process those of its share of the parameters.

    Gradients must be the same on all ranks of the group, as DistributedDataParallel leaves them. Parameters go, largest first,
    to the rank that has least. ValueError if no group of processes was formed.
    """

    def __init__(
        self,
        params: Params,
        optimizer_class: type[Optimizer],
        process_group: Any = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        **defaults: Any,
    ):
        self.process_group, self.optimizer_class, self.options = process_group, optimizer_class, defaults
        self.rank, self.world_size = get_rank(process_group), get_world_size(process_group)
        self.owners: dict[int, int] = {}
        self.optim: Optimizer | None = None
        self.whole: dict[str, Any] | None = None
        super().__init__(params, dict(defaults))
        self.distribute()

    def distribute(self) -> None:
        """Decide which rank has which parameters, and make the optimizer of this one's."""
        every = [each for group in self.param_groups for each in group["params"]]
        load = [0] * self.world_size
        for each in sorted(every, key=lambda x: -x.numel()):
            owner = load.index(min(load))
            self.owners[id(each)] = owner
            load[owner] += each.numel()
        mine = [{**group, "params": self.owned(group, self.rank)} for group in self.param_groups]
        self.optim = self.optimizer_class(mine, **self.options)
        # the class has defaults of its own, which users read and schedulers change here
        for group, own in zip(self.param_groups, self.optim.param_groups):
            for name, value in own.items():
                group.setdefault(name, value)
        self.defaults = self.optim.defaults

    def owned(self, group: dict[str, Any], rank: int) -> list[Any]:
        """Return the parameters of a group that a rank has."""
        return [each for each in group["params"] if self.owners[id(each)] == rank]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        if self.optim is not None:
            state = self.optim.state
            self.distribute()
            kept = {id(each) for group in self.optim.param_groups for each in group["params"]}
            self.optim.state.update({each: values for each, values in state.items() if id(each) in kept})

    def step(self, closure: Callable[[], Any] | None = None, **options: Any) -> Any:
        """Update every parameter that has a grad by one step; `closure`, if given, computes the loss and its grads first."""
        assert self.optim is not None
        for group, own in zip(self.param_groups, self.optim.param_groups):
            own.update({name: value for name, value in group.items() if name != "params"})
        loss = self.optim.step(closure, **options) if closure is not None else self.optim.step(**options)
        for rank in range(self.world_size):
            theirs = [each for group in self.param_groups for each in self.owned(group, rank)]
            if theirs:
                broadcast_all(theirs, self.process_group, rank)
        return loss

    def consolidate_state_dict(self, to: int = 0) -> None:
        """Let a rank of the group have the state of all, for `state_dict`; all ranks call this."""
        assert self.optim is not None
        numbers = self.numbers()
        mine = {numbers[id(each)]: values for each, values in self.optim.state.items()}
        every: list[Any] | None = [None] * self.world_size if self.rank == to else None
        gather_object(mine, every, group=self.process_group, group_dst=to)
        self.whole = None
        if every is not None:
            self.whole = {number: values for each in every for number, values in each.items()}

    def numbers(self) -> dict[int, int]:
        """Return the numbers of parameters in a `state_dict`."""
        every = [each for group in self.param_groups for each in group["params"]]
        return {id(each): number for number, each in enumerate(every)}

    def state_dict(self) -> dict[str, Any]:
        """Return options, and the state of all ranks; RuntimeError unless `consolidate_state_dict` brought it to this one."""
        if self.whole is None:
            raise RuntimeError(
                "ZeroRedundancyOptimizer.state_dict: the state has not been consolidated on this rank; call "
                f"consolidate_state_dict(to={self.rank}) on all ranks first"
            )
        return {**super().state_dict(), "state": self.whole}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take options, and of the state what belongs to this rank's parameters."""
        assert self.optim is not None
        super().load_state_dict(state_dict)
        mine = {id(each) for group in self.optim.param_groups for each in group["params"]}
        self.optim.state.clear()
        self.optim.state.update({each: values for each, values in self.state.items() if id(each) in mine})
        self.state.clear()
