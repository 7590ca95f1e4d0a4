"""A rank that goes wrong: the other one hears of it soon, and by its number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_two_processes import alone, mpiexec, start

PROGRAM = Path(__file__).with_name("faulty.py")
SOON = 2.0

WAYS = {
    "dies": "DistBackendError all_reduce: rank 1 (process ",
    "raises": "DistBackendError all_reduce: rank 1 has failed: KeyError: 'lost', for which rank 0 waits in all_reduce(",
    "ends": "DistBackendError all_reduce: rank 1 has left the group, for which rank 0 waits",
    "late": "DistBackendError all_reduce: timed out after 0:00:00.500000",
    "messages": "DistBackendError recv: rank 1 has left the group, for which rank 0 waits in recv(float32, [1], from 1)",
    "monitored": "RuntimeError monitored_barrier: Rank 1 failed to pass monitoredBarrier in 200 ms",
}


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
def test_the_other_rank_is_told(how, tmp_path):
    processes = start(PROGRAM, tmp_path, how, "gloo")
    try:
        text = processes[0].communicate(timeout=60)[0]
    finally:
        processes[1].kill()
        processes[1].communicate()
    assert processes[0].returncode == 0 and WAYS[how] in text, text
    assert float(text.rpartition("after ")[2]) < SOON


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "words"),
    {"ends": WAYS["ends"][:52], "raises": "rank 1 has failed: MPI stops all ranks", "late": WAYS["late"]}.items(),
)
def test_the_other_rank_is_told_or_stopped_by_mpi(how, words, tmp_path):
    done = subprocess.run(mpiexec(PROGRAM, how, "mpi"), capture_output=True, text=True, timeout=60, env=alone(tmp_path))
    assert words in done.stdout + done.stderr, done
    assert (done.returncode != 0) == (how == "raises")


@pytest.mark.slow
def test_a_rank_that_does_not_come_is_named(tmp_path):
    code = (
        "from datetime import timedelta; from lineal import distributed as dist; "
        "dist.init_process_group('gloo', init_method='tcp://localhost:1', rank=0, world_size=3, timeout=timedelta(seconds=0.2))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "DistNetworkError: init_process_group: ranks [1, 2] of 3 have not come" in done.stderr


SCRIPT = """
import os, sys
import torch
import torch.distributed as dist
dist.init_process_group(backend="gloo")
x = torch.full((2,), float(dist.get_rank() + 1))
dist.all_reduce(x)
open(f"{sys.argv[1]}/{os.environ['LOCAL_RANK']}", "w").write(str(x.tolist()))
if len(sys.argv) > 2 and dist.get_rank() == 1:
    raise ValueError("enough")
dist.barrier()
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_launch_starts_ranks_and_tells_of_one_that_fails(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "lineal", "launch", "-n", "3", str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [(tmp_path / str(rank)).read_text() for rank in range(3)] == ["[6.0, 6.0]"] * 3
    done = subprocess.run([*command, "fail"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "rank 1 (exit code 1)" in done.stderr.splitlines()[-1]
    assert "barrier: rank 1 has failed: ValueError: enough, for which rank 0 waits in barrier()" in done.stderr
