"""The pages of docs/api on the site: every public name an entry of its own, that search and links find.

`docs/make_api.py` says which names there are, how each is called, and what its docstring is; it writes the same as plain
Markdown for those who read the repository.
"""

from __future__ import annotations

import inspect
import re
import runpy
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx

API = runpy.run_path(str(Path(__file__).parents[1] / "make_api.py"))
NAMES = API["NAMES"]
PROMPT = re.compile(r"(?:^>>> .*\n?(?:^(?!>>> ).+\n?)*)+", re.MULTILINE)


def spaces() -> dict[str, ModuleType | type]:
    """Return every namespace by name, `lineal.Tensor` among them."""
    return {**NAMES["namespaces"](), "lineal.Tensor": API["lineal"].Tensor}


def markdown(text: str) -> str:
    """Return a docstring as Markdown: its examples are blocks of code."""
    return PROMPT.sub(lambda example: f"```pycon\n{example[0].rstrip()}\n```\n", text)


def directive(kind: str, name: str, text: str) -> str:
    """Return an entry of Sphinx' domain for Python."""
    return f"`````{{py:{kind}}} {name}\n\n{markdown(text)}\n`````\n"


def signature(thing: Any) -> str:
    """Return how a thing is called, on one line."""
    return " ".join(API["signature"](thing).split()) or "()"


def what_it_is(value: object) -> str:
    """Return what is said of a name that is not called: a dtype, a number, a constant."""
    shown = f", `{value!r}`" if isinstance(value, (bool, int, float)) else ""
    return f"Of the type `{type(value).__name__}`{shown}."


def entry(space: ModuleType | type, name: str, text: str | None, thing: Any) -> str:
    """Return the entry of a name; `text` is None unless `thing` can be called, or is what a property calls."""
    of_class = isinstance(space, type)
    shown = f"{space.__name__}.{name}" if of_class else name
    if text is None:
        return directive("attribute" if of_class else "data", shown, what_it_is(thing))
    if isinstance(inspect.getattr_static(space, name), property):
        return directive("property", shown, text)
    kind = "method" if of_class else "class" if isinstance(thing, type) else "function"
    return directive(kind, shown + signature(thing), text)


def entries(space: ModuleType | type) -> str:
    """Return the entries of all names of a namespace, or of a class' methods and attributes."""
    called = dict(API["things"](space))
    first: dict[int, str] = {}
    found = []
    for name in NAMES["methods"](space) if isinstance(space, type) else NAMES["members"](space):
        thing = called.get(name)
        if thing is None:
            value = getattr(space, name)
            if not isinstance(value, ModuleType):
                found.append(entry(space, name, None, value))
        else:
            known = first.setdefault(id(thing), name)
            found.append(entry(space, name, API["words"](thing) if known == name else f"The same as `{known}`.", thing))
    return "\n".join(found)


def page(name: str, space: ModuleType | type) -> str:
    """Return the page of a namespace as MyST."""
    if isinstance(space, type):
        return f"# `{name}`\n\n```{{py:currentmodule}} {name.rpartition('.')[0]}\n```\n\n{entries(space)}"
    return f"# `{name}`\n\n{module(name, space)}"


def module(name: str, space: ModuleType) -> str:
    """Return what is said of a module: its docstring and its names."""
    return f"```{{py:module}} {name}\n```\n\n{markdown((space.__doc__ or '').strip())}\n\n{entries(space)}"


def contents(text: str, pages: list[str]) -> str:
    """Return the page that leads to all others, with the namespaces that hold other namespaces and constants alone."""
    rest = "\n\n".join(module(name, space) for name, space in spaces().items() if name not in pages)
    listed = "\n".join(pages)
    return f"{text}\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n\n## Namespaces of namespaces and constants\n\n{rest}"


def written(app: Sphinx, name: str, source: list[str]) -> None:
    """Put the entries in the place of the plain Markdown."""
    folder, _, title = name.rpartition("/")
    if folder != "api":
        return
    if title == "README":
        source[0] = contents(source[0], sorted(path.stem for path in API["FOLDER"].glob("lineal*.md")))
    else:
        source[0] = page(title, spaces()[title])


def setup(app: Sphinx) -> dict[str, bool]:
    """Look at every page as it is read."""
    app.connect("source-read", written)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
