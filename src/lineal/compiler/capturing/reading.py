"""What a function reads of Python's state: globals, variables of enclosing functions, attributes, entries.

A trace holds the numbers and tensors that such names stood for when it was made. While the function is traced, every function
of the user's that begins to run is looked through (`instructions.py`), and what its chains lead to is noted, as it is then.
Where a chain ends at a list, a dict or an object, nobody knows what becomes of it: what it holds is noted too (`holding.py`).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import CodeType, FrameType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.codegen.cpython.facts import ABSENT
from lineal.compiler.capturing.guards import attributes
from lineal.compiler.capturing.holding import UNKNOWN, hold, is_plain_entry, look_into, tables_of
from lineal.compiler.capturing.instructions import Chain, CodeReading, reading_of
from lineal.compiler.capturing.listening import USERS, is_foreign, sort_of
from lineal.compiler.capturing.notes import Notes
from lineal.compiler.capturing.raw import bases_of, dict_of, is_heap_type, is_nest, lookup, names_of, same
from lineal.compiler.capturing.reads import (
    AttributeRead,
    CellRead,
    ClassRead,
    ContextRead,
    DictRead,
    EntryRead,
    FunctionRead,
    KindRead,
    PlaceRead,
    SlotRead,
    State,
)
from lineal.core import AbstractTensor

__all__ = ["Reading"]

GENERIC = object.__getattribute__
STATE_OF_FUNCTIONS = ("__code__", "__defaults__", "__kwdefaults__")


class Reading:
    """Where the user's functions that a call runs look, and what they found when they began."""

    def __init__(self, function: Callable[..., Any], args: tuple, kwargs: dict, saw: Callable[[Any], None]):
        self.notes = Notes()
        self.names: set[Any] = set()
        """The names of attributes in the code, and its strings, by which attributes may be asked for."""
        self.missed: set[Any] = set()
        """Those whose absence may be noticed."""
        self.whole = False
        """Whether objects may be asked for names that are made up at run time."""
        self.held: dict[int, Any] = {}
        """What was used in any way."""
        self.objects: dict[int, tuple[Any, str]] = {}
        """Those of them that have attributes, and how they are called."""
        self.modules: dict[int, tuple[Any, dict[str, Any]]] = {}
        """Modules, with those of their attributes that their methods name."""
        self.looked: set[tuple[int, Any]] = set()
        self.seen: dict[tuple, Any] = {}
        self.saw = saw
        roots = [function, *tree.leaves((args, kwargs))]
        self.notes.roots.update((id(each), each) for each in roots)
        self.give((args, kwargs))
        if issubclass(type(function), functools.partial):
            hold(self, function, "the partial function", None)
        for each in roots:
            self.reach(each, None)

    def give(self, nest: Any) -> None:
        """Note the lists, tuples, dicts and arrays of the arguments, whose numbers decide which program runs."""
        if isinstance(nest, np.ndarray):
            self.notes.given[id(nest)] = nest
        elif is_nest(nest):
            self.notes.given[id(nest)] = self.notes.roots[id(nest)] = nest
            for each in nest.values() if isinstance(nest, dict) else nest:
                self.give(each)

    # what a listener hears

    def enter(self, frame: FrameType, function: FunctionType | None) -> None:
        """Look through a function that begins to run."""
        code = frame.f_code
        values = arguments(frame)
        known = [None if issubclass(type(each), AbstractTensor) else each for each in values.values()]
        key = (id(code), id(function), *map(id, known))
        if key in self.seen:
            return
        self.seen[key] = (function, known)
        found = reading_of(code)
        self.know(code, found)
        if function is None and code.co_freevars:
            self.notes.refuse(f"the variables of {code.co_name} cannot be found")
        elif function is not None:
            for name in STATE_OF_FUNCTIONS:
                value = self.notes.note(FunctionRead(function, name, f"{code.co_name}.{name}"))
                if type(value) is dict:
                    hold(self, value, f"{code.co_name}.{name}", function)
        self.method(code, next(iter(values.values()), None), found.supers)
        cells = dict(zip(code.co_freevars, (function and function.__closure__) or ()))
        for each in found.chains:
            self.chain(each, frame, values, cells)

    def know(self, code: CodeType, found: CodeReading) -> None:
        """Take over the names of code; what is held may have attributes of these names."""
        if found.unknown is not None:
            where = f"{code.co_filename}:{code.co_firstlineno}"
            self.notes.refuse(f"{code.co_name} has the instruction {found.unknown}, which is not known here ({where})")
        if not (found.names <= self.names and found.missed <= self.missed and found.whole <= self.whole):
            self.names |= found.names
            self.missed |= found.missed
            self.whole |= found.whole
            look_into(self, list(self.objects.values()))

    def refuse(self, why: str) -> None:
        """Hear of something that no program can do."""
        self.notes.refuse(why)

    def context(self, variable: ContextVar) -> None:
        """Note the value of a context variable."""
        self.notes.roots[id(variable)] = variable
        hold(
            self, self.notes.note(ContextRead(variable, None, f"the context variable {variable.name}")), variable.name, variable
        )

    # following

    def chain(self, chain: Chain, frame: FrameType, values: dict[str, Any], cells: dict[str, Any]) -> None:
        """Follow one chain of a function that begins to run."""
        kind, name, steps, used = chain
        if kind == "global":
            start = self.variable(frame, name)
        elif kind == "import":
            start = self.imported(frame, name)
        elif name in cells:
            start = self.notes.note(CellRead(cells[name], None, name))
            self.notes.belongs(start, cells[name])
        else:
            start = values.get(name, ABSENT)
        if start is not ABSENT:
            owner = frame.f_globals if kind in ("global", "import") else cells.get(name)
            self.follow(start, steps, used, name, owner)

    def variable(self, frame: FrameType, name: str) -> Any:
        """Return the value of a global, or of a builtin."""
        found: Any = ABSENT
        for space in (frame.f_globals, frame.f_builtins):
            if found is ABSENT and type(space) is dict:
                self.notes.roots[id(space)] = space
                found = self.notes.note(EntryRead(space, name, name))
                self.notes.belongs(found, space)
        return found

    def imported(self, frame: FrameType, name: str) -> Any:
        """Return the module that an import statement names."""
        parts = name.lstrip(".")
        package = str(frame.f_globals.get("__package__") or "").split(".")
        level = len(name) - len(parts)
        full = ".".join([*package[: len(package) - level + 1], parts] if level else [parts]).rstrip(".")
        self.notes.roots[id(sys.modules)] = sys.modules
        return self.notes.note(EntryRead(sys.modules, full, name))

    def follow(self, thing: Any, steps: tuple, used: bool, word: str, owner: Any) -> None:
        """Follow the steps of a chain as far as they can be followed without the user's code, and note what is there."""
        for kind, key in steps:
            word = f"{word}.{key}" if kind == "attribute" else f"{word}[{key!r}]"
            found = self.attribute(thing, key, word) if kind == "attribute" else self.entry(thing, key, word)
            if found is UNKNOWN or found is ABSENT:
                self.reach(thing, owner)
                return
            self.notes.belongs(found, thing)
            thing, owner = found, thing
        self.reach(thing, owner)
        if used:
            hold(self, thing, word, owner)

    def reach(self, thing: Any, owner: Any) -> None:
        """Note tensors and modules, of which recorders hear, as those that are reached."""
        if issubclass(type(thing), AbstractTensor):
            if owner is not None:
                self.notes.reached.append((thing, owner))
        elif (tables := tables_of(thing)) is not None and id(thing) not in self.modules:
            self.modules[id(thing)] = (thing, attributes(thing))
            self.saw(thing)
            for each in (each for table in tables for each in table.values()):
                self.reach(each, thing)

    def attribute(self, thing: Any, name: str, word: str, asked: bool = True) -> Any:
        """Return what an attribute is, ABSENT, or UNKNOWN where code of the user's or of C's would tell; note what decides.

        `asked`: the code asks for it in the common way, and not perhaps by a `__getattribute__` of its own.
        """
        kind = type(thing)
        if issubclass(kind, type):
            return self.class_attribute(thing, name, word)
        if issubclass(kind, ModuleType):
            return self.module_attribute(thing, name, word)
        found = lookup(kind, name)
        if issubclass(kind, AbstractTensor):
            # a recorder hears of what tensors have; only what users have set is for others to look at
            return self.notes.note(AttributeRead(thing, name, word)) if found is ABSENT else UNKNOWN
        self.reach(thing, None)
        if is_heap_type(kind):
            self.notes.note(ClassRead(kind, name, word))
            self.notes.note(ClassRead(kind, "__getattribute__", word))
            if tables_of(thing) is None:
                self.notes.note(KindRead(thing, None, f"the class of {word.rpartition('.')[0]}"))
        how = lookup(kind, "__getattribute__")
        if asked and how is not GENERIC:
            if not isinstance(how, FunctionType):
                hold(self, thing, word, None)
            return UNKNOWN
        if lookup(type(found), "__set__") is not ABSENT or lookup(type(found), "__delete__") is not ABSENT:
            return self.described(thing, found, name, word)
        return self.own_attribute(thing, found, name, word)

    def described(self, thing: Any, descriptor: Any, name: str, word: str) -> Any:
        """Return what a data descriptor gives: a slot, a member of C's; a property's code is looked through when it runs."""
        if isinstance(thing, FunctionType) and name in STATE_OF_FUNCTIONS:
            return self.notes.note(FunctionRead(thing, name, word))
        if isinstance(descriptor, MemberDescriptorType):
            return self.notes.note(SlotRead(thing, descriptor, word))
        if name == "__class__":
            return type(thing)
        if isinstance(descriptor, GetSetDescriptorType):
            own = dict_of(thing) if name == "__dict__" else None
            if own is not None:
                self.notes.note(DictRead(thing, None, word))
                self.notes.stands_for[id(own)] = thing
                return own
            hold(self, thing, word, None)
        elif isinstance(descriptor, property):
            if not isinstance(descriptor.fget, FunctionType):
                hold(self, descriptor.fget, word, None)
                hold(self, thing, word, None)
        elif not isinstance(lookup(type(descriptor), "__get__"), FunctionType):
            hold(self, thing, word, None)
        return UNKNOWN

    def own_attribute(self, thing: Any, found: Any, name: str, word: str) -> Any:
        """Return an attribute of an object's own, or else the class's, which is `found`."""
        own, tables = dict_of(thing), tables_of(thing)
        if own is not None and (name in own or (tables is None and not name.startswith("__"))):
            value = self.notes.note(AttributeRead(thing, name, word))
            if value is not ABSENT:
                return value
        for table in tables or ():
            # what modules hold is compared when one of them has changed
            if name in table:
                return table[name]
        if tables is not None and found is ABSENT:
            self.notes.note(AttributeRead(thing, name, word))
            for space in tables:
                self.notes.note(EntryRead(space, name, word))
                self.notes.stands_for[id(space)] = thing
        if found is ABSENT and own is None:
            hold(self, thing, word, None)
            return UNKNOWN
        if found is ABSENT or isinstance(found, (FunctionType, classmethod, staticmethod)):
            code = code_of(found)
            if code is not None and sort_of(code.co_filename) is not USERS:
                # the code of libraries is not looked through, and may hand on whatever it finds
                hold(self, thing, word, None)
            return found
        if lookup(type(found), "__get__") is not ABSENT:
            if not is_heap_type(type(thing)) or not isinstance(lookup(type(found), "__get__"), FunctionType):
                # a method of C's, which may look at anything
                hold(self, thing, word, None)
            return UNKNOWN
        return found

    def class_attribute(self, kind: type, name: str, word: str) -> Any:
        """Return an attribute of a class."""
        found = lookup(kind, name)
        if is_heap_type(kind):
            self.notes.note(ClassRead(kind, name, word))
        if is_heap_type(type(kind)):
            self.notes.note(ClassRead(type(kind), name, word))
            found = lookup(type(kind), name) if found is ABSENT else found
        if found is ABSENT or isinstance(found, FunctionType):
            return found
        if name in ("__dict__", "__members__", "_member_map_"):
            hold(self, kind, word, None)
        return UNKNOWN if lookup(type(found), "__get__") is not ABSENT else found

    def module_attribute(self, module: ModuleType, name: str, word: str) -> Any:
        """Return an attribute of a module of Python's."""
        own = dict_of(module)
        if own is None or name.startswith("__"):
            return UNKNOWN
        self.notes.roots[id(own)] = own
        if name not in own and is_foreign(own.get("__name__")):
            # lineal's, and other libraries', load some of their names at first use
            getattr(module, name, None)
        found = self.notes.note(EntryRead(own, name, word))
        self.notes.belongs(found, own)
        return found

    def entry(self, thing: Any, key: Any, word: str) -> Any:
        """Return an entry of a list, tuple or dict; of anything else, UNKNOWN."""
        kind = type(thing)
        self.reach(thing, None)
        plain = is_plain_entry(kind) and type(key) in (str, int, bool, bytes, type(None))
        if plain and issubclass(kind, dict):
            found = self.notes.note(EntryRead(thing, key, word))
            if found is ABSENT:
                hold(self, thing, word, None)
            return found
        if plain and issubclass(kind, (list, tuple)) and type(key) is int:
            if issubclass(kind, list):
                return self.notes.note(PlaceRead(thing, key, word))
            return tuple.__getitem__(thing, key) if -tuple.__len__(thing) <= key < tuple.__len__(thing) else ABSENT
        hold(self, thing, word, None)
        return UNKNOWN

    def method(self, code: CodeType, owner: Any, supers: bool) -> None:
        """Note where a method that begins to run was found: in the object's class, or in a base of it."""
        kind = owner if issubclass(type(owner), type) else type(owner)
        if issubclass(kind, AbstractTensor) or not is_heap_type(kind):
            return
        name = code.co_name
        for base in bases_of(kind):
            if code_of(names_of(base).get(name)) is code:
                if lookup(kind, name) is names_of(base)[name]:
                    self.attribute(owner, name, f"{kind.__name__}.{name}")
                else:
                    self.notes.note(ClassRead(base, name, f"{base.__name__}.{name}"))
                break
        if supers:
            for base in bases_of(kind):
                for each in set(names_of(base)) & set(code.co_names):
                    self.notes.note(ClassRead(base, each, f"{base.__name__}.{each}"))

    # using

    def settle(self, young: set[int]) -> tuple[str | None, str | None, State, dict[int, Any]]:
        """Return why there can be no program, what the call changed, the guard of what it read, and the tensors it reached."""
        refusal, changed, state, tensors = self.notes.settle(young)
        for module, known in self.modules.values() if changed is None else ():
            now = attributes(module)
            for name, value in known.items():
                if name not in now or not same(now[name], value):
                    changed = changed or f"{type(module).__name__}.{name}"
        return refusal, changed, state, tensors


def arguments(frame: FrameType) -> dict[str, Any]:
    """Return the arguments of a function that begins to run, by name."""
    code, values = frame.f_code, frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    found = {name: values[name] for name in code.co_varnames[:count] if name in values and not name.startswith(".")}
    if code.co_flags & 1 and type(values) is dict:
        # else the frame would hold on to them: a grad that nobody else holds is not copied
        values.clear()
    return found


def code_of(thing: Any) -> CodeType | None:
    """Return the code of what a class defines: a function, a property, a static or class method."""
    if isinstance(thing, property):
        return next((code_of(each) for each in (thing.fget, thing.fset) if code_of(each) is not None), None)
    if isinstance(thing, (staticmethod, classmethod)):
        thing = thing.__func__
    elif isinstance(thing, functools.cached_property):
        thing = thing.func
    return thing.__code__ if isinstance(thing, FunctionType) else None
