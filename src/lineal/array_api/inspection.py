"""What a program may ask of the array API namespace: capabilities, devices, dtypes."""

from __future__ import annotations

from lineal.array_api.datatypes import KINDS
from lineal.base import dtypes
from lineal.base.config import get_default_dtype
from lineal.base.devices import device
from lineal.base.signatures import Device

__all__ = ["Info"]


class Info:
    """Answers to questions about the namespace."""

    def capabilities(self) -> dict[str, bool | int | None]:
        """Return what is supported: indexing by masks, shapes that depend on numbers, and how many dimensions."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> device:
        """Return where tensors are made if nothing is said."""
        return device("cpu")

    def default_dtypes(self, *, device: Device | None = None) -> dict[str, dtypes.dtype]:
        """Return the dtypes of what is made of numbers if nothing is said."""
        real = get_default_dtype()
        return {
            "real floating": real,
            "complex floating": real.to_complex(),
            "integral": dtypes.int64,
            "indexing": dtypes.int64,
        }

    def dtypes(self, *, device: Device | None = None, kind: str | tuple[str, ...] | None = None) -> dict[str, dtypes.dtype]:
        """Return the standard's dtypes by name, those of one kind or several if told."""
        kinds = ("bool", "numeric") if kind is None else (kind,) if isinstance(kind, str) else kind
        unknown = [each for each in kinds if each not in KINDS]
        if unknown:
            raise ValueError(f"dtypes: expected kinds out of {', '.join(KINDS)}, got {unknown[0]!r}")
        return {each.name: each for name in kinds for each in KINDS[name]}

    def devices(self) -> tuple[device, ...]:
        """Return the devices that tensors may lie on."""
        return (device("cpu"),)
