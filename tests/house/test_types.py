"""What a user's type checker and editor are told: that a result is a Tensor, and whatever else it is."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import runpy
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import lineal

ROOT = Path(__file__).parents[2]
REFERENCE = runpy.run_path(str(ROOT / "docs" / "make_api.py"))
SPACES = {**REFERENCE["NAMES"]["namespaces"](), "lineal.Tensor": lineal.Tensor}
UNTOLD = ("Any", "tuple", "Callable[..., Any]", inspect.Signature.empty)
ANYTHING = {
    "load": "whatever was saved",
    "new_group": "a group, or the number that stands for one that this process is not in",
    "default_collate": "a nest like the samples",
    "default_convert": "a nest like the samples",
    "while_loop": "a nest like the carried values",
    "checkpoint_sequential": "what the last function gives",
    "tolist": "a number, or lists as deep as the tensor",
    "cuda": "nothing: there is no such device",
    "handle_torch_function": "what the classes that are asked give",
    "ignore": "what it decorates",
    "to_scipy": "an array of SciPy's",
    "wait": "what the future holds",
    "tree_map": "a nest like the given one",
    "tree_map_": "the nest",
    "map_aggregate": "a nest like the given one",
    "map_arg": "a nest like the given one",
    "tree_map_only": "a nest like the given one",
    "tree_unflatten": "a nest of any form",
    "tree_map_with_path": "a nest like the given one",
    "key_get": "whatever stands there",
    "custom_op": "an operator, or what makes one of a function",
    "register_kernel": "the function, or what takes one",
    "register_fake": "the function, or what takes one",
    "impl_abstract": "the function, or what takes one",
}
"""What may return anything, and why."""
PROGRAM = Path(__file__).with_name("typed_program.py")
STRICT = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": ["."]}
needs_pyright = pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright comes with lineal[dev] alone")


@pytest.mark.parametrize("title", SPACES)
def test_a_signature_says_what_comes(title):
    things = [(name, thing) for name, thing in REFERENCE["things"](SPACES[title]) if not isinstance(thing, type)]
    silent = [
        name
        for name, thing in things
        if inspect.signature(thing).return_annotation in UNTOLD and not typing.get_overloads(inspect.unwrap(thing))
    ]
    assert set(silent) - set(ANYTHING) == set()


def test_the_typed_program_runs():
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "all of it ran"), done.stderr


def checked(folder: Path, program: str) -> list[dict]:
    """Return what pyright has against a program in strict mode, lineal being an installed package."""
    (folder / "pyrightconfig.json").write_text(json.dumps(STRICT), encoding="utf-8")
    (folder / "program.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": where()})
    try:
        found = json.loads(done.stdout)
    except ValueError:
        pytest.fail(f"pyright gave no answer: {done.stdout}{done.stderr}")
    assert found["summary"]["filesAnalyzed"] == 1
    return found["generalDiagnostics"]


def where() -> str:
    """Return a search path on which the lineal that is tested comes first."""
    return os.pathsep.join([str(Path(lineal.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])


@needs_pyright
@pytest.mark.slow
def test_a_program_of_a_user_checks_in_strict_mode(tmp_path):
    program = PROGRAM.read_text(encoding="utf-8") + "\n\nassert_type(torch.ones(2), int)  # which it is not\n"
    told = [f"{each['range']['start']['line'] + 1}: {each['message']}" for each in checked(tmp_path, program)]
    assert told == [f'{len(program.splitlines())}: "assert_type" mismatch: expected "int" but received "Tensor"']
