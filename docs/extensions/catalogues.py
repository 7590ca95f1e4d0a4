"""Bring the catalogues of locale/ up to date with the pages: new texts come in empty, changed ones are marked as fuzzy.

Run it after `sphinx-build -b gettext`, by `make -C docs catalogues`. A page is translated once its catalogue is there.
"""

from __future__ import annotations

from pathlib import Path

from sphinx_intl import catalog

DOCS = Path(__file__).parents[1]
PAGES = DOCS / "locale" / "zh_CN" / "LC_MESSAGES"
TEMPLATES = DOCS / "build" / "gettext"


def update(path: Path) -> tuple[int, int]:
    """Update one catalogue; return how many of its texts are translated, and how many there are."""
    texts = catalog.load_po(str(path))
    catalog.update_with_fuzzy(texts, catalog.load_po(str(TEMPLATES / path.relative_to(PAGES).with_suffix(".pot"))))
    catalog.dump_po(str(path), texts, line_width=120)
    named = [text for text in texts if text.id]
    return sum(bool(text.string) and not text.fuzzy for text in named), len(named)


if __name__ == "__main__":
    for path in sorted(PAGES.rglob("*.po")):
        print(path.relative_to(PAGES), "{} of {}".format(*update(path)))
