"""Modules whose parameters are spread over processes, and are whole only while the module is called.

Rajbhandari, Rasley, Ruwase and He (2020), arXiv:1910.02054, stages 2 and 3.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes, tree
from lineal.core import is_grad_enabled, lift, modes
from lineal.core.saving import packing, saved_tensors_hooks
from lineal.distributed import ProcessGroup
from lineal.nn.module import Module
from lineal.nn.sharded.sharding import ShardedParameter, Sharding, whole_of
from lineal.tensors import Tensor

__all__ = ["MixedPrecisionPolicy", "Unit", "sharded_slots"]


class MixedPrecisionPolicy(NamedTuple):
    """In which dtypes a unit computes: parameters and inputs, what is reduced of gradients, outputs. None: as they are."""

    param_dtype: dtypes.dtype | None = None
    reduce_dtype: dtypes.dtype | None = None
    output_dtype: dtypes.dtype | None = None
    cast_forward_inputs: bool = True


CUT = "_cut"
"""The attribute by which a whole parameter knows what was made of it."""


class Slot(NamedTuple):
    """A parameter, and where it stands, in one module or several."""

    parameter: ShardedParameter
    places: list[tuple[Module, str]]


class Kept(NamedTuple):
    """What the backward pass will read of a parameter: which one, how it lies on it, and how often it had been written."""

    place: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype
    version: int


class Other(NamedTuple):
    """What the backward pass will read of something else, packed by the hooks that held before."""

    packed: Any
    unpack: Callable[[Any], Tensor]


class Unit:
    """The parameters of a module that no unit below it has, which travel together.

    With `frees`, the whole parameters are given up after the forward pass, and gathered again in the backward pass.
    """

    def __init__(self, module: Module, slots: list[Slot], policy: MixedPrecisionPolicy, frees: bool):
        self.slots, self.policy, self.frees = slots, policy, frees
        self.again: list[Tensor] | None = None
        """The whole parameters, while a backward pass reads them."""
        self.versions: list[int] = []
        """How often the parts had been written when they were gathered for it."""
        self.is_open = False
        self.forward = module.forward
        module.forward = functools.partial(Unit.called, self)  # type: ignore[method-assign]

    def called(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module with its whole parameters."""
        if self.is_open:
            return self.forward(*args, **kwargs)
        policy = self.policy
        if policy.param_dtype is not None and policy.cast_forward_inputs:
            args, kwargs = cast(args, policy.param_dtype), cast(kwargs, policy.param_dtype)
        with self.whole() as wholes:
            # a program plans itself what it keeps
            frees = self.frees and is_grad_enabled() and modes.recorder.get() is None
            with self.packing(wholes) if frees else contextlib.nullcontext():
                outputs = self.forward(*args, **kwargs)
        return outputs if policy.output_dtype is None else cast(outputs, policy.output_dtype)

    def gathered(self) -> list[Tensor]:
        """Return the whole parameters, with a history that leads to the parts; all ranks call this."""
        found: dict[int, Tensor] = {}
        kinds: dict[tuple[Any, bool], list[int]] = {}
        for place, slot in enumerate(self.slots):
            kinds.setdefault((slot.parameter.dtype, slot.parameter.requires_grad), []).append(place)
        for (dtype, _), places in kinds.items():
            to = self.policy.param_dtype if dtype.is_floating_point else None
            parts = [self.slots[place].parameter for place in places]
            shardings = [part.sharding for part in parts]
            found.update(zip(places, whole_of(parts, shardings, to, self.policy.reduce_dtype, self.release)))
        return [found[place] for place in range(len(self.slots))]

    def put(self, tensors: Sequence[Tensor]) -> None:
        """Let the module have these in the places of its parameters."""
        for slot, each in zip(self.slots, tensors):
            for module, name in slot.places:
                module._parameters[name] = each  # type: ignore[assignment]

    @contextlib.contextmanager
    def whole(self) -> Iterator[list[Tensor]]:
        """Let the module have its whole parameters within the block."""
        wholes = self.gathered()
        self.put(wholes)
        self.is_open = True
        try:
            yield wholes
        finally:
            self.is_open = False
            self.put([slot.parameter for slot in self.slots])

    # the backward pass

    def written(self) -> list[int]:
        """Return how often the parts were written."""
        return [slot.parameter._version for slot in self.slots]

    def packing(self, wholes: list[Tensor]) -> saved_tensors_hooks:
        """Return the hooks by which only places are kept of whole parameters."""
        versions, before = self.written(), packing.get()

        def pack(x: Tensor) -> Any:
            array = x.value
            for place, each in enumerate(wholes):
                offset = array.ctypes.data - each.value.ctypes.data
                if array.size and 0 <= offset < each.value.nbytes:
                    return Kept(place, offset, array.shape, array.strides, array.dtype, versions[place])
            return x if before is None else Other(before[0](x), before[1])

        return saved_tensors_hooks(pack, self.unpacked)

    def unpacked(self, kept: Any) -> Tensor:
        """Return what was packed; the first that is a parameter's has the parameters gathered again."""
        if isinstance(kept, Other):
            return kept.unpack(kept.packed)
        if not isinstance(kept, Kept):
            return kept
        now = self.written()
        if now[kept.place] != kept.version:
            raise RuntimeError(
                "fully_shard: one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"parameter {self.slots[kept.place].places[0][1]} was written {now[kept.place] - kept.version} times since the "
                "forward pass"
            )
        if self.again is None or self.versions != now:
            self.again, self.versions = self.gathered(), now
        whole = self.again[kept.place].value
        return lift(np.ndarray(kept.shape, kept.dtype, whole.reshape(-1).view(np.uint8), kept.offset, kept.strides))

    def release(self, g: Tensor) -> None:
        """Give the whole parameters up: the backward pass has come to the end of the unit."""
        self.again = None


def cast(nest: Any, dtype: dtypes.dtype) -> Any:
    """Return a nest whose floating tensors have another dtype."""
    return tree.transform(lambda x: x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x, nest)


def sharded_slots(module: Module, group: ProcessGroup, ignored: Collection[Any]) -> list[Slot]:
    """Cut the parameters of a module that are whole; return their parts. ValueError for one without dimensions."""
    found: dict[int, Slot] = {}
    for prefix, owner in module.named_modules():
        for name, each in owner._parameters.items():
            if each is None or isinstance(each, ShardedParameter) or id(each) in ignored:
                continue
            if not each.ndim:
                raise ValueError(
                    f"fully_shard: parameter {f'{prefix}.{name}'.lstrip('.')} has no dimension along which it can be cut: "
                    "give it the shape [1]"
                )
            if id(each) not in found:
                # modules of several units may have the same parameter: they all get the same part
                if getattr(each, CUT, None) is None:
                    setattr(each, CUT, ShardedParameter.of(each, Sharding(group, tuple(each.shape))))
                found[id(each)] = Slot(getattr(each, CUT), [])
            found[id(each)].places.append((owner, name))
    slots = list(found.values())
    for slot in slots:
        for owner, name in slot.places:
            owner._parameters[name] = slot.parameter
    return slots
