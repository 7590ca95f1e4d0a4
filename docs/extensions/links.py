"""Links of the Markdown pages that lead out of docs/: files are offered as they are, folders are named."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)#]*)\)")


def without_folders(app: Sphinx, name: str, source: list[str]) -> None:
    """Leave the words of a link to a folder outside docs/: the site has no page for it."""
    here = Path(app.env.doc2path(name)).parent

    def replaced(link: re.Match[str]) -> str:
        return link[1] if (here / link[2]).is_dir() else link[0]

    source[0] = LINK.sub(replaced, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Look at every page as it is read."""
    app.connect("source-read", without_folders)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
