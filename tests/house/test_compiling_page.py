"""The page that follows a function to machine code says what the stations give now."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
MAKE = runpy.run_path(str(DOCS / "make_compiling.py"))


def parted(page):
    """Return the page without the machine code, and the blocks of that."""
    parts = page.split("```")
    code = [part for part in parts if part.startswith(("llvm", "asm"))]
    return [part for part in parts if part not in code], code


def test_the_page_is_what_the_stations_give():
    written, code = parted((DOCS / "compiling.md").read_text(encoding="utf-8"))
    found, other = parted(MAKE["page"]())
    assert found == written, "python docs/make_compiling.py"
    assert len(other) == len(code) == 2 and "load" in other[0]


@pytest.mark.parametrize("text", ["a:\n  load <4\n  br x\nb:", "z:\n  add\n  br a\na:\n  load <4\n  br x"])
def test_the_block_that_is_shown_is_the_first_that_holds_the_line(text):
    block = MAKE["block"](text, lambda line: "load <" in line, lambda line: line.endswith(":"), "br ")
    assert list(block) == ["a:", "  load <4", "  br x"]
