"""Where in the user's code something happened: found in nanoseconds, put into words only when asked."""

from __future__ import annotations

import linecache
import os
import sys
from typing import Any

Site = tuple[Any, int]
"""Where a line of the user's runs: its code object and the offset in it, decoded only when it is printed."""

_PACKAGE = os.path.dirname(os.path.dirname(__file__))
_inside: dict[str, bool] = {}
outside: set[str] = set()
"""The files of users' code, as far as seen."""
frame_at = sys._getframe


def site(depth: int = 3) -> Site:
    """Return the place in the user's code (the innermost frame outside lineal) that led here, past the door and its caller."""
    frame = frame_at(depth)
    while True:
        code = frame.f_code
        inside = _inside.get(code.co_filename)
        if inside is None:
            inside = _inside[code.co_filename] = code.co_filename.startswith(_PACKAGE)
            if not inside:
                outside.add(code.co_filename)
        if not inside or frame.f_back is None:
            return code, frame.f_lasti
        frame = frame.f_back


def describe(place: Site) -> str:
    """Return `file:line: the source line` of a site."""
    code, offset = place
    line = next((n for start, end, n in code.co_lines() if start <= offset < end and n), code.co_firstlineno)
    text = linecache.getline(code.co_filename, line).strip()
    return f"{code.co_filename}:{line}" + (f": {text}" if text else "")
