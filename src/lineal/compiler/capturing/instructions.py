"""What the bytecode of a function reads: chains like `config["width"]` or `self.block.scale`, and names.

Instructions are read one after the other. Whatever loads a variable begins a chain, and only attributes and constant entries
that follow at once prolong it; where it is cut short, its last thing is taken to be used in any way whatever. So joins of
branches need no care, but no instruction that loads may be missed: one that is not on the list below leaves the function eager.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple

__all__ = ["Chain", "CodeReading", "reading_of"]

GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "STORE_GLOBAL", "DELETE_GLOBAL")
CELL = ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF", "STORE_DEREF", "DELETE_DEREF")
FAST = ("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_AND_CLEAR", "LOAD_FAST_BORROW")
PAIRS = ("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW")
STORES = ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF")
PASSED = frozenset(
    ("PUSH_NULL", "CACHE", "EXTENDED_ARG", "NOP", "NOT_TAKEN", "PRECALL", "RESUME", "COPY_FREE_VARS", "MAKE_CELL")
)
CONSTANTS = ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_CONST_IMMORTAL", "LOAD_CONST_MORTAL")
IDENTITY = frozenset(f"POP_JUMP_{way}IF_{kind}" for way in ("", "FORWARD_", "BACKWARD_") for kind in ("NONE", "NOT_NONE")) | {
    "IS_OP",
    "POP_TOP",
}
"""What looks at a thing only to see which it is."""
ASKING = frozenset(("getattr", "hasattr", "setattr", "delattr"))
WHOLE = frozenset(("vars", "__dict__", "dir", "asdict", "astuple", "fields", "copy", "deepcopy", "replace", "getmembers"))
"""Names by which code may ask an object for all it has."""
SUBSCRIPTS = ("BINARY_SUBSCR", "BINARY_OP", "STORE_SUBSCR", "DELETE_SUBSCR")

# every instruction that does not load a variable, of CPython 3.11 to 3.14
OTHERS = frozenset(
    """
    ANNOTATIONS_PLACEHOLDER ASYNC_GEN_WRAP BEFORE_ASYNC_WITH BEFORE_WITH BINARY_OP BINARY_SLICE BINARY_SUBSCR
    BUILD_CONST_KEY_MAP BUILD_INTERPOLATION BUILD_LIST BUILD_MAP BUILD_SET BUILD_SLICE BUILD_STRING BUILD_TEMPLATE BUILD_TUPLE
    CALL CALL_FUNCTION_EX CALL_INTRINSIC_1 CALL_INTRINSIC_2 CALL_KW CHECK_EG_MATCH CHECK_EXC_MATCH CLEANUP_THROW COMPARE_OP
    CONTAINS_OP CONVERT_VALUE COPY DELETE_FAST DELETE_NAME DELETE_SUBSCR DICT_MERGE DICT_UPDATE END_ASYNC_FOR END_FOR END_SEND
    FORMAT_SIMPLE FORMAT_VALUE FORMAT_WITH_SPEC FOR_ITER GET_AITER GET_ANEXT GET_AWAITABLE GET_ITER GET_LEN
    GET_YIELD_FROM_ITER INTERPRETER_EXIT IS_OP JUMP_BACKWARD JUMP_BACKWARD_NO_INTERRUPT JUMP_FORWARD JUMP_IF_FALSE_OR_POP
    JUMP_IF_TRUE_OR_POP KW_NAMES LIST_APPEND LIST_EXTEND LIST_TO_TUPLE LOAD_ASSERTION_ERROR LOAD_BUILD_CLASS LOAD_CLOSURE
    LOAD_COMMON_CONSTANT LOAD_LOCALS LOAD_SPECIAL LOAD_SUPER_ATTR LOAD_SUPER_METHOD LOAD_ZERO_SUPER_ATTR
    LOAD_ZERO_SUPER_METHOD MAKE_FUNCTION MAP_ADD MATCH_CLASS MATCH_KEYS MATCH_MAPPING MATCH_SEQUENCE POP_EXCEPT POP_ITER
    POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_FORWARD_IF_FALSE POP_JUMP_FORWARD_IF_TRUE POP_JUMP_IF_FALSE
    POP_JUMP_IF_TRUE PREP_RERAISE_STAR PUSH_EXC_INFO RAISE_VARARGS RERAISE RETURN_CONST RETURN_GENERATOR RETURN_VALUE SEND
    SETUP_ANNOTATIONS SET_ADD SET_FUNCTION_ATTRIBUTE SET_UPDATE STORE_FAST STORE_FAST_MAYBE_NULL STORE_FAST_STORE_FAST
    STORE_NAME STORE_SLICE STORE_SUBSCR SWAP TO_BOOL UNARY_INVERT UNARY_NEGATIVE UNARY_NOT UNARY_POSITIVE UNPACK_EX
    UNPACK_SEQUENCE WITH_EXCEPT_START YIELD_VALUE
""".split()
)
STEPS = ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR")
IMPORTS = ("IMPORT_NAME", "IMPORT_FROM")
KNOWN = OTHERS.union(PASSED, IDENTITY, GLOBAL, CELL, FAST, PAIRS, CONSTANTS, STEPS, IMPORTS, ("STORE_FAST_LOAD_FAST",))


class Chain(NamedTuple):
    """Where it starts ("global", "cell", "fast" or "import"), the name there, the steps from there, what becomes of its end."""

    kind: str
    name: str
    steps: tuple[tuple[str, Any], ...]
    used: bool
    """Whether more is done with what it leads to than to see which thing it is."""


@dataclass
class CodeReading:
    """What one code object reads."""

    chains: list[Chain] = field(default_factory=list)
    names: frozenset[Any] = frozenset()
    """The names of attributes, and the strings by which attributes may be asked for, here and in the code within."""
    missed: frozenset[Any] = frozenset()
    """Those of the names whose absence may be noticed: by `hasattr`, by `except AttributeError`."""
    whole: bool = False
    """Whether objects may be asked for all they have, or for names made up at run time."""
    unknown: str | None = None
    """An instruction that is not known."""
    table: bool = False
    """Whether it looks in `globals()` for a name made up at run time."""
    supers: bool = False
    """Whether it looks in base classes, by `super`."""


@functools.cache
def reading_of(code: CodeType) -> CodeReading:
    """Return what a code object reads."""
    found = CodeReading()
    steps = [each for each in dis.get_instructions(code) if each.opname not in ("CACHE", "EXTENDED_ARG")]
    found.unknown = next((each.opname for each in steps if each.opname not in KNOWN), None)
    own = frozenset(code.co_names) | strings(code)
    inner = [reading_of(each) for each in code.co_consts if isinstance(each, CodeType)]
    found.names = own.union(*(each.names for each in inner))
    notices = bool(code.co_exceptiontable) or not ASKING.isdisjoint(code.co_names)
    found.missed = (own if notices else frozenset()).union(*(each.missed for each in inner))
    found.whole = not WHOLE.isdisjoint(code.co_names) or any(made_up(steps, n) for n in range(len(steps)))
    found.supers = "super" in code.co_names
    cells = {*code.co_cellvars, *code.co_freevars}
    # to make a closure loads the cell itself
    found.chains = [each for each in chains(steps) if each.kind != "fast" or each.name not in cells]
    found.chains += table_reads(found, steps)
    return found


def strings(code: CodeType) -> frozenset[str]:
    """Return the strings among the constants of a code object."""
    found = {each for each in code.co_consts if isinstance(each, str)}
    return frozenset(
        found.union(part for each in code.co_consts if isinstance(each, tuple) for part in each if type(part) is str)
    )


def chains(instructions: list[dis.Instruction]) -> Iterator[Chain]:
    """Yield the chains that begin at each load of a variable."""
    start: tuple[str, str] | None = None
    steps: list[tuple[str, Any]] = []
    constant: tuple = ()
    module = ""
    before: list[Any] = [0, None]
    for each in instructions:
        word = each.opname
        if word in PASSED:
            continue
        if word in CONSTANTS:
            before = [before[-1], each.argval]
            if start is not None and not constant:
                constant = (each.argval,)
                continue
        elif start is not None and word in STEPS and not constant:
            steps.append(("attribute", each.argval))
            if word in STEPS[:2]:
                continue
            yield Chain(*start, tuple(steps), False)
            start = None
        elif start is not None and constant and (word == "BINARY_SUBSCR" or (word == "BINARY_OP" and each.argrepr == "[]")):
            steps.append(("entry", constant[0]))
            constant = ()
            continue
        if start is not None:
            yield Chain(*start, tuple(steps), word not in IDENTITY)
        start, steps, constant = None, [], ()
        if word == "IMPORT_NAME":
            module = "." * (before[0] if type(before[0]) is int else 0) + each.argval
            start = ("import", module)
        elif word == "IMPORT_FROM":
            yield Chain("import", module, (("attribute", each.argval),), True)
        elif word in STORES:
            yield Chain("global" if word in GLOBAL else "cell", each.argval, (), False)
        else:
            if word in PAIRS:
                yield Chain("fast", each.argval[0], (), True)
            start = loaded(each)


def loaded(instruction: dis.Instruction) -> tuple[str, str] | None:
    """Return the variable that an instruction loads last, if any: its kind and name."""
    word, name = instruction.opname, instruction.argval
    if word in PAIRS or word == "STORE_FAST_LOAD_FAST":
        return "fast", name[1]
    kinds = (("global", GLOBAL), ("cell", CELL), ("fast", FAST))
    return next(((kind, name) for kind, words in kinds if word in words), None)


def made_up(instructions: list[dis.Instruction], place: int) -> bool:
    """Return whether `getattr` or the like is loaded here, and asks for anything but a constant name."""
    if instructions[place].argval not in ASKING or not instructions[place].opname.startswith("LOAD_"):
        return False
    given: list[Any] = []
    for each in instructions[place + 1 :]:
        if each.opname == "CALL":
            return len(given) != each.arg or len(given) < 2 or type(given[1]) is not str
        if each.opname in PAIRS:
            given += [None, None]
        elif each.opname in CONSTANTS:
            given.append(each.argval)
        elif each.opname in FAST or each.opname in CELL or each.opname in GLOBAL:
            given.append(None)
        elif each.opname not in STEPS and each.opname not in PASSED:
            return True
    return True


def table_reads(found: CodeReading, instructions: list[dis.Instruction]) -> Iterator[Chain]:
    """Yield the chains from `globals()["name"]` and its like; where the name is no constant, say so."""
    words = [each for each in instructions if each.opname not in PASSED]
    for n, each in enumerate(words):
        if each.argval != "globals" or not each.opname.startswith("LOAD_"):
            continue
        after, name = words[n + 2 : n + 5], None
        if after and after[0].opname == "LOAD_CONST" and len(after) > 1 and after[1].opname in SUBSCRIPTS:
            name = after[0].argval
        elif after and after[0].opname == "CONTAINS_OP" and n and words[n - 1].opname == "LOAD_CONST":
            name = words[n - 1].argval
        elif len(after) > 1 and after[0].argval == "get" and after[1].opname == "LOAD_CONST":
            name = after[1].argval
        if type(name) is str:
            yield Chain("global", name, (), True)
        else:
            found.table = True
