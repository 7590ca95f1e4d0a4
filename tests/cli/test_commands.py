"""What the command line says of itself: help, completion, JSON, exit codes, reports of faults."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from entering import call

from lineal.base.version import __version__
from lineal.cli import bugreport, completion
from lineal.cli import main as entry
from lineal.cli.arguments import SHELLS
from lineal.cli.commands import COMMANDS, FIRST_STEPS

ROOT = Path(__file__).parents[2]
NAMES = [each.name for each in COMMANDS]


def process(*argv, **options):
    return subprocess.run([sys.executable, "-m", "lineal", *map(str, argv)], capture_output=True, text=True, **options)


@pytest.fixture
def script(tmp_path):
    """A program that prints, by itself and by another process, and takes a logarithm of zero."""
    path = tmp_path / "train.py"
    text = "import os, torch\nprint('hello')\nos.system('echo there')\n"
    path.write_text(f"{text}print(torch.log(torch.softmax(torch.tensor([0.0, 200.0]), -1)))\n", encoding="utf-8")
    return path


def test_the_command_alone_says_what_one_can_do(capsys):
    code, out, err = call(capsys)
    assert (code, err) == (0, "") and __version__ in out
    assert all(each in out for each in FIRST_STEPS) and len(FIRST_STEPS) == 3
    assert [each for each in NAMES if not re.search(rf"^  {each}  +\w", out, re.MULTILINE)] == []


@pytest.mark.parametrize("columns", [40, 80])
def test_help_is_as_narrow_as_the_terminal(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for argv in ([], ["--help"], *([name, "--help"] for name in NAMES)):
        code, out, _ = call(capsys, *argv)
        assert code == 0
        assert [line for line in out.splitlines() if len(line) > columns] == [], argv


def test_every_command_has_examples_that_are_understood(capsys):
    parser = entry.make_parser()
    for each in COMMANDS:
        assert each.examples and all(line in call(capsys, each.name, "--help")[1] for line in each.examples)
        for line in each.examples:
            inner = re.search(r"lineal ([^|>)]*)", line)[1]
            assert parser.parse_args(shlex.split(inner)).command == each.name


def test_exit_codes_are_those_of_the_page():
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)
    assert {int(code): words for code, words in rows} == entry.EXIT_CODES
    assert [each for each in NAMES if f"lineal {each}" not in page] == []


def test_results_as_json(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LINEAL_CACHE", str(tmp_path / "cache"))
    found = json.loads(call(capsys, "info", "--json")[1])
    assert found["lineal"] == __version__ and found["numpy"]
    found = json.loads(call(capsys, "cache", "--clear", "--json")[1])
    assert found["folder"] == str(tmp_path / "cache") and found["removed"] >= 0
    assert 0 <= found["pieces"] <= found["most_pieces"] and 0 <= found["bytes"] <= found["most_bytes"]
    path = tmp_path / "model.py"
    path.write_text("import torch\ntorch.no_such_function(1)\n", encoding="utf-8")
    code, out, _ = call(capsys, "check", "--json", path)
    missing = {"file": str(path), "line": 2, "what": "torch.no_such_function is missing"}
    assert code == 1 and json.loads(out) == {"missing": [missing]}


def test_trainings_as_json(capsys, tmp_path):
    small = ["--hidden", "8", "--batch-size", "400", "--epochs", "1", "--no-plot", "--json", "--out", tmp_path]
    code, out, err = call(capsys, "train", *small)
    found = json.loads(out)
    assert (code, err) == (0, "") and 0 <= found["test"]["accuracy"] <= 1 and found["epochs"] == 1
    assert Path(found["checkpoint"]).exists() and found["figures"] == []


@pytest.mark.slow
def test_several_trainings_as_json(capsys, tmp_path):
    small = ["--hidden", "8", "--batch-size", "400", "--epochs", "1", "--no-plot", "--json", "--out", tmp_path]
    found = json.loads(call(capsys, "train", *small, "--seeds", 2)[1])
    assert found["test"]["accuracy"].keys() == {"mean", "deviation", "least", "greatest"}
    found = json.loads(call(capsys, "train", *small, "--find-lr")[1])
    assert found["learning_rate"] > 0 and len(found["rates"]) == len(found["losses"])


@pytest.mark.parametrize("command", ["doctor", pytest.param("advise", marks=pytest.mark.slow)])
def test_what_a_script_prints_does_not_mix_with_json(script, command):
    done = process(command, "--json", script)
    assert done.returncode == 1 and "hello\n" in done.stderr and "there\n" in done.stderr
    found = json.loads(done.stdout)["advice" if command == "advise" else "findings"]
    assert found[0]["where"].startswith(f"{script}:4")


@pytest.mark.slow
def test_a_report_as_json(script):
    done = process("run", "--report", "--json", script)
    assert done.returncode == 0 and done.stdout.startswith("hello\n")
    assert "torch.softmax" in json.loads(done.stderr)["used"]


def test_numbers_that_json_has_not_are_null(capsys):
    entry.cli.display.show_json({"a": [float("nan"), 1.5, {"b": float("inf")}]})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.5, {"b": None}]}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="opens a pseudo-terminal")
def test_no_color_means_no_colours(tmp_path):
    pty = pytest.importorskip("pty")
    shown = {}
    for name in ("with", "without"):
        env = {each: value for each, value in os.environ.items() if each not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
        env |= {"TERM": "xterm-256color", "COLUMNS": "40"} | ({"NO_COLOR": "1"} if name == "without" else {})
        primary, secondary = pty.openpty()
        argv = ["train", "--hidden", "8", "--batch-size", "400", "--epochs", "2", "--no-plot", "--out", str(tmp_path / name)]
        with subprocess.Popen([sys.executable, "-m", "lineal", *argv], stdout=secondary, stderr=secondary, env=env) as running:
            os.close(secondary)
            parts = []
            try:
                while part := os.read(primary, 4096):
                    parts.append(part)
            except OSError:
                # Linux says so that the other end is closed
                pass
        os.close(primary)
        assert running.returncode == 0
        shown[name] = b"".join(parts)
    colour = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)[;m]")
    assert colour.search(shown["with"]) and not colour.search(shown["without"])
    assert b"samples per second" in shown["without"]


def test_tables_in_narrow_terminals_are_lines(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    entry.cli.display.show_table(["workload", "lineal", "torch / lineal"], [["a long name of a workload", "1.5", "2.0"]])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "a long name of a" in shown and "torch / lineal" in shown and max(map(len, shown.splitlines())) <= 42


@pytest.mark.parametrize("shell", SHELLS)
def test_completion(capsys, shell):
    pytest.importorskip("shtab")
    code, out, err = call(capsys, "completion", shell)
    assert (code, err) == (0, "")
    assert all(name in out for name in NAMES) and "accumulate" in out


ASKED = {
    "bash": "source {0}; COMP_WORDS=(lineal do); COMP_CWORD=1; _shtab_lineal; echo ${{COMPREPLY[@]}}; "
    "COMP_WORDS=(lineal cache --c); COMP_CWORD=2; _shtab_lineal; echo ${{COMPREPLY[@]}}",
    "fish": "source {0}; complete -C 'lineal do'; complete -C 'lineal cache --c'",
}
"""What asks a shell for what it completes, by the path of the script."""


@pytest.mark.parametrize("shell", ASKED)
def test_completion_completes(capsys, tmp_path, shell):
    pytest.importorskip("shtab")
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    script = tmp_path / "completion"
    script.write_text(call(capsys, "completion", shell)[1], encoding="utf-8")
    done = subprocess.run([shell, "-c", ASKED[shell].format(script)], capture_output=True, text=True, check=False)
    first = [line.split()[0] for line in done.stdout.splitlines()]
    assert (first, done.stderr) == (["doctor", "--clear"], "")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_completion_of_zsh_is_read(capsys, tmp_path):
    pytest.importorskip("shtab")
    script = tmp_path / "_lineal"
    script.write_text(call(capsys, "completion", "zsh")[1], encoding="utf-8")
    assert subprocess.run(["zsh", "-n", str(script)], capture_output=True, check=True).stderr == b""


def test_completion_says_what_it_needs(capsys, monkeypatch):
    monkeypatch.setattr(completion.importlib.util, "find_spec", lambda name: None)
    code, out, err = call(capsys, "completion", "bash")
    assert (code, out) == (2, "") and 'pip install "lineal[completion]"' in err
    assert importlib.util is completion.importlib.util


def test_a_report_of_a_fault_names_versions_and_seed(capsys):
    found = json.loads(call(capsys, "bug-report", "--json", "--seed", 3, "--out", "-")[1])
    assert found["versions"]["lineal"] == __version__ and found["seed"] == 3 and "script" not in found
    assert call(capsys, "bug-report", "nowhere.py")[0] == 2


@pytest.mark.slow
def test_a_report_of_a_fault_is_one_file(capsys, monkeypatch, tmp_path, script):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAL_CACHE", str(tmp_path / "cache"))
    code, out, err = call(capsys, "bug-report", "--seed", 7, script)
    assert (code, out) == (0, "") and "lineal-bug-report.md" in err
    text = Path("lineal-bug-report.md").read_text(encoding="utf-8")
    assert f"* lineal: {__version__}" in text and "Seed: 7" in text and "of 16,384 pieces of code" in text
    assert "torch.softmax" in text and "not finite" in text and "exit code 1" in text and "hello" in text
    assert str(tmp_path) not in text and str(Path.home()) + "/" not in text and str(ROOT) not in text


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ('File "/home/Ann Smith/secret/train.py", line 3', 'File "…/train.py", line 3'),
        ("/srv/ann/site-packages/numpy/core.py:7", "…/core.py:7"),
        ("compiled: /home/ann/.cache/lineal: 4 pieces", "compiled: …/lineal: 4 pieces"),
        (r"C:\Users\ann\train.py", "…/train.py"),
        ("y = a / b / c; https://example.org/a/b docs/reporting.md 1/2", None),
    ],
)
def test_paths_are_cut_to_their_last_name(text, cut):
    assert bugreport.anonymous({"a": text}) == {"a": text if cut is None else cut}


def test_a_script_that_hangs_is_stopped(monkeypatch, tmp_path):
    path = tmp_path / "hangs.py"
    path.write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    monkeypatch.setattr(bugreport, "LONG", 0.2)
    assert "stopped after 0.2 seconds" in bugreport.examined(0, path, [])
