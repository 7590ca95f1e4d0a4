"""Which names of PyTorch's a program has used, which it missed, and where."""

from __future__ import annotations

import ast
import functools
import linecache
import os
import sys

__all__ = ["Usage", "guarded", "imports", "is_guarded", "is_probe", "names_type", "place", "usage"]

OWN = os.path.dirname(__file__)
MACHINERY = ("<frozen importlib", OWN, os.path.join(os.path.dirname(os.__file__), "importlib"))
"""The files whose frames stand between an import and the statement that asks for it."""
CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Usage:
    """The names by the places where they were first used; `imported` are those that are not there, and not used yet."""

    def __init__(self) -> None:
        self.used: dict[str, str] = {}
        self.imported: dict[str, str] = {}
        self.missing: dict[str, str] = {}


usage = Usage()


def asking() -> tuple[str, int]:
    """Return file and line of the statement that asks for a name or a module."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(MACHINERY):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno or 0) if frame is not None else ("", 0)


def imports() -> bool:
    """Return whether an import statement asks, which tries a name before it looks for a module."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(OWN):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith("<frozen importlib")


def is_probe() -> bool:
    """Return whether `importlib.util` asks, which wants to know what is there."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(MACHINERY):
        if frame.f_globals.get("__name__") in ("importlib.util", "pkgutil"):
            return True
        frame = frame.f_back
    return False


def place() -> str:
    """Return the place that asks, as `train.py:12`."""
    filename, line = asking()
    return f"{os.path.basename(filename)}:{line}"


def is_guarded() -> bool:
    """Return whether the import that runs stands in a `try` that takes care of its failure."""
    filename, line = asking()
    return line in lines_guarded(filename)


def names_type(name: str) -> bool:
    """Return whether a name is asked for where a program says or asks of which type something is: no absent one."""
    filename, line = asking()
    return (line, name) in types_named(filename)


@functools.lru_cache(256)
def types_named(filename: str) -> frozenset[tuple[int, str]]:
    """Return the lines and the last names of a file's annotations, and of what `isinstance` and `issubclass` are given.

    `torch.fx.Graph` is entered as `Graph`.
    """
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except SyntaxError:
        return frozenset()
    nodes = list(ast.walk(tree))
    written = [each.annotation for each in nodes if isinstance(each, (ast.arg, ast.AnnAssign)) and each.annotation]
    written += [each.returns for each in nodes if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.returns]
    calls = [each for each in nodes if isinstance(each, ast.Call) and len(each.args) == 2]
    written += [each.args[1] for each in calls if getattr(each.func, "id", "") in ("isinstance", "issubclass")]
    return frozenset((each.lineno, each.attr) for one in written for each in ast.walk(one) if isinstance(each, ast.Attribute))


@functools.lru_cache(256)
def lines_guarded(filename: str) -> frozenset[int]:
    """Return the lines of a file whose imports may fail."""
    try:
        return guarded(ast.parse("".join(linecache.getlines(filename))))
    except SyntaxError:
        return frozenset()


def guarded(tree: ast.AST) -> frozenset[int]:
    """Return the lines of a program that stand in a `try … except ImportError` or in `with suppress(ImportError)`."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Try, ast.With)) and is_careful(node):
            found |= lines(node.body)
    return frozenset(found)


def is_careful(node: ast.Try | ast.With) -> bool:
    """Return whether a block takes care of imports in it that fail."""
    if isinstance(node, ast.Try):
        return any(catches(handler.type) for handler in node.handlers)
    return any("suppress" in ast.unparse(item.context_expr) for item in node.items)


def catches(kind: ast.expr | None) -> bool:
    """Return whether an `except` clause takes care of a failing import."""
    return kind is None or bool(CAUGHT & {each.id for each in ast.walk(kind) if isinstance(each, ast.Name)})


def lines(body: list[ast.stmt]) -> set[int]:
    """Return the numbers of the lines of statements."""
    return {line for each in body for line in range(each.lineno, (each.end_lineno or each.lineno) + 1)}
