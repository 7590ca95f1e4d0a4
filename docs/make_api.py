"""Write docs/api: what every public function, class and method takes and does, a page for each namespace.

Run it after a signature or a docstring has changed: python docs/make_api.py
"""

from __future__ import annotations

import inspect
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import lineal

FOLDER = Path(__file__).with_name("api")
NAMES = runpy.run_path(str(Path(__file__).with_name("make_names.py")))
WORDS = """In signatures, `Number` is a number of Python's, `Operand` a tensor, an array or a number; `Dims` one dimension or
several; `Index` what brackets take; `DType` a dtype or what means one (`float`, a dtype of NumPy's); `Device` a device, its
name or number; `Format` a memory format. `Options` are the keyword arguments of what makes tensors: `dtype`, `device`,
`requires_grad`, `out`, `layout`, `pin_memory`, `memory_format`; `ShapedOptions` have `size` too."""
ADDRESS = re.compile(r"<(?:function |class |object |module )?'?([\w.]+)'?(?: object)?(?: at 0x[0-9a-f]+| from [^>]*)?>")


def signature(thing: Any) -> str:
    """Return how a thing is called, in the words of its source; "" if that cannot be said."""
    try:
        text = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return ""
    text = re.sub(r"^\(self(, |(?=\)))", "(", text.replace("AbstractTensor", "Tensor").replace("'", ""))
    return ADDRESS.sub(lambda found: found[1].rpartition(".")[2], text) or "()"


def words(thing: Any) -> str:
    """Return the docstring of a thing, "" if it has none of its own."""
    found = inspect.getdoc(thing) or ""
    return "" if found == inspect.getdoc(type(thing)) and not inspect.isclass(thing) else found


def entry(name: str, thing: Any) -> str:
    """Return what the page says of one name."""
    called = signature(thing) if callable(thing) else ""
    head = f"### `{name}{called}`" if len(name + called) < 100 else f"### `{name}`\n\n    {name}{called}"
    return f"{head}\n\n{words(thing)}\n"


def things(namespace: ModuleType | type) -> Iterator[tuple[str, Any]]:
    """Yield the functions and classes of a namespace, or the methods of a class, by name."""
    names = NAMES["methods"](namespace) if isinstance(namespace, type) else NAMES["members"](namespace)
    for name in names:
        found = getattr(namespace, name)
        if isinstance(namespace, type):
            found = inspect.getattr_static(namespace, name)
            found = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
        if callable(found) and not isinstance(found, ModuleType):
            yield name, found


def page(title: str, namespace: ModuleType | type) -> str:
    """Return the page of a namespace; "" if nothing in it can be called."""
    first: dict[int, str] = {}
    parts = [f"# `{title}`\n\nWritten by `python docs/make_api.py`. [All namespaces](README.md).\n"]
    for name, thing in things(namespace):
        known = first.setdefault(id(thing), name)
        parts.append(entry(name, thing) if known == name else f"### `{name}`\n\nThe same as `{known}`.\n")
    return "\n".join(parts) if len(parts) > 1 else ""


def pages() -> dict[str, str]:
    """Return the text of every page by the name of its file."""
    found = {f"{name}.md": page(name, module) for name, module in NAMES["namespaces"]().items()}
    found["lineal.Tensor.md"] = page("lineal.Tensor", lineal.Tensor)
    found = {name: text for name, text in sorted(found.items()) if text}
    lines = "\n".join(f"* [`{name.removesuffix('.md')}`]({name})" for name in found)
    intro = "# Reference\n\nWhat every public name takes and does, by namespace: signatures and docstrings, from the source.\n"
    return {"README.md": f"{intro}\n{WORDS}\n\n{lines}\n", **found}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
