"""The options of the commands, as argparse reads them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lineal.bench.workloads import WORKLOADS
from lineal.train.config import AMP
from lineal.train.options import MODELS, OPTIMIZERS, SCHEDULES, Options

DEFAULTS = Options()
LOGS = ("csv", "jsonl", "tensorboard")
SHELLS = ("bash", "zsh", "fish")


def count(text: str) -> int:
    """Read a positive int."""
    return number(text, int, "a positive whole number", lambda value: value > 0)


def port(text: str) -> int:
    """Read the number of a port."""
    return number(text, int, "a port from 1 to 65535", lambda value: 0 < value < 1 << 16)


def several(text: str) -> int:
    """Read an int of 2 or more."""
    return number(text, int, "a whole number from 2 on", lambda value: value > 1)


def seed(text: str) -> int:
    """Read a seed."""
    return number(text, int, "a whole number from 0 to 2**63 - 1", lambda value: 0 <= value < 2**63)


def rate(text: str) -> float:
    """Read a learning rate."""
    return number(text, float, "a positive number", lambda value: 0 < value < math.inf)


def number(text: str, kind, expected: str, holds):
    """Read a number of which `holds` is true."""
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not holds(value):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return value


def sizes(text: str) -> tuple[int, ...]:
    """Read the sizes of the hidden layers."""
    try:
        return tuple(count(each) for each in text.split(","))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"expected positive whole numbers with commas, as in 128,64, got {text!r}") from None


def chosen(names: Iterable[str], default: str) -> str:
    """Return in words which names may be chosen."""
    return f"{', '.join(names)} (default {default})"


def folder(text: str) -> Path:
    """Read the path of a folder; "" would be the folder one stands in, which is rarely meant."""
    if not text:
        raise argparse.ArgumentTypeError("expected the path of a folder, got ''")
    return Path(text)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option for programs that read what a command says."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else, to stdout")


def add_caching(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal cache`."""
    parser.add_argument("--warm", action="store_true", help="compile what eager code asks for in most programs, now")
    parser.add_argument("--clear", action="store_true", help="remove all compiled code, before anything is warmed")
    add_json(parser)


def add_completing(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal completion`."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal bug-report`."""
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="seed of the random numbers (default 0)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write; - is stdout (default lineal-bug-report.md, or .json)"
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of Markdown")
    parser.add_argument("script", nargs="?", type=Path, metavar="SCRIPT", help="a Python file that shows the fault")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="what the script is given")


def add_viewing(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal view`."""
    parser.add_argument(
        "--input",
        dest="inputs",
        action="append",
        default=[],
        type=shape,
        metavar="SHAPE",
        help="an input, as 8,64 or 8,16:int64 (random numbers; zeros of a whole-number dtype); may be repeated",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write one HTML file instead of serving a page")
    parser.add_argument("--port", type=port, default=0, metavar="P", help="port of the page (default any)")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="open no browser, only print the address")
    add_json(parser)
    parser.add_argument(
        "what",
        nargs="+",
        metavar="WHAT",
        help="FILE.py:NAME of a model or a function, or the folders or .jsonl, .csv and event files of runs",
    )


def shape(text: str) -> tuple[tuple[int, ...], str]:
    """Read a shape and a dtype's name, as in 8,64 or 8,16:int64; a colon alone stands for a number."""
    sizes, _, dtype = text.partition(":")
    try:
        return tuple(int(each) for each in sizes.split(",") if sizes), dtype or "float32"
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a shape as in 8,64 or 8,16:int64, got {text!r}") from None


def add_examining(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal doctor`."""
    add_json(parser)
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="seed of the random numbers (default 0)")
    parser.add_argument("script", type=Path, metavar="SCRIPT", help="the Python file to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="what the script is given")


def add_running(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal run`."""
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module, as of python -m")
    parser.add_argument("--compile", action="store_true", help="compile what the script marks with torch.compile")
    parser.add_argument("--report", action="store_true", help="say at the end, to stderr, which names were used and missing")
    parser.add_argument("--json", action="store_true", help="let the report be one line of JSON")
    parser.add_argument("script", metavar="SCRIPT", help="the Python file to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="what the script is given")


def add_launching(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal launch`, by torchrun's names too."""
    words = "number of processes (default 1); torchrun's --nproc-per-node is the same"
    parser.add_argument("-n", "--processes", type=count, default=1, metavar="N", help=words)
    hidden: Any = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
    parser.add_argument("--nproc-per-node", "--nproc_per_node", dest="processes", type=count, **hidden)
    parser.add_argument("--master-port", "--master_port", dest="port", type=port, metavar="P", help="MASTER_PORT (default any)")
    parser.add_argument("--standalone", action="store_true", help="for torchrun's sake: processes of one machine they are")
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module, as of python -m")
    parser.add_argument("script", metavar="SCRIPT", help="the Python file to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="what the script is given")


def add_advising(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal advise`."""
    add_json(parser)
    parser.add_argument("script", metavar="SCRIPT", help="the Python file to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="what the script is given")
    parser.set_defaults(module=False)


def add_checking(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal check`."""
    add_json(parser)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="Python files, or folders of them")


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal train`; those of the run are None unless given, so that --resume can tell."""
    run = parser.add_argument_group("the run")
    run.add_argument("--data", metavar="PATH", help="a folder of images, a .csv or an .npz file (default the digits)")
    run.add_argument("--target", metavar="NAME", help="the column of a .csv file to be predicted (default the last)")
    run.add_argument("--model", choices=MODELS, metavar="NAME", help=chosen(MODELS, DEFAULTS.model))
    run.add_argument("--hidden", type=sizes, metavar="N,N", help="sizes of the hidden layers (default 128,64; 32,64 for cnn)")
    run.add_argument("--epochs", type=count, metavar="N", help=f"epochs in all (default {DEFAULTS.epochs})")
    run.add_argument("--batch-size", type=count, metavar="N", help=f"samples per batch (default {DEFAULTS.batch_size})")
    run.add_argument("--optimizer", choices=OPTIMIZERS, metavar="NAME", help=chosen(OPTIMIZERS, DEFAULTS.optimizer))
    run.add_argument("--lr", type=rate, metavar="X", help="learning rate (default 0.002, 0.05 for sgd)")
    run.add_argument(
        "--schedule", choices=SCHEDULES, metavar="NAME", help=f"of the learning rate: {chosen(SCHEDULES, DEFAULTS.schedule)}"
    )
    run.add_argument("--seed", type=seed, metavar="N", help=f"seed of the random numbers (default {DEFAULTS.seed})")
    run.add_argument("--accumulate", type=count, metavar="N", help="batches per step (default 1)")
    run.add_argument("--clip", type=rate, metavar="X", help="greatest norm of the gradient (default none)")
    run.add_argument("--average", type=rate, metavar="D", help="decay of a moving average of the weights (default none)")
    run.add_argument("--patience", type=count, metavar="N", help="stop when the test loss has not fallen for N epochs")
    run.add_argument("--amp", choices=AMP, metavar="DTYPE", help=f"automatic mixed precision: {chosen(AMP, 'none')}")
    run.add_argument(
        "--no-compile",
        dest="compiled",
        action="store_const",
        const=False,
        help="run every step eagerly, not as a native program",
    )
    whole = parser.add_argument_group("other than one run")
    whole.add_argument("--seeds", type=several, metavar="N", help="make N runs, with seeds that follow each other")
    whole.add_argument("--find-lr", action="store_true", help="only try learning rates, and show which to begin with")
    add_files(parser.add_argument_group("files and output"))


def add_files(files: argparse._ArgumentGroup) -> None:
    """Add the options of `lineal train` that say what it writes and shows."""
    files.add_argument(
        "--out",
        type=folder,
        default=Path("runs") / "digits",
        metavar="DIR",
        help="folder of the checkpoint and the figures (default ./runs/digits)",
    )
    files.add_argument("--resume", action="store_true", help="go on from the checkpoint in DIR")
    files.add_argument(
        "--log",
        action="append",
        choices=LOGS,
        metavar="KIND",
        help=f"write the numbers into DIR, too, as {', '.join(LOGS)}; may be repeated",
    )
    files.add_argument("--quiet", action="store_true", help="show no progress, only the result")
    files.add_argument("--no-plot", action="store_true", help="draw no figures")
    files.add_argument("--json", action="store_true", help="print the result as JSON, and no progress")


def workload(text: str) -> str:
    """Read the name of a workload."""
    if text not in WORKLOADS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(WORKLOADS)}, got {text!r}")
    return text


def add_measuring(parser: argparse.ArgumentParser) -> None:
    """Add the options of `lineal bench`."""
    add_json(parser)
    parser.add_argument("names", nargs="*", type=workload, metavar="NAME", help=f"of {', '.join(WORKLOADS)} (default all)")
    parser.add_argument("--rounds", type=count, default=25, metavar="N", help="interleaved rounds (default 25)")
    parser.add_argument("--torch-compile", action="store_true", help="compare with torch.compile, which takes long")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios into a PNG file (needs matplotlib)")
