"""What every file of the house keeps: size, name, where imports stand."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests", "examples", "benchmarks", "docs")
# what `make -C docs html` leaves
BUILT = (ROOT / "docs" / "build", ROOT / "docs" / "lessons")
FILES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if not any(path.is_relative_to(built) for built in BUILT)
)
LINES, FUNCTION_LINES = 500, 40
VAGUE = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "stuff", "tools"}
# PyTorch's users look for these.
FACADES = {
    ROOT / "src/lineal/utils",
    ROOT / "src/lineal/distributions/utils.py",
    ROOT / "src/lineal/nn/utils",
    ROOT / "src/lineal/nn/modules/utils.py",
}

INDENTED = re.compile(r"^[ \t]+(import|from)\b|[:;] *(import|from)\b", re.MULTILINE)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_there_are_files():
    assert len(FILES) > 100


def test_no_file_is_over_500_lines():
    lengths = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > LINES} == {}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function is long from its first statement on: a long signature is no long function."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1


def functions_of(statements: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the functions among statements and in their blocks; expressions, which most of a tree is made of, have none."""
    for statement in statements:
        if isinstance(statement, FUNCTIONS):
            yield statement
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from functions_of(getattr(statement, block, []))


def test_no_function_of_the_package_is_over_40_lines():
    lengths = {
        f"{shown(path)}:{node.name}": body_lines(node)
        for path in FILES
        if path.is_relative_to(ROOT / "src")
        for node in functions_of(tree_of(path).body)
    }
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES} == {}


def test_no_file_or_folder_hides_behind_an_underscore():
    names = {part for path in FILES for part in path.relative_to(ROOT).parts}
    # PyTorch's programs look for control flow in a folder of this name
    assert {name for name in names if name.startswith("_")} == {"__init__.py", "__main__.py", "_higher_order_ops"}


def test_no_file_or_folder_has_a_vague_name():
    places = {each for path in FILES for each in (path, *path.parents) if each.is_relative_to(ROOT / "src")}
    assert {shown(place) for place in places if place.stem in VAGUE} == {shown(place) for place in FACADES}


def test_no_import_stands_inside_a_function():
    inside = {
        f"{shown(path)}:{statement.lineno}"
        for path in FILES
        if INDENTED.search(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree_of(path))
        if isinstance(function, FUNCTIONS)
        for statement in ast.walk(function)
        if isinstance(statement, (ast.Import, ast.ImportFrom))
    }
    assert inside == set()


def test_every_module_of_the_package_says_what_it_is():
    texts = {shown(path): path.read_text(encoding="utf-8") for path in FILES if path.is_relative_to(ROOT / "src")}
    assert [name for name, text in texts.items() if text and not text.startswith('"""')] == []
