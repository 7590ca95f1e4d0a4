"""The two libraries: PyTorch, with its table of sample inputs, and the one under test."""

import importlib
import os
import random

import numpy as np
import pytest

WANTED = "parity needs PyTorch and its sample inputs: pip install 'lineal[parity]'"
torch = pytest.importorskip("torch", reason=WANTED)
pytest.importorskip("expecttest", reason=WANTED)
op_db = pytest.importorskip("torch.testing._internal.common_methods_invocations", reason=WANTED).op_db

# PARITY_SUBJECT=torch holds PyTorch against itself, which proves the harness: every line must be green.
subject = importlib.import_module(os.environ.get("PARITY_SUBJECT", "lineal"))

DTYPES = ("float64", "float32", "int64", "bool", "complex128")
HALF = ("nn.functional.", "special.", "fft.", "signal.")  # the families that are held to parity in bfloat16 too
MOST_SAMPLES = 60


def dtypes_of(op):
    """Return the dtypes in which an op is held to parity, where PyTorch has them."""
    return (*DTYPES, "bfloat16") if op.name.startswith(HALF) else DTYPES


def full_name(op):
    return f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name


def seed():
    """Make sample inputs the same in every run; PyTorch's generators draw from all three sources."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)


def differentiates(op, dtype):
    theirs = getattr(torch, dtype)
    inexact = theirs.is_floating_point or theirs.is_complex
    return inexact and op.supports_autograd and theirs in op.backward_dtypes


def samples(op, dtype):
    """Return at most MOST_SAMPLES of an op's sample inputs, evenly spaced."""
    seed()
    drawn = list(op.sample_inputs("cpu", getattr(torch, dtype), requires_grad=differentiates(op, dtype)))
    if len(drawn) <= MOST_SAMPLES:
        return drawn
    return [drawn[int(i)] for i in np.linspace(0, len(drawn) - 1, MOST_SAMPLES)]


def error_inputs(op):
    seed()
    return list(op.error_inputs("cpu")) if op.error_inputs_func is not None else []
