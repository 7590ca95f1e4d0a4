"""Links of the Markdown pages as the site has them: programs of the course are pages, files outside docs/ are offered."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)#]*)\)")
PROGRAM = re.compile(r"(?<=\()((?:\.\./)?)course/(\w+)\.(?:py|rst)(?=\))")


def led(app: Sphinx, name: str, source: list[str]) -> None:
    """Lead links to the course to its pages, and leave the words of a link to a folder outside docs/, which has no page."""
    here = Path(app.env.doc2path(name)).parent

    def chapter(link: re.Match[str]) -> str:
        return f"{link[1]}lessons/{'index' if link[2] == 'GALLERY_HEADER' else link[2]}.rst"

    def replaced(link: re.Match[str]) -> str:
        return link[1] if (here / link[2]).is_dir() else link[0]

    source[0] = LINK.sub(replaced, PROGRAM.sub(chapter, source[0]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Look at every page as it is read."""
    app.connect("source-read", led)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
