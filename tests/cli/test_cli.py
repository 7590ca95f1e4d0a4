"""The command `lineal`: what it prints, where, and with which exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from entering import call

import lineal
from lineal import cli, data
from lineal.base.threads import THREAD_VARIABLES
from lineal.base.version import __version__
from lineal.cli import training
from lineal.train import CHECKPOINT
from lineal.train.experiment import Experiment
from lineal.train.options import Options

SMALL = ["--hidden", "8", "--batch-size", "200"]


def command(*argv):
    return [sys.executable, "-m", "lineal", *map(str, argv)]


INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("lineal", run_name="__main__", alter_sys=True)
"""
"""The command, which hears an interrupt even if the tests run as a job that ignores it, as jobs of a script do."""


def test_version_and_help(capsys):
    assert call(capsys, "--version") == (0, f"lineal {__version__}\n", "")
    code, out, _ = call(capsys)
    assert code == 0
    assert "train" in out
    code, out, _ = call(capsys, "train", "--help")
    assert code == 0
    for option in ("epochs", "batch-size", "lr", "optimizer", "hidden", "seed", "out", "resume", "quiet", "no-plot"):
        assert f"--{option}" in out


def test_training_in_a_pipe(capsys, tmp_path):
    out_folder = tmp_path / "new" / "run"
    code, out, err = call(capsys, "train", *SMALL, "--epochs", 2, "--no-plot", "--out", out_folder)
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    lines = out.splitlines()
    assert re.fullmatch(r"epoch 1/2 loss \d\.\d{4} acc \d\.\d{4} test \d\.\d{4}", lines[0])
    assert all(len(line) <= 70 for line in lines if str(tmp_path) not in line)
    assert any(re.match(r"compiled +\d+\.\dx", line) for line in lines)
    table = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines[2:])
    assert table["epochs"] == "2"
    assert float(table["test accuracy"]) == pytest.approx(
        data.load(out_folder / CHECKPOINT)["history"][-1]["test_accuracy"], abs=1e-4
    )
    assert float(table["seconds"]) > 0
    assert int(table["samples per second"].replace(",", "")) > 0
    assert table["checkpoint"] == str(out_folder / CHECKPOINT)
    assert os.listdir(out_folder) == [CHECKPOINT]


def test_small_matrices_get_one_thread_unless_the_environment_says_otherwise(monkeypatch):
    before = lineal.get_num_threads()
    for name in THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with training.one_thread():
        assert lineal.get_num_threads() == 1
    assert lineal.get_num_threads() == before
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with training.one_thread():
        assert lineal.get_num_threads() == before


def test_quiet_prints_the_result_only(capsys, tmp_path):
    code, out, _ = call(capsys, "train", *SMALL, "--epochs", 2, "--no-plot", "--quiet", "--out", tmp_path)
    assert code == 0
    assert "epoch 1" not in out
    assert out.startswith("test accuracy")


def test_resuming(capsys, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    common = [*SMALL, "--seed", 3, "--no-plot", "--quiet"]
    assert call(capsys, "train", *common, "--epochs", 6, "--out", whole)[0] == 0
    assert call(capsys, "train", *common, "--epochs", 3, "--out", parts)[0] == 0
    code, out, _ = call(capsys, "train", "--resume", "--epochs", 6, "--no-plot", "--out", parts)
    assert code == 0
    assert out.startswith("epoch 4/6 ")
    one, other = (data.load(folder / CHECKPOINT) for folder in (whole, parts))
    for each in (one, other):
        del each["progress"]["seconds"], each["config"]["epochs"], each["stateful options"]["epochs"]
    assert repr(one) == repr(other)
    for name, tensor in one["model"].items():
        assert tensor.numpy().tobytes() == other["model"][name].numpy().tobytes()


def test_resuming_a_finished_run_shows_its_result(capsys, tmp_path):
    call(capsys, "train", *SMALL, "--epochs", 1, "--no-plot", "--out", tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    code, out, _ = call(capsys, "train", "--resume", "--no-plot", "--out", tmp_path)
    assert code == 0
    assert out.startswith("test accuracy")
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_figures(capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="the figures need matplotlib")
    _, out, _ = call(capsys, "train", *SMALL, "--epochs", 1, "--quiet", "--out", tmp_path)
    for name in ("learning-curve.png", "confusion.png"):
        assert str(tmp_path / name) in out
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_a_line_says_how_to_get_it(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(training.importlib.util, "find_spec", lambda name: None)
    code, out, _ = call(capsys, "train", *SMALL, "--epochs", 1, "--quiet", "--out", tmp_path)
    assert code == 0
    assert 'pip install "lineal[plot]"' in out
    assert os.listdir(tmp_path) == [CHECKPOINT]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["bogus"], "invalid choice: 'bogus'"),
        (["train", "--bogus"], "unrecognized arguments: --bogus"),
        (["train", "--epochs", "0"], "--epochs: expected a positive whole number, got '0'"),
        (["train", "--epochs", "many"], "--epochs: expected a positive whole number"),
        (["train", "--lr", "nan"], "--lr: expected a positive number"),
        (["train", "--hidden", "8,,8"], "--hidden: expected positive whole numbers with commas"),
        (["train", "--optimizer", "lbfgs"], "--optimizer: invalid choice"),
        (["train", "--seed", "-1"], "--seed"),
        (["train", "--out", ""], "--out: expected the path of a folder"),
        (["view", "--port", "65536", "runs"], "--port: expected a port from 1 to 65535"),
        (["run", "--json", "x.py"], "give --report, too"),
        (["train", "--resume", "--out", "nowhere"], "there is no checkpoint"),
        (["train", "--out", os.devnull + "/x"], "Not a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_give_one_line_and_exit_code_2(capsys, argv, message):
    code, out, err = call(capsys, *argv)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_damaged_checkpoint(capsys, tmp_path):
    call(capsys, "train", *SMALL, "--epochs", 1, "--no-plot", "--quiet", "--out", tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-20])
    code, out, err = call(capsys, "train", "--resume", "--out", tmp_path)
    assert (code, out) == (2, "")
    assert str(path) in err
    assert "damaged" in err
    assert err.count("\n") == 1


def test_options_that_contradict_the_checkpoint(capsys, tmp_path):
    call(capsys, "train", *SMALL, "--epochs", 1, "--no-plot", "--quiet", "--out", tmp_path)
    code, _, err = call(capsys, "train", "--resume", "--hidden", "9", "--out", tmp_path)
    assert code == 2
    assert "hidden: the run to resume has 8" in err
    assert err.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_an_interrupt_keeps_the_checkpoint(tmp_path, quiet):
    options = ["--epochs", "100000", "--no-plot", *quiet, "--out", str(tmp_path)]
    argv = [sys.executable, "-c", INTERRUPTIBLE, "train", *SMALL, *options]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 60
            while not (tmp_path / CHECKPOINT).exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            # otherwise, a process that does not stop would go on for hours
            process.kill()
    assert process.returncode == 130
    assert err.count("\n") == 1
    epoch = int(re.search(r"go on after epoch (\d+)", err)[1])
    assert data.load(tmp_path / CHECKPOINT)["history"][epoch - 1 :]
    assert os.listdir(tmp_path) == [CHECKPOINT]


def test_an_interrupt_before_the_checkpoint_names_the_one_that_is_there(tmp_path):
    experiment = Experiment(Options(hidden=(4,), batch_size=500), tmp_path)
    assert "before the first checkpoint" in training.interruption(experiment, tmp_path)
    experiment.trainer.run_epoch(experiment.loader)
    assert "go on after epoch 1 with" in training.interruption(experiment, tmp_path)


def test_an_interrupt_right_behind_the_checkpoint_knows_of_it(tmp_path, monkeypatch):
    def interrupted(state, path):
        data.save(state, path)
        raise KeyboardInterrupt

    experiment = Experiment(Options(hidden=(4,), batch_size=500), tmp_path)
    monkeypatch.setattr("lineal.train.trainer.save", interrupted)
    for epoch in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            experiment.trainer.run_epoch(experiment.loader)
        assert f"go on after epoch {epoch} with" in training.interruption(experiment, tmp_path)


@pytest.mark.parametrize("width", [1, 20, 40, 200])
def test_a_narrow_terminal_hides_nothing(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    cli.display.show_rows([("samples per second", "12,345"), ("checkpoint", "runs/digits/checkpoint.safetensors")])
    shown = re.sub(r"\x1b\[[0-9;]*m|\s", "", capsys.readouterr().out)
    for words in ("samplespersecond", "12,345", "checkpoint"):
        assert words in shown


@pytest.mark.skipif(os.name != "posix", reason="closes a POSIX pipe")
def test_a_reader_that_leaves_is_no_traceback(tmp_path):
    argv = command("train", *SMALL, "--epochs", 2000, "--no-plot", "--out", tmp_path)
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert err == b""


def test_info(capsys):
    code, out, err = call(capsys, "info")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    table = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in out.splitlines())
    assert table["lineal"] == __version__
    assert table["Python"].startswith(".".join(map(str, sys.version_info[:3])))
    for name in ("numpy", "scipy", "llvmlite", "BLAS of numpy", "threads", "CPU", "devices"):
        assert table[name]


def test_cache(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LINEAL_CACHE", str(tmp_path))
    code, out, err = call(capsys, "cache")
    assert (code, err) == (0, "") and str(tmp_path) in out and "holds   0 of" in out
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "abcd.o").write_bytes(b"x" * 1000)
    assert "holds   1 of" in call(capsys, "cache")[1]
    code, out, _ = call(capsys, "cache", "--clear")
    assert code == 0 and "removed  1 files" in out and not list(tmp_path.glob("*/*.o"))


@pytest.mark.slow
def test_a_warmed_cache_is_full_and_needs_nothing_more(tmp_path):
    counts = []
    for _ in range(2):
        command = [sys.executable, "-m", "lineal", "cache", "--warm"]
        subprocess.run(command, env=os.environ | {"LINEAL_CACHE": str(tmp_path)}, capture_output=True, check=True)
        counts.append(len(list(tmp_path.glob("*/*.o"))))
    assert counts[0] == counts[1] > 20


def test_help_needs_no_package_that_is_slow_to_import():
    code = (
        "import sys, json\n"
        "from lineal.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('\\n' + json.dumps([name for name in ('rich.console', 'matplotlib', 'torch') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_module_is_the_command():
    done = subprocess.run(command("--version"), capture_output=True, text=True, check=True)
    assert done.stdout == f"lineal {lineal.__version__}\n"


def test_no_compile_runs_eagerly(capsys, tmp_path):
    code, out, err = call(capsys, "train", *SMALL, "--epochs", 1, "--no-plot", "--no-compile", "--out", tmp_path)
    assert (code, err) == (0, "")
    assert not any(line.startswith("compiled") for line in out.splitlines())


def test_bench_prints_a_table(capsys):
    code, out, err = call(capsys, "bench", "regression", "--rounds", 1)
    assert (code, err) == (0, "")
    assert "medians of 1 interleaved rounds" in out
    assert "Linear regression" in out
    found = json.loads(call(capsys, "bench", "regression", "--rounds", 1, "--json")[1])
    assert found["rounds"] == 1 and found["seconds"]["regression"]["lineal"] > 0
    code, out, err = call(capsys, "bench", "nothing")
    assert code == 2
    assert err.count("\n") == 1
