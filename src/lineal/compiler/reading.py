"""What a function reads of Python's state: globals, variables of enclosing functions, attributes, entries.

A trace holds the numbers and tensors that such names stood for when it was made. So the code of the function, and of the
user's functions and modules that it reaches, is looked through for chains like `config["width"]` or `self.block.scale`; each is
followed again at each call. Where a chain ends at a list, a dict or an object, nobody knows what becomes of it: what it
holds is compared too, of an object the attributes whose names occur anywhere in the code.
"""

from __future__ import annotations

import dis
import functools
import io
import os
import random
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator
from types import BuiltinMethodType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.compiler.guards import Contents, Equal, Guard, Path, Paths, attributes, follow, hooks_of, same
from lineal.core import AbstractTensor

__all__ = ["Reading"]

LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
FOREIGN = tuple({os.path.join(each, "") for each in (*LIBRARIES, os.path.dirname(os.path.dirname(__file__)))})
GENERATORS = (random.Random, np.random.Generator, np.random.RandomState)
MOST_ENTRIES = 1024
"""Up to how many entries a list or dict is looked into."""
MOST_FUNCTIONS = 256
Immutable = (bool, int, float, complex, str, bytes, type(None), type, ModuleType, FunctionType, MethodType, BuiltinMethodType)
"""How many functions are looked through at most."""
STARTS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK")
PASSED = ("PUSH_NULL", "CACHE", "EXTENDED_ARG", "NOP", "PRECALL")

Chain = tuple[str, str, tuple[tuple[str, Any], ...]]
"""The kind of variable, its name, and the steps from there."""


def chains(code: CodeType) -> Iterator[Chain]:
    """Yield the chains of attributes and constant entries that code follows from a variable."""
    kind, name, steps, constant = "", "", [], None
    for each in dis.get_instructions(code):
        word = each.opname
        if word in PASSED:
            continue
        if word == "LOAD_CONST" and kind:
            constant = (each.argval,)
            continue
        if word in ("LOAD_ATTR", "LOAD_METHOD") and kind and constant is None:
            steps.append(("attribute", each.argval))
            continue
        if constant is not None and (word == "BINARY_SUBSCR" or (word == "BINARY_OP" and each.argrepr == "[]")):
            steps.append(("entry", constant[0]))
            constant = None
            continue
        if kind:
            yield kind, name, tuple(steps)
        kind, steps, constant = "", [], None
        if word in STARTS:
            kind, name = word.split("_")[1], each.argval
        elif word.startswith("LOAD_FAST") and isinstance(each.argval, tuple):
            kind, name = "FAST", each.argval[-1]
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from (each for each in chains(inner) if each[0] != "FAST")


def is_users(code: CodeType) -> bool:
    """Return whether code is the user's: not lineal's, which tells recorders what it relies upon, nor a library's."""
    return not code.co_filename.startswith(FOREIGN)


class Reading:
    """Where the functions that a call reaches look, and what they found before it."""

    def __init__(self, function: Callable[..., Any], args: tuple, kwargs: dict):
        self.paths: dict[Path, Any] = {}
        self.contents: dict[int, Contents | Equal] = {}
        self.tensors: dict[int, Any] = {}
        """The tensors on the way."""
        self.names: set[Any] = set()
        """The names of attributes in the code, and its strings, by which attributes may be asked for."""
        self.objects: dict[int, Any] = {}
        """The objects at the ends of chains."""
        self.modules: dict[int, tuple[Any, dict[str, Any]]] = {}
        """Modules, with those of their attributes that their methods name."""
        self.seen: dict[tuple[int, int], Any] = {}
        self.draws: str | None = None
        """What gives others at each call and no recorder hears: an iterator, a method of a generator of random numbers."""
        self.look(function, args, kwargs)
        for each in tree.leaves((args, kwargs)):
            if not isinstance(each, AbstractTensor):
                self.look(each)
        self.look_into_objects()

    # finding

    def look(self, thing: Any, args: tuple = (), kwargs: dict | None = None) -> None:
        """Look through what may be called, and through the methods of objects that are."""
        owner = getattr(thing, "__self__", None)
        key = (id(thing), 0) if owner is None else (id(getattr(thing, "__func__", None)), id(owner))
        if key in self.seen:
            return
        self.seen[key] = thing
        if isinstance(owner, GENERATORS):
            self.draws = f"{thing.__qualname__}, which draws numbers that no trace can repeat; use lineal's random functions"
        if isinstance(thing, functools.partial):
            self.look(thing.func, thing.args + args, {**thing.keywords, **(kwargs or {})})
        elif isinstance(thing, MethodType):
            self.scan(thing.__func__, (thing.__self__, *args), kwargs or {})
            self.look(thing.__self__)
        elif isinstance(thing, FunctionType):
            self.scan(thing, args, kwargs or {})
        elif hasattr(thing, "_parameters") and hasattr(thing, "_modules"):
            for module in thing.modules():
                self.module(module)
            for each in (*thing.parameters(), *thing.buffers()):
                self.tensor(each)
        elif isinstance(getattr(thing, "__wrapped__", None), FunctionType):
            self.look(thing.__wrapped__, args, kwargs)
        elif callable(thing) and isinstance(called := type(thing).__call__, FunctionType):
            self.scan(called, (thing, *args), kwargs or {})

    def module(self, module: Any) -> None:
        """Look through a module: the attributes that its methods name, and, if its class is the user's, what they read."""
        if id(module) in self.modules:
            return
        self.modules[id(module)] = (module, attributes(module))
        for name, hooks in vars(module).items():
            if name.endswith("_hooks"):
                for hook in hooks.values():
                    self.look(hook)
        for kind in type(module).__mro__:
            for method in vars(kind).values():
                if isinstance(method, FunctionType) and is_users(method.__code__) and method.__name__ != "__init__":
                    self.scan(method, (module,), {})

    def scan(self, function: FunctionType, args: tuple, kwargs: dict) -> None:
        """Follow every chain in a function's code; `args` and `kwargs` are what is known of its arguments."""
        code = function.__code__
        if not is_users(code) or len(self.seen) > MOST_FUNCTIONS:
            return
        self.names |= names_in(code)
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        stored = {each.argval for each in dis.get_instructions(code) if each.opname.startswith(("STORE_FAST", "DELETE_FAST"))}
        defaults = dict(zip(names[code.co_argcount - len(function.__defaults__ or ()) :], function.__defaults__ or ()))
        known = {**defaults, **(function.__kwdefaults__ or {}), **dict(zip(names, args)), **kwargs}
        for each in known.values():
            if not isinstance(each, AbstractTensor):
                self.look(each)
        cells = dict(zip(code.co_freevars, function.__closure__ or ()))
        for kind, name, steps in chains(code):
            if kind == "FAST" or (kind == "DEREF" and name not in cells):
                if name in known and name not in stored and not isinstance(known[name], AbstractTensor):
                    self.follow(known[name], steps, 0)
            elif kind == "DEREF" or kind == "CLASSDEREF":
                self.follow(cells[name], (("cell", name), *steps), 1)
            elif name in function.__globals__:
                self.follow(function.__globals__, (("global", name), *steps), 1)

    def follow(self, start: Any, steps: tuple, least: int) -> None:
        """Follow a chain, look through what lies on its way, and remember its last value that can be compared."""
        values = [start]
        for n, step in enumerate(steps):
            if isinstance(values[-1], AbstractTensor) and (step[0] != "attribute" or step[1] not in vars(values[-1])):
                # a recorder hears of it: views, grads; only what users have set is for others to look at
                break
            try:
                here = follow(values[-1], (step,))
            except Exception:
                break
            if step[0] == "attribute" and hasattr(values[-1], "_modules"):
                # what modules hold is compared when one of them has changed
                self.look(here)
                self.follow(here, steps[n + 1 :], 0)
                break
            values.append(here)
            if isinstance(here, AbstractTensor):
                self.tensor(here)
            else:
                self.look(here)
        last = len(values) - 1
        while last > least and not comparable(values[last]):
            last -= 1
        if last and comparable(values[last], last == 1 == least):
            self.paths.setdefault(Path(start, steps[:last]), values[last])
        if last >= least:
            self.hold(values[last])

    def tensor(self, x: AbstractTensor) -> None:
        """Note a tensor, and look through its hooks."""
        if id(x) not in self.tensors:
            self.tensors[id(x)] = x
            for hook in hooks_of(x):
                self.look(hook)

    def hold(self, thing: Any) -> None:
        """Remember what is in a container at the end of a chain, and in what it contains."""
        if id(thing) in self.contents or isinstance(thing, Immutable):
            return
        if isinstance(thing, AbstractTensor):
            self.tensor(thing)
        elif isinstance(thing, tuple):
            for each in thing:
                self.hold(each)
        elif isinstance(thing, (list, dict, deque)):
            if len(thing) <= MOST_ENTRIES:
                contents = self.contents[id(thing)] = Contents(thing)
                for _, each in contents.entries():
                    self.hold(each)
        elif isinstance(thing, set) or (isinstance(thing, np.ndarray) and not thing.dtype.hasobject):
            self.contents[id(thing)] = Equal(thing)
        elif isinstance(thing, Iterator) and not isinstance(thing, io.IOBase):
            self.draws = self.draws or f"a {type(thing).__name__} from outside, which goes on at each call"
        elif hasattr(thing, "__dict__") and not type(thing).__module__.startswith(("lineal.", "numpy.")):
            self.objects.setdefault(id(thing), thing)

    def look_into_objects(self) -> None:
        """Follow those attributes of objects whose names occur in the code, until nothing new is found."""
        done: set[tuple[int, Any]] = set()
        while found := [
            (thing, name)
            for thing in self.objects.values()
            if not hasattr(thing, "_modules")
            for name in vars(thing)
            if name in self.names and (id(thing), name) not in done
        ]:
            for thing, name in found[:MOST_ENTRIES]:
                done.add((id(thing), name))
                self.follow(thing, (("attribute", name),), 0)

    # using

    def changed(self) -> str | None:
        """Return the name of something that is another thing than before the call, because the call changed it."""
        for path, value in self.paths.items():
            if not path.leads_to(value):
                return str(path)
            contents = self.contents.get(id(value))
            if contents is not None and not contents():
                return f"what is in {path}"
        if not all(contents() for contents in self.contents.values()):
            return "what is in a list, dict, set or array from outside"
        for module, known in self.modules.values():
            now = attributes(module)
            for name, value in known.items():
                if name not in now or not same(now[name], value):
                    return f"{type(module).__name__}.{name}"
        return None

    def guards(self) -> list[Guard]:
        """Return the guards that all chains still lead to what they led to, and that lists and dicts hold what they held."""
        return [Paths(list(self.paths.items())), *self.contents.values()]


@functools.cache
def names_in(code: CodeType) -> frozenset[Any]:
    """Return the names of attributes and the strings in code, and in the code within it."""
    strings = {each for each in code.co_consts if isinstance(each, str)}
    strings |= {part for each in code.co_consts if isinstance(each, tuple) for part in each if isinstance(part, str)}
    within = (names_in(each) for each in code.co_consts if isinstance(each, CodeType))
    return frozenset(strings.union(code.co_names, *within))


def comparable(value: Any, is_variable: bool = False) -> bool:
    """Return whether a value tells, by being the same, that nothing has changed; functions only as a variable's value."""
    if isinstance(value, (ModuleType, type, BuiltinMethodType, MethodType, CellType)):
        return False
    return is_variable or not isinstance(value, FunctionType) or is_users(value.__code__)
