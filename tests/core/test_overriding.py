"""Classes with `__torch_function__`; and that nobody pays who has none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_classes_with_torch_function_are_asked():
    program = Path(__file__).with_name("overriding_program.py")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("checks passed"), done.stderr


def test_plain_functions_and_parameters_ask_nobody():
    program = "import lineal, sys; lineal.nn.Linear(2, 2)(lineal.ones(2)); print('lineal.overrides' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr
