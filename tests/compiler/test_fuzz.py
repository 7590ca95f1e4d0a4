"""Random programs, compiled against eager: results, gradients, parameters, buffers and written inputs, call after call."""

import warnings

import numpy as np
import pytest
from harness import bits_apart, scale_of
from programs import Program

import lineal as torch
from lineal.compiler import compile, passes

CALLS = (0, 1, 2)
CALLS_BRANCHING = (0, 1, 2, 2, 0, 1)
"""The numbers that calls are given; a function that branches meets those of a branch again."""
RELATIVE = {"float32": 3e-3, "float64": 1e-8}
"""How far apart numbers may be, relative to the largest: rounding grows on the way, as the narrowest dtype has it."""


def compared(program, off=()):
    """Run a program eagerly and compiled, on states of their own, and compare everything after each call."""
    states = [program.state() for _ in range(2)]
    eager, compiled = program.function(*states[0]), compile(program.function(*states[1]))
    narrow = "float32" in str(program)
    with warnings.catch_warnings(), passes.without(*off):
        warnings.simplefilter("ignore")
        for turn in CALLS_BRANCHING if program.branches else CALLS:
            given = [program.inputs(turn) for _ in range(2)]
            found = []
            for function, inputs, (parameters, buffers) in zip((eager, compiled), given, states):
                torch.manual_seed(turn)
                results = function(*inputs)
                # an eager result may be a parameter itself, which is written here
                shown = [x.detach().clone() for x in results]
                if program.outside:
                    program.learn(results, parameters)
                grads = [each.grad for each in parameters if each.grad is not None]
                found.append([x.detach() for x in (*shown, *inputs, *parameters, *buffers, *grads)])
            agree(found, RELATIVE["float32" if narrow else "float64"], turn)
    return compiled


def agree(found, relative, turn):
    """Raise unless all tensors of both lists agree."""
    expected, given = found
    assert len(expected) == len(given), "another number of grads"
    scale = scale_of([x.value for x in expected])
    for n, (x, y) in enumerate(zip(expected, given)):
        assert x.shape == y.shape and x.dtype == y.dtype, (
            f"tensor {n}: {y.dtype}{list(y.shape)}, eager {x.dtype}{list(x.shape)}"
        )
        apart = bits_apart(y.value, x.value, scale)
        limit = relative / np.finfo(x.value.dtype).eps if x.value.dtype.kind == "f" else 0
        assert apart <= limit, (
            f"call {turn}, tensor {n}: {apart} ulp apart, eager {x.flatten()[:6]}, compiled {y.flatten()[:6]}"
        )


def run(seeds, off=()):
    eager = 0
    for seed in seeds:
        program = Program(seed)
        try:
            eager += compared(program, off).eager is not None
        except Exception as error:
            error.add_note(f"program {seed}:\n{program}")
            raise
    assert eager == 0, f"{eager} programs were left to run eagerly"


def test_random_programs():
    run(range(25))


@pytest.mark.parametrize("off", sorted(passes.PASSES))
@pytest.mark.slow
def test_random_programs_without_a_pass(off):
    run(range(5000, 5010), (off,))


def test_random_programs_without_any_pass():
    run(range(6000, 6010), passes.PASSES)


@pytest.mark.slow
@pytest.mark.parametrize("off", sorted(passes.PASSES))
def test_many_random_programs_without_a_pass(off):
    run(range(5010, 5020), (off,))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(2))
def test_many_random_programs(block):
    run(range(10_000 + 100 * block, 10_100 + 100 * block))
