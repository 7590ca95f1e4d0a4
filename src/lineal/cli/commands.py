"""The commands by name: what each is for, how it is called, and which module runs it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

from lineal.cli import arguments

__all__ = ["COMMANDS", "FIRST_STEPS", "Command"]


class Command(NamedTuple):
    """A command: its name, the module of `lineal.cli` whose `run` does it, what help says of it, and its options."""

    name: str
    module: str
    help: str
    description: str
    examples: tuple[str, ...]
    options: Callable[[argparse.ArgumentParser], None]


COMMANDS = (
    Command(
        "train",
        "training",
        "train a network on handwritten digits, or on data of your own",
        "Train a network on the handwritten digits that come with lineal, a folder of images, a table or arrays.",
        ("lineal train --epochs 5", "lineal train --model cnn --out runs/c", "lineal train --resume --epochs 60"),
        arguments.add_training,
    ),
    Command(
        "run",
        "script",
        "run a program written for PyTorch, with lineal in the place of torch",
        "Run a script or module in which `import torch` gives lineal; what lineal has not fails where it is used.",
        ("lineal run train.py --epochs 3", "lineal run -m package.module", "lineal run --report train.py"),
        arguments.add_running,
    ),
    Command(
        "launch",
        "launching",
        "run such a program in several processes of this machine, as torchrun does",
        "Run a script or module, as `lineal run` does, in several processes that compute together by torch.distributed.",
        ("lineal launch -n 2 train.py",),
        arguments.add_launching,
    ),
    Command(
        "check",
        "checking",
        "tell what a program written for PyTorch needs that lineal has not",
        "Read programs, without running them, and print the names of torch that are missing, a line each.",
        ("lineal check train.py models/", "lineal check --json train.py"),
        arguments.add_checking,
    ),
    Command(
        "advise",
        "advising",
        "run a program written for PyTorch and tell what in it is often a mistake",
        "Run a script under watch and print, line by line, what loses digits, ends in NaN or does not train.",
        ("lineal advise train.py --epochs 1",),
        arguments.add_advising,
    ),
    Command(
        "doctor",
        "doctor",
        "run a script and compare each call of a compiled function with eager code",
        "Run a script with every call of a compiled function compared with eager code and every access of its program to "
        "memory checked; note the lines where numbers stop being finite or few digits are left.",
        ("lineal doctor train.py", "lineal doctor --seed 7 train.py"),
        arguments.add_examining,
    ),
    Command(
        "view",
        "viewing",
        "show a model, a compiled function or the curves of runs in a browser",
        "Make a page of a model (its graph and layers), of a function (also the program that it became: loops, memory, "
        "times) or of runs (their curves, beside each other), and serve it to this machine alone, or write it into a file.",
        ("lineal view net.py:model --input 8,64", "lineal view runs/a runs/b", "lineal view runs/a --out curves.html"),
        arguments.add_viewing,
    ),
    Command(
        "bench",
        "bench",
        "measure compiled functions against the peers that are installed",
        "Measure compiled functions beside PyTorch and JAX, if they are installed, in one interleaved run.",
        ("lineal bench regression --rounds 9", "lineal bench --json > bench.json"),
        arguments.add_measuring,
    ),
    Command(
        "cache",
        "caching",
        "show, warm or clear the folder of compiled code",
        "Show how much compiled code is kept between runs; compile what most programs need, or remove all.",
        ("lineal cache", "lineal cache --clear --warm"),
        arguments.add_caching,
    ),
    Command(
        "info",
        "info",
        "show versions, BLAS, threads and devices",
        "Show what lineal runs on: versions, BLAS, threads, CPU, devices, cache.",
        ("lineal info", "lineal info --json"),
        arguments.add_json,
    ),
    Command(
        "bug-report",
        "bugreport",
        "write what a report of a fault needs into one file",
        "Write versions, the state of the cache, the seed and, of a script, what the doctor finds in it into one file. "
        "Absolute paths are cut to their last name; read it before you send it.",
        ("lineal bug-report", "lineal bug-report --seed 7 wrong.py"),
        arguments.add_reporting,
    ),
    Command(
        "completion",
        "completion",
        "print what lets a shell complete lineal's commands",
        "Print a script for a shell, by which it completes commands, options and files (needs shtab).",
        ('eval "$(lineal completion bash)"', "lineal completion fish | source"),
        arguments.add_completing,
    ),
)
FIRST_STEPS = {
    "lineal train": "train a network on digits",
    "lineal run train.py": "run a program of PyTorch's",
    "lineal doctor train.py": "look for wrong numbers in it",
}
"""The three commands that most people need."""
