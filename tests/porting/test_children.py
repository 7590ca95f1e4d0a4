"""Processes that a program for PyTorch starts, and which start anew, know lineal as `torch`."""

import subprocess
import sys

import pytest

PROGRAM = """
import torch
import torch.multiprocessing as mp
from torch.utils.data import DataLoader, Dataset, get_worker_info


class Squares(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, n):
        return torch.tensor([n * n, get_worker_info().id])


def work(i, shared):
    assert "lineal" in torch.__version__
    shared[i] += 5


if __name__ == "__main__":
    print([batch.tolist() for batch in DataLoader(Squares(), 2, num_workers=1, multiprocessing_context={method!r})])
    shared = torch.zeros(2).share_memory_()
    mp.start_processes(work, (shared,), nprocs=1, start_method={method!r})
    print(shared.tolist())
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("method", ["spawn", pytest.param("forkserver", marks=pytest.mark.slow)])
def test_a_program_starts_processes(method, tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(method=method))
    done = subprocess.run([sys.executable, "-m", "lineal", "run", script], capture_output=True, text=True, timeout=100)
    assert done.stdout.splitlines() == ["[[[0, 0], [1, 0]], [[4, 0], [9, 0]]]", "[5.0, 0.0]"], done.stderr
