"""Three ranks: sums in shares, and groups that not all are in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from test_two_processes import alone, mpiexec, start

PROGRAM = Path(__file__).with_name("several.py")


@pytest.mark.slow
def test_three_ranks_that_share_memory(tmp_path):
    processes = start(PROGRAM, tmp_path, "gloo", size=3)
    texts = [each.communicate(timeout=120)[0] for each in processes]
    assert [each.returncode for each in processes] == [0, 0, 0], "\n".join(texts)


@pytest.mark.slow
def test_three_ranks_of_mpi(tmp_path):
    done = subprocess.run(mpiexec(PROGRAM, "mpi", size=3), capture_output=True, text=True, timeout=120, env=alone(tmp_path))
    assert done.returncode == 0, done.stderr
