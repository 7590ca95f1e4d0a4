"""Two languages: every page leads to itself in the other one, and says if it has not been translated."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

CHINESE = "zh_CN"
NOT_TRANSLATED = "本页尚未译成中文,以下为英文原文。"
PARTLY = "本页只有一部分译成了中文,其余为英文原文。"
WHOLE = 0.9
"""The share of a page's texts from which on it counts as translated; a name that stays the same counts against it."""


def notice(doctree: nodes.document | None) -> str:
    """Return what a Chinese page says of its translation, "" where there is nothing to say."""
    if doctree is None:
        return ""
    # a page without a catalogue has no marks; tables of contents have one that says nothing of their captions
    marks = [node["translated"] for node in doctree.findall(nodes.TextElement) if "translated" in node]
    if not any(marks):
        return NOT_TRANSLATED
    return "" if sum(marks) >= WHOLE * len(marks) else PARTLY


def context(app: Sphinx, name: str, template: str, values: dict[str, Any], doctree: nodes.document | None) -> None:
    """Give the templates the address of the page in the other language."""
    chinese = app.config.language == CHINESE
    up = "../" * name.count("/")
    values["other_language"] = f"{up}../{name}.html" if chinese else f"{up}{CHINESE}/{name}.html"
    values["other_language_name"] = "English" if chinese else "简体中文"
    values["other_language_code"] = "en" if chinese else "zh-CN"
    if chinese and (text := notice(doctree)):
        values["theme_announcement"] = text


def chinese_questions(app: Sphinx) -> None:
    """Let the search of the Chinese pages cut questions into words."""
    if app.config.language == CHINESE:
        app.add_js_file("chinese.js")


def setup(app: Sphinx) -> dict[str, bool]:
    """Fill the context of every page."""
    app.connect("builder-inited", chinese_questions)
    app.connect("html-page-context", context)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
