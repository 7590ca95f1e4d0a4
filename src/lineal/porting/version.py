"""Which PyTorch a program finds: the one whose names and behaviour lineal follows."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["TorchVersion", "__version__", "cuda", "debug", "git_version", "hip", "xpu"]

VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(?:\.?(a|b|rc|dev)\d*)?(?:\+(.*))?")


class TorchVersion(str):
    """A version that is compared number by number, with strings and with tuples of numbers."""

    def __lt__(self, other: Any) -> bool:
        return order(self) < order(other)

    def __le__(self, other: Any) -> bool:
        return order(self) <= order(other)

    def __gt__(self, other: Any) -> bool:
        return order(self) > order(other)

    def __ge__(self, other: Any) -> bool:
        return order(self) >= order(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (str, tuple, list)) and order(self) == order(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def order(version: Any) -> tuple:
    """Return what versions are compared by: the numbers, then whether it is a release, then what is local."""
    text = version if isinstance(version, str) else ".".join(map(str, version))
    match = VERSION.match(text)
    if match is None:
        raise ValueError(f"expected a version such as 2.1.0, got {text!r}")
    numbers = [int(each) for each in match[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers, match[2] is None, match[3] or ""


__version__ = TorchVersion("2.13.0+lineal")
cuda = hip = xpu = git_version = None
debug = False
