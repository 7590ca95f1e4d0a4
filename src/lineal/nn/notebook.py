"""A module as HTML, for notebooks: a tree that opens and closes, with the options and the numbers of parameters of each."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lineal.nn.parameter import is_lazy

if TYPE_CHECKING:
    from lineal.nn.module import Module

__all__ = ["module_html"]

OPEN = 2
"""How many levels of the tree are open at first."""


def module_html(module: Module, name: str = "", depth: int = 0) -> str:
    """Return a module, which is called `name` in the one around it, with all below it."""
    line = f"{escape(name)}: " if name else ""
    line += f"<b>{escape(module._get_name())}</b> {escape(' '.join(module.extra_repr().split()))} · {counted(module)}"
    inner = "".join(module_html(each, key, depth + 1) for key, each in module._modules.items() if each is not None)
    if not inner:
        return f"<div style='margin-left:1.2em'>{line}</div>"
    shown = " open" if depth < OPEN else ""
    return f"<details{shown} style='margin-left:1.2em'><summary>{line}</summary>{inner}</details>"


def counted(module: Module) -> str:
    """Return in words how many parameters a module has, those below it included, each once."""
    parameters = list(module.parameters())
    known = sum(each.numel() for each in parameters if not is_lazy(each))
    words = f"{known:,} parameters"
    fixed = sum(each.numel() for each in parameters if not is_lazy(each) and not each.requires_grad)
    words += f", {fixed:,} of them fixed" if fixed else ""
    return words + (", others without a shape yet" if any(map(is_lazy, parameters)) else "")
