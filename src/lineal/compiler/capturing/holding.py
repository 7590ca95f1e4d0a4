"""What may be read of a thing that is used in a way nobody knows: all that a container holds, an object's named attributes."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import functools
import gc
import operator
import pathlib
import random
import re
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from types import (
    BuiltinMethodType,
    CodeType,
    FunctionType,
    GenericAlias,
    MappingProxyType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    SimpleNamespace,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

import numpy as np

from lineal.base.ownership import is_ours
from lineal.codegen.cpython.facts import ABSENT
from lineal.compiler.capturing.listening import LIBRARY, USERS, is_foreign, sort_of
from lineal.compiler.capturing.raw import bases_of, dict_of, lookup, names_of
from lineal.compiler.capturing.reads import ArrayRead, CacheRead, CellRead, ContentsRead, snapshot
from lineal.core import AbstractTensor

if TYPE_CHECKING:
    from lineal.compiler.capturing.reading import Reading

__all__ = ["UNKNOWN", "hold", "is_plain_entry", "look_into", "tables_of"]

UNKNOWN = object()
"""What only code of the user's or of C's would tell."""
MOST_ENTRIES = 1 << 16
"""Up to how many entries a list, dict or set is looked into."""
GENERATORS = (random.Random, np.random.Generator, np.random.RandomState, np.random.BitGenerator)
ENTRIES = (list.__getitem__, tuple.__getitem__, dict.__getitem__)
CONSTANT = (
    *(bool, int, float, complex, str, bytes, range, slice, type(None), type(Ellipsis), type(NotImplemented), property),
    *(CodeType, GenericAlias, MethodDescriptorType, WrapperDescriptorType, MethodWrapperType, np.generic, np.dtype, np.ufunc),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, decimal.Decimal, fractions.Fraction),
    *(pathlib.PurePath, re.Pattern, operator.itemgetter, BaseException, type(np.sum), type(len.__call__)),
)
"""Types whose instances never change."""
NAMED = ("SimpleNamespace", "Namespace")


@functools.lru_cache(4096)
def is_module_class(kind: type) -> bool:
    """Return whether a class is one of modules of layers."""
    return any(each.__name__ == "Registry" and each.__module__.startswith("lineal.") for each in bases_of(kind))


def tables_of(thing: Any) -> tuple[dict, ...] | None:
    """Return the parameters, buffers and submodules of a module of layers; None of anything else."""
    if not is_module_class(type(thing)):
        return None
    own = dict_of(thing) or {}
    return tuple(own[name] for name in ("_parameters", "_buffers", "_modules") if name in own)


def is_plain_entry(kind: type) -> bool:
    """Return whether entries of instances of a class are found by a list's, tuple's or dict's own code."""
    found = lookup(kind, "__getitem__")
    return any(found is each for each in ENTRIES)


def hold(r: Reading, thing: Any, word: str, owner: Any) -> None:
    """Note what may be read of a thing that was found in `owner`, and of what it holds."""
    if owner is not None:
        r.notes.belongs(thing, owner)
    kind = type(thing)
    if issubclass(kind, AbstractTensor):
        r.reach(thing, owner)
        if id(thing) not in r.objects:
            r.objects[id(thing)] = (thing, word)
            look_into(r, [(thing, word)])
        return
    if id(thing) in r.held:
        return
    if kind is not object and not (issubclass(kind, CONSTANT) and names_of(kind).get("__dict__") is None):
        r.held[id(thing)] = thing
        hold_kind(r, thing, kind, word)


def hold_kind(r: Reading, thing: Any, kind: type, word: str) -> None:
    """Note what may be read of a thing of a class."""
    if issubclass(kind, (tuple, frozenset, list, dict, deque, set)):
        hold_container(r, thing, kind, word)
    elif issubclass(kind, np.ndarray):
        r.notes.note(ArrayRead(thing, None, f"what is in {word}"))
        if thing.dtype.hasobject:
            r.notes.doubt(thing, f"it reads {word}, an array of objects")
    elif issubclass(kind, GENERATORS):
        r.notes.doubt(thing, f"it uses {word}, which draws numbers that no trace can repeat; use lineal's random functions")
    elif issubclass(kind, ContextVar):
        r.context(thing)
    elif issubclass(kind, (functools.partial, MethodType, BuiltinMethodType, FunctionType, functools._lru_cache_wrapper)):
        hold_function(r, thing, kind, word)
    elif issubclass(kind, (operator.attrgetter, operator.methodcaller)):
        names = {part for each in thing.__reduce__()[1] if type(each) is str for part in each.split(".")}
        r.names |= names
        r.missed |= names
        look_into(r, list(r.objects.values()))
    elif issubclass(kind, Iterator) and not is_users(kind):
        r.notes.doubt(thing, f"it uses a {kind.__name__} from outside ({word}), which goes on at each call")
    elif issubclass(kind, MappingProxyType):
        hold(r, gc.get_referents(thing)[0], word, thing)
    else:
        hold_object(r, thing, kind, word)


def hold_container(r: Reading, thing: Any, kind: type, word: str) -> None:
    """Note all that a container holds."""
    if issubclass(kind, (tuple, frozenset)):
        entries = tuple(tuple.__iter__(thing) if issubclass(kind, tuple) else frozenset.__iter__(thing))
    else:
        r.notes.note(ContentsRead(thing, None, f"what is in {word}"))
        entries = snapshot(thing)
    if len(entries) > MOST_ENTRIES:
        r.notes.doubt(thing, f"it reads {word}, which holds too much to be compared")
        return
    for each in entries:
        hold(r, each, f"{word}[…]", thing)
    if is_users(kind):
        hold_object(r, thing, kind, word)


def hold_function(r: Reading, thing: Any, kind: type, word: str) -> None:
    """Note what a function keeps that is not looked through when it runs."""
    kept: list[Any] = []
    if issubclass(kind, functools.partial):
        kept = [thing.func, thing.args, thing.keywords]
    elif issubclass(kind, MethodType):
        kept = [thing.__func__] if is_users(type(thing.__self__)) else [thing.__func__, thing.__self__]
    elif issubclass(kind, BuiltinMethodType):
        owner = thing.__self__
        # the methods of what draws numbers are heard when they run
        kept = [] if issubclass(type(owner), (type, ModuleType, random.Random)) else [owner]
    elif issubclass(kind, functools._lru_cache_wrapper):
        r.notes.note(CacheRead(thing, None, f"the cache of {word}"))
        for each in gc.get_referents(thing):
            hold(r, each if type(each) is dict else tuple(gc.get_referents(each)), f"the cache of {word}", thing)
    elif sort_of(thing.__code__.co_filename) is LIBRARY:
        kept = [r.notes.note(CellRead(cell, None, word)) for cell in thing.__closure__ or ()]
    elif sort_of(thing.__code__.co_filename) is USERS:
        r.objects[id(thing)] = (thing, word)
        look_into(r, [r.objects[id(thing)]])
    for each in kept:
        hold(r, each, word, thing)


def hold_object(r: Reading, thing: Any, kind: type, word: str) -> None:
    """Note those attributes of an object whose names occur in the code; of a class, of a module too."""
    r.reach(thing, None)
    if issubclass(kind, type):
        if is_users(thing):
            r.objects[id(thing)] = (thing, word)
            look_into(r, [r.objects[id(thing)]])
        return
    if issubclass(kind, ModuleType):
        own = dict_of(thing) or {}
        if not is_foreign(own.get("__name__")):
            r.objects[id(thing)] = (thing, word)
            look_into(r, [r.objects[id(thing)]])
        return
    tables = tables_of(thing)
    for each in (each for table in tables or () for each in table.values()):
        hold(r, each, word, thing)
    if (is_users(kind) and has_python_state(kind)) or dict_of(thing) is not None:
        root = module_of(kind).split(".")[0]
        if is_users(kind) or tables is not None or not (is_ours(root) or root in ("numpy", "scipy", "ml_dtypes")):
            r.objects[id(thing)] = (thing, word)
            look_into(r, [r.objects[id(thing)]])
    elif not (is_ours(module_of(kind)) or module_of(kind).split(".")[0] == "ml_dtypes") and "cython" not in kind.__name__:
        r.notes.doubt(thing, f"it uses {word}, a {kind.__name__}, which cannot be compared")
    elif "random" in str(getattr(thing, "__module__", "")):
        r.notes.doubt(thing, f"it uses {word}, which draws numbers that no trace can repeat; use lineal's random functions")


def has_python_state(kind: type) -> bool:
    """Return whether instances of a class keep what they keep in a dict or in slots, and not as only C knows."""
    return any("__slots__" in names_of(each) or "__dict__" in names_of(each) for each in bases_of(kind))


def look_into(r: Reading, objects: list[tuple[Any, str]]) -> None:
    """Follow those attributes of objects whose names occur in the code."""
    for thing, word in objects:
        kind = type(thing)
        own = names_of(thing) if issubclass(kind, type) else dict_of(thing) or {}
        named = issubclass(kind, (type, ModuleType, AbstractTensor, FunctionType)) or tables_of(thing) is not None
        foreign = not (named or is_users(kind) or kind is SimpleNamespace or kind.__name__ in NAMED)
        whole = (r.whole and not issubclass(kind, (type, ModuleType))) or foreign or issubclass(kind, enum.Enum)
        wanted = {name for name in (*own, *others(thing, kind)) if type(name) is str and (whole or name in r.names)}
        if not issubclass(kind, (type, ModuleType)) and not foreign:
            wanted |= {name for name in r.missed if type(name) is str and name.isidentifier() and lookup(kind, name) is ABSENT}
        for name in wanted:
            if (id(thing), name) not in r.looked and not name.startswith("__"):
                r.looked.add((id(thing), name))
                found = r.attribute(thing, name, f"{word}.{name}", asked=False)
                if found is not UNKNOWN and found is not ABSENT:
                    hold(r, found, f"{word}.{name}", thing)


def others(thing: Any, kind: type) -> list[str]:
    """Return the names of the slots of an object and of what its class gives it other than functions."""
    found = []
    for each in bases_of(thing if issubclass(kind, type) else kind):
        if is_users(each):
            found += [
                name
                for name, value in names_of(each).items()
                if isinstance(value, MemberDescriptorType) or not (name.startswith("__") or isinstance(value, FunctionType))
            ]
    return found


def module_of(kind: type) -> str:
    """Return the name of the module that a class is from."""
    found = type.__dict__["__module__"].__get__(kind)
    return found if type(found) is str else ""


def is_users(kind: type) -> bool:
    """Return whether a class is the user's."""
    return not is_foreign(module_of(kind))
