"""`lineal run` and `lineal check`: programs written for PyTorch."""

import subprocess
import sys

import pytest

from lineal.cli import main as entry
from lineal.porting.reading import findings

SCRIPT = """
import argparse, sys
import torch
import torch.monitor
from torch import nn
parser = argparse.ArgumentParser()
parser.add_argument("--stop", default="")
args = parser.parse_args()

@torch.compile
def step(x):
    return torch.linalg.qr(x)[0].sum()

print(__name__, sys.argv[1:], [float(step(torch.eye(20))) for _ in range(3)])
if args.stop == "missing":
    nn.NoSuchLayer(3)
if args.stop == "error":
    1 / 0
if args.stop:
    sys.exit(args.stop if args.stop == "words" else int(args.stop))
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def call(*argv, **options):
    return subprocess.run([sys.executable, "-m", "lineal", *map(str, argv)], capture_output=True, text=True, **options)


def test_a_script_runs_compiled_with_a_report(script):
    done = call("run", "--compile", "--report", script)
    assert done.returncode == 0 and done.stdout == "__main__ [] [20.0, 20.0, 20.0]\n"
    lines = done.stderr.splitlines()
    assert lines[0] == "used 4 names: torch.compile torch.eye torch.linalg.qr torch.nn" or "torch.linalg.qr" in lines[0]
    assert lines[1:] == [
        "not there, imported at train.py:4 and not used: torch.monitor",
        "compiled step: 1 programs, host steps: QR",
    ]


def test_a_module_runs_and_its_exit_code_comes_through(script):
    done = call("run", "-m", "train", "--stop", 3, cwd=script.parent)
    assert done.returncode == 3 and "['--stop', '3']" in done.stdout


def test_what_is_missing_is_one_line_that_says_where(script):
    done = call("run", script, "--stop", "missing")
    assert done.returncode == 1
    assert done.stderr.startswith("lineal run: train.py:16: torch.nn.NoSuchLayer is not in lineal")
    assert len(done.stderr.splitlines()) == 1


def test_errors_of_the_program_look_as_under_python(script):
    done = call("run", script, "--stop", "error")
    assert done.returncode == 1 and done.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert done.stderr.splitlines()[1].endswith('train.py", line 18, in <module>')
    assert call("run", "nowhere.py").returncode == 2


PROGRAM = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.no.such import Thing
from torch.optim import Adam, NoSuchOptimizer as Fancy
from torch.utils.data import *
try:
    import torch.none
except ImportError:
    pass

def f(x):
    torch.backends.cudnn.benchmark = True
    torch._dynamo.config.suppress_errors = True
    F.relu(x, inplace=True), torch.sum(x, axis=0), nn.Linear(2, 3, colour=1)
    x.to_padded_tensor(), x.names, torch.Tensor.no_such_method(x), torch.float32, torch.cuda.is_available()
    return Thing(x), Fancy, torch.no_such_function(x), nn.modules.linear.NoSuchLayer
"""


def test_a_program_is_read_for_what_is_missing(tmp_path, capsys):
    path = tmp_path / "model.py"
    path.write_text(PROGRAM, encoding="utf-8")
    assert [(each.line, each.what) for each in findings(path)] == [
        (16, "nn.Linear does not take colour="),
        (17, "Tensor.to_padded_tensor is missing, if this is a tensor's"),
        (17, "torch.Tensor.no_such_method is missing"),
        (18, "nn.modules.linear.NoSuchLayer is missing"),
        (18, "torch.no.such.Thing is missing"),
        (18, "torch.no_such_function is missing"),
        (18, "torch.optim.NoSuchOptimizer is missing"),
    ]
    assert entry.main(["check", str(tmp_path)]) == 1
    assert capsys.readouterr().out.startswith(f"{path}:16: nn.Linear does not take colour=\n")
    path.write_text("import torch\nx = torch.ones(3)\n", encoding="utf-8")
    assert entry.main(["check", str(path)]) == 0
    assert capsys.readouterr().out == "nothing is missing\n"
    own = "from torch.utils import data\nfrom torch.utils.data import Dataset\nimport torch\nprint(torch.torch.ones(1))\n"
    own += "class Dataset(Dataset):\n    pass\ndef read(data):\n    return Dataset(data.text, name=data.nothing)\n"
    path.write_text(own, encoding="utf-8")
    assert entry.main(["check", str(path)]) == 0
    assert capsys.readouterr().out == "nothing is missing\n"
    path.write_text("import torch\nx = (\n", encoding="utf-8")
    assert entry.main(["check", str(path)]) == 2
    assert "model.py:2" in capsys.readouterr().err
