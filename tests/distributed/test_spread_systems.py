"""Systems that are spread over ranks: the same bits for any number of them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_two_processes import alone, mpiexec, start

import lineal
from lineal.base.tree import leaves

PROGRAM = Path(__file__).with_name("spread.py")


def ran(folder: Path, size: int, *names: str) -> dict[str, Any]:
    """Return what so many ranks find, by some methods or all."""
    processes = start(PROGRAM, folder, str(folder), "gloo", *names, size=size)
    texts = [each.communicate(timeout=200)[0] for each in processes]
    assert [each.returncode for each in processes] == [0] * size, "\n".join(texts)
    return lineal.load(folder / f"found{size}.pt")


def compare(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Hold all numbers to be the same bits."""
    for name, values in one.items():
        for a, b in zip(leaves(values), leaves(other[name]), strict=True):
            if name in ("cgls", "lsqr", "lsmr", "minres_qlp", "second") and isinstance(a, lineal.Tensor):
                # derivatives of products, not of solves, add up what comes back from others
                assert lineal.allclose(a, b, rtol=1e-9, atol=1e-12)
            else:
                assert lineal.equal(a, b) if isinstance(a, lineal.Tensor) else a == b, name


def check_refusals(found: dict[str, Any]) -> None:
    """Methods that look at all of a matrix or vector say that they cannot; a singular block is told on all ranks."""
    told = found["others"][2]
    assert len(told) == 15 and not [each for each in told if each.endswith("nothing")], told
    assert "damped: NotImplementedError" in told and "Kronecker: NotImplementedError" in told
    assert "singular: LinAlgError" in told and "eigsh: NotImplementedError" in told and "rows: RuntimeError" in told


def test_one_and_two_ranks_find_the_same_bits(tmp_path):
    one, two = (ran(tmp_path, size, "cg", "gmres") for size in (1, 2))
    compare(one, two)
    check_refusals(two)
    plain, preconditioned = one["cg"][3:]
    assert preconditioned < plain


@pytest.mark.slow
@pytest.mark.parametrize("size", [3, 4])
def test_more_ranks_find_the_same_bits(size, tmp_path):
    compare(ran(tmp_path, 1), ran(tmp_path, size))


@pytest.mark.slow
def test_ranks_of_mpi_find_the_same_bits(tmp_path):
    done = subprocess.run(
        mpiexec(PROGRAM, str(tmp_path), "mpi"), capture_output=True, text=True, timeout=200, env=alone(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    compare(ran(tmp_path, 1), lineal.load(tmp_path / "found2.pt"))
