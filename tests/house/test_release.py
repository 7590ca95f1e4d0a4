"""What belongs to a release says the same everywhere: version, changelog, Pythons, extras, files."""

import re
import tomllib
from pathlib import Path

import pytest

from lineal.base.version import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_changelog_begins_with_this_version():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    released = [each for each in headings if each != "Unreleased"]
    assert re.fullmatch(rf"{re.escape(__version__)}, \d{{4}}-\d\d-\d\d", released[0])
    assert f"State of {__version__}" in (ROOT / "docs" / "support.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_name_what_is_there(path):
    text = path.read_text(encoding="utf-8")
    extras = {name for found in re.findall(r'"\.\[([\w,]+)\]"', text) for name in found.split(",")}
    assert extras <= PROJECT["project"]["optional-dependencies"].keys()
    files = re.findall(r"\b(?:tests|benchmarks|docs)/[\w/.-]+\.(?:py|md)\b", text)
    assert [each for each in files if not (ROOT / each).exists()] == []
    pythons = {found.rpartition("::")[2].strip() for found in PROJECT["project"]["classifiers"] if ":: 3." in found}
    matrices = [set(re.findall(r'"(3\.\d+)"', found)) for found in re.findall(r"python: \[(.*)\]", text)]
    assert all(each == pythons for each in matrices)
    assert "permissions:\n  contents: read\n" in text and "pull_request_target" not in text


def test_there_are_workflows_for_what_is_promised():
    assert [path.stem for path in WORKFLOWS] == ["benchmarks", "docs", "tests", "wheels"]
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    systems = set(re.findall(r"ubuntu-[\d.]+(?:-arm)?|macos-\d+|windows-\d+", text))
    assert {re.sub(r"-[\d.]+", "", each) for each in systems} == {"ubuntu", "ubuntu-arm", "macos", "windows"}


def test_the_source_distribution_has_its_files():
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert [each for each in included if not (ROOT / each).exists()] == []
