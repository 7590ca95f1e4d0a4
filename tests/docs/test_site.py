"""The site builds without a warning, its links lead somewhere, every public name has an entry, search finds the pages."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest
from questions import CHINESE, ENGLISH

ROOT = Path(__file__).parents[2]
BUILT = {ROOT / "docs" / each for each in ("build", "lessons", "sg_execution_times.rst")}
TRANSLATED = ("index", "quickstart", "lessons/index")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.xdist_group("site")]


@dataclass
class Page(HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    text: str
    links: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    silent_images: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.names |= {each for each in (found.get("id"), found.get("name") if tag == "a" else None) if each}
        self.links += [each for each in (found.get("href"), found.get("src")) if each and tag != "base"]
        if tag == "img" and "sphx-glr-single-img" in (found.get("class") or "") and not found.get("alt"):
            self.silent_images.append(str(found.get("src")))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Return the folder of the site, built by `make -C docs html` from a copy of docs/."""
    for module in ("sphinx", "myst_parser", "furo", "sphinx_gallery", "sphinx_copybutton", "jieba"):
        pytest.importorskip(module)
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(
        ROOT / "docs", folder / "docs", ignore=lambda place, names: [each for each in names if Path(place, each) in BUILT]
    )
    for each in ("src", "examples", "tests"):
        (folder / each).symlink_to(ROOT / each)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src")}
    made = subprocess.run(["make", "-C", str(folder / "docs"), "html"], env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in made.stderr, made.stderr
    return folder / "docs" / "build" / "html"


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    return {path.relative_to(site): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def broken(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Yield the links within the site that lead to no file, or to no place in it."""
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#":
                continue
            target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
            if not (site / target).exists():
                yield f"{path}: {link}"
            elif target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].names:
                yield f"{path}: {link} (no such place)"


def test_no_link_is_broken(site, pages):
    assert len(pages) > 150
    assert sorted(set(broken(site, pages)))[:20] == []


def test_every_public_name_has_an_entry(site, pages):
    inventory = pytest.importorskip("sphinx.util.inventory").InventoryFile
    with (site / "objects.inv").open("rb") as stream:
        objects = {
            name: address.uri
            for domain, found in inventory.load(stream, "", os.path.join).items()
            if domain.startswith("py:")
            for name, address in found.items()
        }
    names = runpy.run_path(str(ROOT / "docs" / "make_names.py"))
    spaces = names["namespaces"]()
    wanted = {
        f"{space}.{name}"
        for space, module in spaces.items()
        for name in names["members"](module)
        if not isinstance(getattr(module, name), ModuleType)
    }
    wanted |= spaces.keys() | {f"lineal.Tensor.{name}" for name in names["methods"](spaces["lineal"].Tensor)}
    assert len(wanted) > 2500
    assert sorted(wanted - objects.keys()) == []
    places = {name: objects[name].removesuffix("$").partition("#") for name in wanted}
    lost = [name for name, (page, _, place) in places.items() if (place or name) not in pages[Path(page)].names]
    assert lost == []


def test_figures_say_what_they_show(pages):
    shown = [path for path in pages if path.parent.name == "lessons" and path.stem[:2].isdigit()]
    assert len(shown) == 2 * len(list((ROOT / "docs" / "course").glob("[0-9]*.py")))
    assert [(path, pages[path].silent_images) for path in shown if pages[path].silent_images] == []


def test_every_page_is_there_in_both_languages(pages):
    english = {path for path in pages if path.parts[0] != "zh_CN"}
    assert {Path("zh_CN") / path for path in english} == pages.keys() - english
    assert all("zh_CN/" in " ".join(pages[path].links) for path in english)


def test_start_tour_and_course_are_in_chinese(site, pages):
    chapters = [f"lessons/{path.stem}" for path in (ROOT / "docs" / "course").glob("[0-9]*.py")]
    for name in (*TRANSLATED, *chapters):
        assert "英文原文" not in pages[Path("zh_CN") / f"{name}.html"].text, name
    assert "尚未译成中文" in pages[Path("zh_CN/solvers.html")].text


@pytest.mark.parametrize(("folder", "answers"), [(".", ENGLISH), ("zh_CN", CHINESE)], ids=["English", "Chinese"])
def test_search_finds_the_page_among_the_first_three(site, folder, answers):
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    command = ["node", str(Path(__file__).with_name("ranked.js")), str(site / folder)]
    found = json.loads(
        subprocess.run(command, input=json.dumps(list(answers)), capture_output=True, text=True, check=True).stdout
    )
    missed = {question: found[question] for question, page in answers.items() if page not in found[question][:3]}
    assert len(missed) <= 0.05 * len(answers), missed


def test_a_question_that_no_page_answers_finds_none(site):
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    command = ["node", str(Path(__file__).with_name("ranked.js")), str(site)]
    said = subprocess.run(command, input='["xylophone zebra"]', capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == {"xylophone zebra": []}
