"""A training process that is killed at random instants and started again ends with the same bits as one that is left alone."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lineal.train import CHECKPOINT

PROGRAM = Path(__file__).with_name("killed_program.py")
KILLS = int(os.environ.get("LINEAL_KILLS", "10"))
"""How often the process is killed; more for a longer look."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(30 * KILLS + 300)]


def started(folder: Path, *how: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, PROGRAM, folder, *how], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    return out


@pytest.mark.parametrize("how", [(), ("eager",)], ids=["compiled", "eager"])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, how):
    expected = ended(started(tmp_path / "whole", *how))
    # the second time, programs come from the cache
    begin = time.monotonic()
    assert ended(started(tmp_path / "again", *how)) == expected
    duration = time.monotonic() - begin
    instants = random.Random(7)
    kills = runs = 0
    folder = tmp_path / "run 0"
    while kills < KILLS:
        process = started(folder, *how)
        time.sleep(instants.uniform(0.4, 1.0) * duration)
        process.kill()
        out, err = process.communicate(timeout=60)
        if process.returncode == 0:
            # it was faster, and has come to its end: so another one begins
            assert (out, err) == (expected, "")
            runs += 1
            folder = tmp_path / f"run {runs}"
        else:
            kills += 1
            assert err == ""
    assert ended(started(folder, *how)) == expected
    steps = [json.loads(each) for each in (folder / "steps.jsonl").read_text().splitlines()]
    assert [each["step"] for each in steps if "epoch" not in each] == list(range(1, 41))
    assert [each.name for each in folder.iterdir() if each.suffix == ".part"] == []
    assert (folder / CHECKPOINT).exists()
