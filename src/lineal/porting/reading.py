"""Reading a program for the names of PyTorch's that it uses, without running it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from lineal.porting.paths import PATHS, find
from lineal.porting.usage import guarded
from lineal.tensors import Tensor

__all__ = ["Finding", "findings"]

UNKNOWN = object()
"""What cannot be told without running the program."""
METHODS = frozenset(
    """
    apply_ ccol_indices chalf coalesce col_indices crow_indices is_coalesced is_shared map_ map2_ record_stream row_indices
    set_ share_memory_ sparse_dim sparse_mask sparse_resize_ storage to_padded_tensor to_sparse to_sparse_coo to_sparse_csc
    to_sparse_csr untyped_storage
""".split()
)
"""Methods of PyTorch's tensors by names that other things seldom have, some of which lineal's may lack."""


class Place(NamedTuple):
    """A module by its path below `torch`."""

    path: str


class Finding(NamedTuple):
    """A line of a program and what it uses that is missing."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def findings(path: Path) -> list[Finding]:
    """Return what a file uses of `torch` that lineal has not, line by line; ValueError if it is no Python."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    except SyntaxError as error:
        raise ValueError(f"{path}:{error.lineno}: {error.msg}") from error
    reader = Reader(tree)
    seen = dict.fromkeys((line, what) for line, what in reader.missing() if line not in reader.guarded)
    return [Finding(str(path), line, what) for line, what in sorted(seen)]


class Reader:
    """Reads one program: first which names stand for what of PyTorch's, then what is asked of them."""

    def __init__(self, tree: ast.Module):
        self.tree, self.guarded = tree, guarded(tree)
        self.names: dict[str, Any] = {}
        self.absent: dict[str, str] = {}
        self.parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree):
            self.bind(node)
        # what a program also calls something of its own may be that
        for name in assigned(tree):
            self.names.pop(name, None)
            self.absent.pop(name, None)

    def bind(self, node: ast.AST) -> None:
        """Note what the names stand for that an import makes."""
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.name.partition(".")[0] == "torch":
                    name, path = (each.asname, each.name) if each.asname else ("torch", "torch")
                    self.enter(name, path)
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] == "torch":
            for each in node.names:
                self.enter(each.asname or each.name, f"{node.module}.{each.name}")

    def enter(self, name: str, path: str) -> None:
        """Let a name stand for what has this path."""
        found = resolved(path)
        if found is None:
            self.absent[name] = path
        else:
            self.names[name] = found

    def missing(self) -> Iterator[tuple[int, str]]:
        """Yield the lines and the names that are missing, and keywords that are refused."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and node.id in self.absent and isinstance(node.ctx, ast.Load):
                yield node.lineno, f"{self.absent[node.id]} is missing"
            elif isinstance(node, ast.Attribute) and not isinstance(self.parents[id(node)], ast.Attribute):
                yield from self.asked(node)
            elif isinstance(node, ast.Call):
                yield from self.refused(node)

    def asked(self, node: ast.Attribute) -> Iterator[tuple[int, str]]:
        """Yield the first part of `torch.nn.Linear` that is missing; or a method that tensors lack."""
        start, parts = chain(node)
        if isinstance(start, ast.Name) and start.id in self.names:
            value, name = self.names[start.id], start.id
            for part in parts:
                name = f"{name}.{part}"
                value = step(value, part) if isinstance(node.ctx, ast.Load) else UNKNOWN
                if value is None:
                    yield node.lineno, f"{name} is missing"
                    return
        elif not (isinstance(start, ast.Name) and start.id in self.absent):
            for part in METHODS.intersection(parts):
                if not hasattr(Tensor, part):
                    yield node.lineno, f"Tensor.{part} is missing, if this is a tensor's"

    def refused(self, node: ast.Call) -> Iterator[tuple[int, str]]:
        """Yield the keyword arguments of a call that the function does not take."""
        start, parts = chain(node.func)
        value = self.names.get(start.id) if isinstance(start, ast.Name) else None
        for part in parts:
            value = None if value is None else step(value, part)
        if value is None or value is UNKNOWN or isinstance(value, Place) or not node.keywords:
            return
        try:
            taken = inspect.signature(value).parameters
        except (TypeError, ValueError):
            return
        if not any(each.kind is each.VAR_KEYWORD for each in taken.values()):
            for keyword in node.keywords:
                if keyword.arg is not None and keyword.arg not in taken and keyword.arg not in NUMPYS:
                    yield node.lineno, f"{ast.unparse(node.func)} does not take {keyword.arg}="


NUMPYS = frozenset(("axis", "keepdims", "x", "x1", "x2", "a"))
"""NumPy's words for arguments, which ops take for PyTorch's."""


def assigned(tree: ast.Module) -> set[str]:
    """Return the names that a program gives to things of its own: arguments, variables, classes and functions."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    found |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return found | {node.name for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.FunctionDef))}


def chain(node: ast.expr) -> tuple[ast.expr, list[str]]:
    """Return where a chain of attributes starts, and their names in order."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return node, parts


def step(value: Any, name: str) -> Any:
    """Return what a value has under a name, UNKNOWN if only running tells, None if it is missing."""
    if isinstance(value, Place):
        return resolved(f"torch.{value.path}.{name}".replace("..", "."))
    if value is UNKNOWN or not isinstance(value, (type, ModuleType)):
        return UNKNOWN if value is UNKNOWN or hasattr(value, name) or name.startswith("__") else None
    found = getattr(value, name, None)
    return found if found is not None else UNKNOWN if hasattr(value, name) else None


def resolved(full: str) -> Any:
    """Return what a path such as `torch.nn.Linear` leads to, None if to nothing."""
    path = full.partition(".")[2].removeprefix("torch.")
    if path in PATHS or path == "torch":
        return Place("" if path == "torch" else path)
    path, _, name = path.rpartition(".")
    if path not in PATHS:
        whole = resolved(f"torch.{path}")
        return None if whole is None or isinstance(whole, Place) else step(whole, name)
    if not PATHS[path] or name == "*" or name.startswith("__"):
        return UNKNOWN
    try:
        found = find(path, name)
    except AttributeError:
        return None
    return UNKNOWN if found is None else found
