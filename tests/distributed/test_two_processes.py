"""Two ranks that share memory, or use MPI: what collectives give, and what becomes of mistakes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import lineal
from lineal.distributed import ReduceOp

PROGRAM = Path(__file__).with_name("programs.py")
DONE, PATIENCE = "done", 200
FUNCTIONS = {
    "SUM": np.add,
    "AVG": lambda a, b: (a + b) / 2,
    "PRODUCT": np.multiply,
    "MIN": np.minimum,
    "MAX": np.maximum,
    "BAND": np.bitwise_and,
    "BOR": np.bitwise_or,
    "BXOR": np.bitwise_xor,
}


def alone(folder: Path) -> dict[str, str]:
    """Return the environment of processes that use one thread each, and meet in a folder."""
    folder.chmod(0o700)
    return {**os.environ, "OMP_NUM_THREADS": "1", "XDG_RUNTIME_DIR": str(folder)}


def mpiexec(program: Path, *arguments: str, size: int = 2) -> list[str]:
    """Return the command that runs the ranks of a program by MPI; skip the test where there is none."""
    pytest.importorskip("mpi4py")
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        pytest.skip("needs mpiexec")
    return [found, "-n", str(size), sys.executable, str(program), *arguments]


def start(program: Path, folder: Path, *arguments: str, size: int = 2) -> list[subprocess.Popen]:
    """Start the ranks of a program."""
    told = {"WORLD_SIZE": str(size), "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
    given = {**alone(folder), **told}
    return [
        subprocess.Popen(
            [sys.executable, str(program), *arguments],
            env={**given, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(size)
    ]


@pytest.fixture(scope="module", params=["gloo", pytest.param("mpi", marks=pytest.mark.slow)])
def found(tmp_path_factory, request):
    """Return what each rank gives; all programs run once, though several workers have tests that look at it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return ran(tmp_path_factory.mktemp("ranks"), request.param)
    folder = tmp_path_factory.getbasetemp().parent / f"ranks-{request.param}"
    try:
        folder.mkdir()
    except FileExistsError:
        until = time.monotonic() + PATIENCE
        while not (folder / DONE).exists() and time.monotonic() < until:
            time.sleep(0.1)
        return given(folder)
    try:
        return ran(folder, request.param)
    finally:
        (folder / DONE).touch()


def ran(folder: Path, backend: str) -> list[dict]:
    """Run all programs; return what each rank gives."""
    if backend == "mpi":
        subprocess.run(mpiexec(PROGRAM, str(folder), "mpi"), check=True, timeout=PATIENCE, env=alone(folder))
        return given(folder)
    processes = start(PROGRAM, folder, str(folder), "gloo")
    texts = [each.communicate(timeout=PATIENCE)[0] for each in processes]
    assert [each.returncode for each in processes] == [0, 0], "\n".join(texts)
    assert not list((folder / "lineal").iterdir())
    return given(folder)


def given(folder: Path) -> list[dict]:
    """Return what the ranks have put into files."""
    return [lineal.load(folder / f"{rank}.pt", weights_only=False) for rank in range(2)]


def expected(name: str, op: str, size: int) -> object:
    """Return what a reduction of two ranks' numbers gives, by NumPy."""
    dtype = getattr(lineal, name.removeprefix("torch."))
    a, b = ((lineal.arange(size) % 7 + 3 * rank).to(dtype) for rank in range(2))
    if dtype.is_complex and op not in ("SUM", "AVG"):
        return "ValueError"
    if dtype.is_floating_point and op[0] == "B":
        return "RuntimeError"
    if op == "AVG" and not (dtype.is_floating_point or dtype.is_complex):
        return "RuntimeError"
    wide = lineal.float32 if dtype.is_floating_point else dtype
    return lineal.tensor(FUNCTIONS[op](a.to(wide).numpy(), b.to(wide).numpy())).to(dtype).tolist()


def test_every_reduction_of_every_dtype(found):
    assert found[0]["reductions"] == found[1]["reductions"]
    for name, op, size, value in found[0]["reductions"]:
        assert value == expected(name, op, size), (name, op, size)
    assert {op for _, op, _, _ in found[0]["reductions"]} == {op.name for op in ReduceOp} - {"PREMUL_SUM"}


def test_a_sum_of_several_steps_is_begun_and_waited_for(found):
    total = sum(2 * (n % 7) + 3 for n in range(140002))
    assert found[0]["large"] == found[1]["large"] == [total, True]


def test_tensors_are_moved(found):
    first, second = (each["movements"] for each in found)
    assert first["all_gather"] == second["all_gather"] == [[[1.0], [2.0]], [[11.0], [12.0]]]
    assert first["all_gather_into_tensor"] == [1.0, 2.0, 11.0, 12.0]
    assert first["broadcast"] == [11.0, 12.0]
    assert [first["scatter"], second["scatter"]] == [[1.0, 2.0], [2.0, 3.0]]
    assert [first["gather"], second["gather"]] == [[], [[1.0, 2.0], [11.0, 12.0]]]
    assert [first["reduce"], second["reduce"]] == [[1.0, 2.0], [12.0, 14.0]]
    assert [first["reduce_scatter_tensor"], second["reduce_scatter_tensor"]] == [12.0, 14.0]
    assert [first["reduce_scatter"], second["reduce_scatter"]] == [[12.0, 14.0], [24.0, 28.0]]
    assert [first["all_to_all_single"], second["all_to_all_single"]] == [[0.0, 1.0, 10.0], [2.0, 11.0]]
    assert [first["all_to_all"], second["all_to_all"]] == [[[0.0], [1.0]], [[0.0, 0.0], [1.0, 1.0]]]


def test_objects_are_sent(found):
    assert found[0]["objects"] == [[1.0, 1.0], ["a"], [1, "x"], [None], None]
    assert found[1]["objects"] == [[1.0, 1.0], ["b" * 9], [1, "x"], [{1, 2}], 0]


def test_messages_are_matched_by_tag(found):
    assert found[0]["messages"] == [1.0] and found[1]["messages"] == [0, 0, True, [1.0, 1.0], 0.0]


def test_groups_of_some_ranks(found):
    assert found[0]["groups"] == [-1, 1, [1, 0], 3.0, True]
    assert found[1]["groups"] == [0, 0, [1, 0], 3.0, False]


def test_calls_that_differ_are_told_on_both_ranks(found):
    for rank, told in enumerate(each["mistakes"] for each in found):
        shape, dtype, call, sizes, message, after = told
        assert "rank 0: all_reduce(float32, [2], SUM) at" in shape and "rank 1: all_reduce(float32, [3], SUM)" in shape
        assert "programs.py" in shape and "all_reduce(float64, [2], SUM)" in dtype
        assert "rank 0: broadcast(float32, [2], from 0)" in call and "rank 1: all_reduce" in call
        assert "rank 0 gives rank 1 3 elements, where that takes 1" in sizes
        assert message == "none" if rank == 0 else "has sent float32 [2], where float32 [3] is expected" in message
        assert after == "[2.0, 2.0]"


def test_training_equals_that_of_one_process(found):
    first, second = (each["training"] for each in found)
    for name in ("two", "compiled"):
        assert first[name] == second[name]
        for a, b in zip(first["one"], first[name]):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(first["accumulated"], first["joined"], rtol=1e-5)
    assert first["accumulated"] == second["accumulated"]
    assert first["synced"] == second["synced"]
    for a, b in zip(lineal.base.tree.leaves(first["normed"]), lineal.base.tree.leaves(first["synced"])):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert first["own"] != second["own"], "buffers come from the first rank before a call, and then move with the batch"


def test_unused_parameters(found):
    first, second = (each["training"] for each in found)
    assert first["unused"] == second["unused"] == [[[1.0, 1.0]], [[1.0, 1.0]], None]
    assert "parameters parts.1.weight, parts.2.weight have received no gradient" in first["careless"]
    assert "parameter weight is torch.float32 [1, 2] on rank 0, where rank 1 has weight" in second["other model"]


def test_ranks_that_wait_for_each_other_give_up(found):
    for told in (each["deadlocks"] for each in found if "deadlocks" in each):
        assert all(each.startswith("DistBackendError") and "ranks wait for each other" in each for each in told)
        assert "rank 0: waits for 1 in recv(float32, [2], from 1)" in told[0]
        assert "rank 1: waits for 0 in all_reduce(float32, [2], SUM)" in told[0] and "in barrier()" in told[1]


def test_state_of_an_optimizer_is_spread(found):
    first, second = (each["spread"] for each in found)
    assert first["spread"] == second["spread"]
    for a, b in zip(first["alone"], first["spread"]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert first["kept"] + second["kept"] == 4 and first["kept"] and second["kept"]
    assert first["states"] == [0, 1, 2, 3] and "consolidate_state_dict(to=0)" in first["unconsolidated"]
    assert first["again"][0] == first["kept"] and first["again"][1] == 0.0125
    assert first["again"][2] == second["again"][2] != first["spread"]
