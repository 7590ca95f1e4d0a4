"""What a native call returns when its arguments do not fit: a slower call decides then."""

from __future__ import annotations

from typing import Any

__all__ = ["REFUSED", "Refused", "refuse"]


class Refused:
    """What is returned for arguments that do not fit."""

    def __repr__(self) -> str:
        return "REFUSED"


REFUSED = Refused()


def refuse(*_: Any) -> Refused:
    """Refuse any arguments."""
    return REFUSED
