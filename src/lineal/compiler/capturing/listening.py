"""Hearing which functions of the user's and of Python's libraries a traced call runs, as a profiler does.

Only the calls that are traced are heard, none of a program's. Code is of three sorts: the user's, which is looked through;
quiet, that is lineal's, which tells recorders what it relies upon, and NumPy's and SciPy's; and the standard library's.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import sysconfig
from contextvars import ContextVar
from types import FrameType
from typing import Any, Protocol

import numpy as np

from lineal.base.ownership import is_ours
from lineal.codegen.cpython.sieve import CALLED, CALLED_C, Sieve
from lineal.codegen.once import once
from lineal.compiler.capturing.capture import running
from lineal.compiler.capturing.instructions import reading_of
from lineal.compiler.capturing.raw import function_of
from lineal.core import Effect

__all__ = ["LIBRARY", "QUIET", "USERS", "Hearing", "is_foreign", "sort_of"]

USERS, QUIET, LIBRARY = "users", "quiet", "library"
SITE = tuple({os.path.join(sysconfig.get_paths()[name], "") for name in ("purelib", "platlib")})
STANDARD = tuple({os.path.join(sysconfig.get_paths()[name], "") for name in ("stdlib", "platstdlib")})
OWN = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "")
QUIET_PACKAGES = frozenset(("lineal", "numpy", "scipy", "ml_dtypes", "llvmlite", "lazy_loader", "safetensors"))
PURE = frozenset(
    """
    _collections_abc _weakrefset abc ast base64 bisect cmath collections contextlib copy copyreg dataclasses enum
    fractions functools genericpath hashlib heapq itertools json keyword math ntpath numbers operator posixpath re
    reprlib statistics string struct textwrap types typing warnings
""".split()
)
"""Modules of the standard library whose functions give what their arguments decide."""
IMPURE = frozenset(
    """
    _ctypes _io _pydatetime _pyio _queue _random _socket _strptime _thread _uuid _weakref asyncio codecs datetime
    faulthandler fcntl fileinput gc getpass glob http io locale logging mmap multiprocessing nt os pathlib platform
    posix queue random resource secrets select selectors shutil signal socket sqlite3 ssl subprocess tempfile
    threading time tracemalloc urllib uuid weakref zlib
""".split()
)
"""Modules whose functions, called from others of the library too, give or do something else at each call."""
IMPURE_BUILTINS = frozenset(("print", "input", "open", "breakpoint"))
CLOCKS = frozenset(("now", "today", "utcnow"))
SEARCHING = frozenset(("_getframe", "_current_frames", "__subclasses__", "__import__"))
"""Functions that find things which no name leads to."""
TRANSPARENT = {"contextlib": ("contextmanager", "_GeneratorContextManager"), "functools": ("update_wrapper", "wraps")}
"""By module, how the names of functions begin that lineal calls all the time, and that call nothing of C's which is refused."""


@functools.cache
def sort_of(filename: str) -> str:
    """Return of which sort code in a file is."""
    if filename.startswith(OWN):
        return QUIET
    for folder in SITE:
        if filename.startswith(folder):
            return QUIET if filename[len(folder) :].split(os.sep)[0] in QUIET_PACKAGES else USERS
    if filename.startswith((*STANDARD, "<frozen ")):
        return LIBRARY
    return QUIET if filename.startswith(os.path.join(os.path.dirname(os.path.dirname(np.__file__)), "numpy", "")) else USERS


def is_foreign(module: Any) -> bool:
    """Return whether a module of this name is of the standard library or quiet."""
    root = module.split(".")[0] if isinstance(module, str) else ""
    standard = root in sys.stdlib_module_names and root not in ("__main__", "test", "this")
    return standard or root in QUIET_PACKAGES or is_ours(root)


class Listener(Protocol):
    """Who hears of the calls that the user's code makes."""

    def enter(self, frame: FrameType, function: Any) -> None:
        """Called when a function of the user's begins to run."""

    def refuse(self, why: str) -> None:
        """Hear of something that no program can do."""

    def context(self, variable: ContextVar) -> None:
        """Called when a context variable is read or set."""


class Hearing:
    """A context in which the calls of this thread are heard by a listener."""

    def __init__(self, listener: Listener):
        self.listener = listener

    def __enter__(self) -> None:
        self.before = sys.getprofile()
        if self.before is not None and not callable(self.before):
            self.before.disable()
        listen(self.listener)

    def __exit__(self, *exception: object) -> None:
        listen(None)
        if callable(self.before):
            sys.setprofile(self.before)
        elif self.before is not None:
            self.before.enable()


Profile = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.c_void_p)


def listen(listener: Listener | None) -> None:
    """Let Python's calls in this thread be heard; None: no longer."""
    # `sys.setprofile` would make a dict of the variables of every function that is called, and so hold on to tensors
    install = ctypes.pythonapi.PyEval_SetProfile
    install.restype = None
    install.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    if listener is None:
        install(None, None)
    else:
        install(sieve().address, id(listener))


def heard(listener: Listener, frame: FrameType, what: int, given: int | None) -> int:
    """Pass on what concerns the user's code; an error here only leaves the function eager."""
    try:
        if what == CALLED:
            sort = sort_of(frame.f_code.co_filename)
            if is_silent(frame, sort):
                sieve().leave_out(frame.f_code)
            elif sort is USERS and not is_apart(frame.f_back) and not is_made_code(frame):
                listener.enter(frame, function_of(frame))
            elif sort is LIBRARY:
                library(listener, frame)
        elif what == CALLED_C and given and concerns(frame):
            builtin(listener, frame, ctypes.cast(given, ctypes.py_object).value)
    except BaseException as error:
        listener.refuse(f"it could not be looked through: {type(error).__name__}: {error}")
    return 0


def is_silent(frame: FrameType, sort: str) -> bool:
    """Return whether no call of some code, nor any that it makes, can concern a listener."""
    code = frame.f_code
    if sort is QUIET:
        return code is not running.__code__
    name = str(frame.f_globals.get("__name__"))
    if sort is USERS:
        # methods that dataclasses get
        return code.co_filename == "<string>" and name.startswith("lineal.")
    return code.co_qualname.startswith(TRANSPARENT.get(name, ()))


def concerns(frame: FrameType) -> bool:
    """Return whether code runs in a frame that is not quiet, or what is traced begins there."""
    return frame.f_code is running.__code__ or sort_of(frame.f_code.co_filename) is not QUIET


HEARD = Profile(heard)


@once
def sieve() -> Sieve:
    """Return what keeps the calls of quiet code from being passed on to Python."""
    return Sieve(ctypes.cast(HEARD, ctypes.c_void_p).value or 0)


def caller(frame: FrameType | None) -> FrameType | None:
    """Return the frame of the user's from which library code was called; None if it was quiet code, an import or an effect."""
    if is_apart(frame):
        return None
    while frame is not None and sort_of(frame.f_code.co_filename) is LIBRARY:
        frame = frame.f_back
    if frame is None or (sort_of(frame.f_code.co_filename) is QUIET and frame.f_code is not running.__code__):
        return None
    return frame


def is_apart(frame: FrameType | None) -> bool:
    """Return whether a frame is at work for an import, which is done once, or for an effect, which each call does as it is."""
    while frame is not None and frame.f_code is not running.__code__:
        if frame.f_code is Effect.run.__code__ or frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def is_made_code(frame: FrameType) -> bool:
    """Return whether code without a file is that of a library's class: of a named tuple, of a dataclass of lineal's."""
    name = frame.f_globals.get("__name__") if frame.f_code.co_filename[:1] == "<" else None
    return is_foreign(name) or (isinstance(name, str) and name.startswith("namedtuple_"))


def library(listener: Listener, frame: FrameType) -> None:
    """Called when a function of the standard library runs."""
    back, root = frame.f_back, str(frame.f_globals.get("__name__")).split(".")[0]
    direct = back is not None and sort_of(back.f_code.co_filename) is not LIBRARY
    if root in IMPURE or (direct and root not in PURE):
        user = caller(frame)
        if user is not None:
            listener.refuse(f"it calls {root}.{frame.f_code.co_qualname}{drawing(root)} ({line(user)})")


def builtin(listener: Listener, frame: FrameType, function: Any) -> None:
    """Called when a function of C's is called."""
    owner, name = getattr(function, "__self__", None), function.__name__
    if isinstance(owner, ContextVar):
        if caller(frame) is not None:
            listener.context(owner)
        return
    if name == "globals" and reading_of(frame.f_code).table and caller(frame) is frame:
        listener.refuse(f"it looks in globals() for a name made up at run time ({line(frame)})")
    module = getattr(function, "__module__", None) if type(owner) in (type(None), type(sys)) else type(owner).__module__
    root = str(module or "").split(".")[0]
    told = root in IMPURE or (root == "builtins" and name in IMPURE_BUILTINS and type(owner) is type(sys))
    told = told or name in SEARCHING or (root == "_warnings" and sort_of(frame.f_code.co_filename) is USERS)
    told = told and name != "fspath" and not (root == "datetime" and name not in CLOCKS)
    told = told or (isinstance(owner, type) and owner.__module__ == "datetime" and name in CLOCKS)
    if told or (root == "numpy" and "random" in str(module)):
        user = caller(frame)
        if user is not None:
            listener.refuse(f"it calls {root}.{function.__qualname__}{drawing(str(module))} ({line(user)})")


def drawing(module: str) -> str:
    """Return what is wrong with a function of a module."""
    if "random" in module or module in ("secrets", "uuid"):
        return ", which draws numbers that no trace can repeat; use lineal's random functions"
    return ", which may give or do something else at each call"


def line(frame: FrameType) -> str:
    """Return the line of a frame in words."""
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
