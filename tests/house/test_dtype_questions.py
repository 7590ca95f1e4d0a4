"""What a dtype is, its record says: nobody compares sizes or names instead."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "lineal"
# the records themselves, and the conversions they stand for in emitted code
RECORDS = {SOURCE / "base" / "dtypes.py", SOURCE / "codegen" / "half.py"}
FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path not in RECORDS]
NAMES = {"float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"}
"""The dtypes that are computed in another one."""


def sides(node: ast.Compare) -> list[ast.expr]:
    return [node.left, *node.comparators]


def of_a_size(node: ast.Compare) -> bool:
    """Return whether an item size is compared with a number, as in `x.itemsize == 2`."""
    asked = any(isinstance(each, ast.Attribute) and each.attr == "itemsize" for each in sides(node))
    return asked and any(isinstance(each, ast.Constant) and isinstance(each.value, int) for each in sides(node))


def of_a_name(node: ast.Compare) -> bool:
    """Return whether something is compared with a narrow dtype or its name, as in `dtype is bfloat16`."""
    for each in sides(node):
        found = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else None
        if (each.value if isinstance(each, ast.Constant) else found) in NAMES:
            return True
    return False


def of_a_letter(node: ast.Compare) -> bool:
    """Return whether it is asked for NumPy's letter of dtypes that it has not: `x.dtype.kind == "V"`."""
    return any(isinstance(each, ast.Constant) and each.value == "V" for each in sides(node))


def test_no_file_asks_for_more_than_the_record():
    asked = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {question.__name__}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        for question in (of_a_size, of_a_name, of_a_letter)
        if question(node)
    ]
    assert asked == []


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("x.itemsize == 2", of_a_size),
        ("4 > x.dtype.itemsize", of_a_size),
        ("target is dtypes.bfloat16", of_a_name),
        ("found.name == 'float16'", of_a_name),
        ("x.dtype.kind != 'V'", of_a_letter),
    ],
)
def test_what_is_looked_for_is_found(text, question):
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.Compare)
    assert question(node)
