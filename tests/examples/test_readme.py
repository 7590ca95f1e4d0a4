"""The code that the pages show runs, in the order of the page, and prints what they say it prints.

A block of python is run; what it prints is compared with the block of text that follows it, if one does.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "README.zh-CN.md",
    "docs/quickstart.md",
    "docs/linear-algebra.md",
    "docs/solvers.md",
    "docs/probability.md",
    "docs/mixed-precision.md",
    "docs/reporting.md",
    "docs/saving.md",
    "docs/training.md",
    "docs/looking.md",
    "docs/index.md",
    "docs/how-to/tensors.md",
    "docs/how-to/derivatives.md",
    "docs/how-to/systems.md",
    "docs/how-to/networks.md",
]
WITHOUT_CODE = ["CHANGELOG.md", "SECURITY.md", "docs/command-line.md", "docs/deprecation.md", "docs/support.md"]
NEEDS = {"docs/saving.md": "onnx"}
"""Pages whose code needs a package of an extra."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of a page: language and text."""
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def pairs(page: str) -> list[tuple[str, str | None]]:
    """Return each block of python with the text that it prints, None where the page does not say."""
    found = blocks(page)
    following = [*found[1:], ("", "")]
    return [
        (code, shown if after == "text" else None)
        for (language, code), (after, shown) in zip(found, following, strict=True)
        if language == "python"
    ]


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_prints_what_the_page_shows(page):
    pytest.importorskip(NEEDS.get(page, "lineal"))
    namespace: dict[str, object] = {"__name__": "page"}
    found = pairs(page)
    assert found
    for code, expected in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), namespace)
        if expected is None:
            assert printed.getvalue() == "", code
        else:
            assert printed.getvalue().rstrip() == expected.rstrip(), code


def test_the_two_readmes_show_the_same_code():
    assert pairs("README.md") == pairs("README.zh-CN.md")


@pytest.mark.parametrize("page", [*PAGES, *WITHOUT_CODE])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [each for each in targets if not (ROOT / page).parent.joinpath(each).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_two_commands_are_shown(page):
    shell = [text.strip() for language, text in blocks(page) if language in ("sh", "bash")]
    assert "pip install . && lineal train" in shell
    assert "pip install '.[test]' && pytest" in shell
