"""What the backward pass reads, kept elsewhere: on the host, or safe from writes."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.core import AbstractTensor, lift, modes
from lineal.core.modes import Setting
from lineal.core.saving import saved_tensors_hooks

__all__ = ["AllowMutationOnSaved", "allow_mutation_on_saved_tensors", "save_on_cpu"]


class save_on_cpu(saved_tensors_hooks):  # noqa: N801
    """Within the block, what ops keep for the backward pass lies in the host's memory, from where it is fetched then."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        super().__init__(lambda x: (x.device, x.cpu()), lambda packed: packed[1].to(packed[0]))


class AllowMutationOnSaved:
    """What is kept while writes to it are allowed: a tensor over the same memory, until that is written."""

    def __init__(self) -> None:
        self.kept: list[list[np.ndarray]] = []

    def clear(self) -> None:
        """Forget what is kept."""
        self.kept.clear()

    def pack(self, x: Any) -> list[np.ndarray]:
        """Return what holds the numbers of a tensor."""
        self.kept.append([x.value])
        return self.kept[-1]

    def spare(self, target: AbstractTensor, name: str) -> None:
        """Give what is kept and lies where an op is about to write memory of its own."""
        for each in self.kept:
            if np.may_share_memory(each[0], target.value):
                each[0] = each[0].copy()


class allow_mutation_on_saved_tensors(saved_tensors_hooks):  # noqa: N801
    """Within the block, tensors that the backward pass reads may be written to: it reads what they were before."""

    def __init__(self) -> None:
        self.context = AllowMutationOnSaved()
        super().__init__(self.context.pack, lambda packed: lift(packed[0]))

    def __enter__(self) -> AllowMutationOnSaved:
        super().__enter__()
        self.guarding = Setting((modes.guard, self.context.spare))
        self.guarding.__enter__()
        return self.context

    def __exit__(self, *exception: object) -> None:
        self.guarding.__exit__(*exception)
        self.context.clear()
        super().__exit__(*exception)
