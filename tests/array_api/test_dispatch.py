"""Programs of others that take tensors by the array API standard, and the consortium's own suite."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CASES = [
    "scipy_functions",
    pytest.param("sklearn_estimators", marks=pytest.mark.slow),
    pytest.param("compat_accepts", marks=pytest.mark.slow),
]
NEEDS = {"sklearn_estimators": "sklearn", "compat_accepts": "array_api_compat"}


@pytest.mark.parametrize("name", CASES)
def test_tensors_are_taken_by_the_standard(name):
    if importlib.util.find_spec(NEEDS.get(name, "scipy")) is None:
        pytest.skip("comes with lineal[standard] alone")
    done = subprocess.run([sys.executable, HERE / "programs" / f"{name}.py"], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "all of it went", done.stderr


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("version", ["2024.12", "2025.12"])
def test_the_suite_of_the_consortium(version, tmp_path):
    suite = os.environ.get("ARRAY_API_TESTS")
    if suite is None:
        pytest.skip("ARRAY_API_TESTS names no checkout of https://github.com/data-apis/array-api-tests")
    settings = os.environ | {"ARRAY_API_TESTS_MODULE": "lineal.array_api", "ARRAY_API_TESTS_VERSION": version}

    def pytest_of_the_suite(*options: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "pytest", "array_api_tests", "-q", "-p", "no:cacheprovider", *options]
        return subprocess.run(command, cwd=suite, env=settings, capture_output=True, text=True, check=False)

    meant = [line for line in (HERE / "xfails.txt").read_text().splitlines() if line and line[0] != "#"]
    tests = pytest_of_the_suite("--collect-only").stdout.splitlines()
    listed = tmp_path / "xfails.txt"
    functions, cases = [each for each in meant if "[" not in each], tuple(each for each in meant if "[" in each)
    listed.write_text("\n".join(test for test in tests if test.partition("[")[0] in functions or test.startswith(cases)))
    done = pytest_of_the_suite("--disable-deadline", "--max-examples=20", f"--xfails-file={listed}")
    assert done.returncode == 0, done.stdout[-4000:]
