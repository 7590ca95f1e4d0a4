"""Write names.md: every public name of lineal, by the namespace it is found in.

Run it after a name comes or goes: python docs/make_names.py
"""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType

import lineal.data

PAGE = Path(__file__).with_name("names.md")

# The folders that build lineal; what they make public is found in `lineal` and in the façades.
INNER = {"base", "codegen", "bench", "compiler", "core", "ops", "tensors", "tracing", "transforms", "cli", "porting"}

HEAD = """# Names

Every public name, by the namespace it is found in. The page is written by `python docs/make_names.py`, and a test
keeps it equal to what the package exports. Signatures, dtypes, shapes and errors are PyTorch's.
"""


def members(module: ModuleType) -> list[str]:
    """Return the public names of a module: its `__all__`, or else what it holds besides imports for its own use."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed)
    # dir and getattr, not vars: lineal imports some of its names when they are first used.
    return [name for name in sorted(dir(module)) if is_public(module, name, getattr(module, name))]


def is_public(module: ModuleType, name: str, value: object) -> bool:
    """Return whether a module without `__all__` offers this name."""
    if name.startswith("_") or name == "TYPE_CHECKING":
        return False
    if isinstance(value, ModuleType):
        return value.__name__ == f"{module.__name__}.{name}" and not (module is lineal and name in INNER)
    return module is lineal or str(getattr(value, "__module__", module.__name__)).startswith("lineal.")


def namespaces(module: ModuleType = lineal, name: str = "lineal") -> dict[str, ModuleType]:
    """Return the namespaces below `module` with the names they are reached by, each once."""
    found = {name: module}
    for each in members(module):
        value = getattr(module, each)
        if isinstance(value, ModuleType) and value not in found.values():
            found |= namespaces(value, f"{name}.{each}")
    return found


def methods(cls: type) -> list[str]:
    """Return the public methods and attributes of a class."""
    return sorted(name for name, _ in inspect.getmembers_static(cls) if not name.startswith("_"))


def wrapped(names: list[str]) -> str:
    """Return the names as code, parted by middle dots."""
    return " · ".join(f"`{name}`" for name in names)


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD]
    for name, module in namespaces().items():
        parts.append(f"## `{name}`\n\n{wrapped(members(module))}\n")
        if module is lineal:
            parts.append(f"## `lineal.Tensor`\n\n{wrapped(methods(lineal.Tensor))}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
