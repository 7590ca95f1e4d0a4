"""A group of one process: collectives copy, what would need another process is refused."""

from __future__ import annotations

import pytest

import lineal
from lineal import distributed as dist
from lineal.nn.parallel import DistributedDataParallel


@pytest.fixture
def group(monkeypatch):
    """Form the default group for a test."""
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    dist.init_process_group("gloo")
    yield dist.group.WORLD
    dist.destroy_process_group()


def test_what_the_group_is(group):
    assert (dist.is_available(), dist.is_initialized(), dist.get_rank(), dist.get_world_size()) == (True, True, 0, 1)
    some = dist.new_group([0])
    assert dist.get_backend(some) == "gloo" and dist.get_global_rank(some, 0) == 0
    assert dist.get_process_group_ranks(some) == [0]
    dist.destroy_process_group(some)
    with pytest.raises(ValueError, match="Invalid process group"):
        dist.get_rank(some)


def test_after_the_end_there_is_none():
    assert not dist.is_initialized() and dist.group.WORLD is None
    for ask in (dist.get_rank, dist.get_world_size, dist.barrier, lambda: dist.all_reduce(lineal.ones(2))):
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            ask()
    with pytest.raises(AssertionError):
        dist.destroy_process_group()


COPIES = {
    "all_gather": lambda y, x: dist.all_gather([y], x),
    "all_gather_into_tensor": dist.all_gather_into_tensor,
    "gather": lambda y, x: dist.gather(x, [y], dst=0),
    "scatter": lambda y, x: dist.scatter(y, [x], src=0),
    "reduce_scatter": lambda y, x: dist.reduce_scatter(y, [x]),
    "reduce_scatter_tensor": dist.reduce_scatter_tensor,
    "all_to_all": lambda y, x: dist.all_to_all([y], [x]),
    "all_to_all_single": dist.all_to_all_single,
}


@pytest.mark.parametrize("name", COPIES)
def test_collectives_of_one_process_copy(group, name):
    x, y = lineal.randn(2, 3), lineal.zeros(2, 3)
    COPIES[name](y, x)
    assert lineal.equal(x, y)
    with pytest.raises(RuntimeError, match="shape"):
        COPIES[name](lineal.zeros(4), x)
    with pytest.raises(ValueError, match="different dtypes"):
        COPIES[name](lineal.zeros(2, 3, dtype=lineal.int32), x)


def test_reductions_of_one_process_change_nothing(group):
    x = lineal.tensor([1.0, 2.0])
    for op in (dist.ReduceOp.SUM, dist.ReduceOp.AVG, dist.ReduceOp.MAX):
        assert dist.all_reduce(x, op) is None and x.tolist() == [1.0, 2.0]
    work = dist.all_reduce(x, async_op=True)
    assert work.wait() and work.is_completed() and work.get_future().done()
    with pytest.raises(RuntimeError, match="non-integral"):
        dist.all_reduce(x, dist.ReduceOp.BAND)
    with pytest.raises(TypeError, match="list"):
        dist.all_reduce([1.0])
    with pytest.raises(ValueError, match="Rank 1"):
        dist.broadcast(x, src=1)


def test_objects_arrive_as_copies(group):
    thing, found = {"a": [1]}, [None]
    dist.all_gather_object(found, thing)
    assert found == [thing] and found[0]["a"] is not thing["a"]
    dist.scatter_object_list(found, ["word"], src=0)
    assert found == ["word"]


def test_what_is_not_told_or_not_there_is_refused(monkeypatch, group):
    with pytest.raises(ValueError, match="twice"):
        dist.init_process_group("gloo")
    dist.destroy_process_group()
    with pytest.raises(NotImplementedError, match=r"rank 1 of 4 processes.*need MPI"):
        dist.init_process_group("gloo", init_method="tcp://192.0.2.1:29501", rank=1, world_size=4)
    with pytest.raises(RuntimeError, match="UCC"):
        dist.init_process_group("ucc")
    with pytest.raises(ValueError, match="rank 4 of 4 processes"):
        dist.init_process_group("gloo", rank=4, world_size=4)
    with pytest.raises(ValueError, match="rank parameter missing"):
        dist.init_process_group("gloo", init_method="tcp://127.0.0.1:29501", world_size=1)
    with pytest.warns(UserWarning, match="no NCCL"):
        dist.init_process_group("nccl")
    assert dist.get_backend() == "gloo"
    dist.destroy_process_group()
    monkeypatch.delenv("RANK")
    with pytest.raises(ValueError, match="RANK expected"):
        dist.init_process_group("gloo")
    dist.init_process_group("gloo", init_method="tcp://127.0.0.1:29501", rank=0, world_size=1)


def test_messages_need_another_process(group):
    with pytest.raises(ValueError, match="Invalid destination rank"):
        dist.send(lineal.ones(1), 0)
    with pytest.raises(ValueError, match="no other rank"):
        dist.recv(lineal.ones(1))


def test_a_module_in_one_process_is_called_as_it_is(group):
    model = lineal.nn.Linear(2, 1)
    wrapped = DistributedDataParallel(model)
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"]
    with wrapped.no_sync():
        wrapped(lineal.ones(3, 2)).sum().backward()
    assert model.weight.grad.tolist() == [[3.0, 3.0]]
    with pytest.raises(RuntimeError, match="not needed"):
        DistributedDataParallel(lineal.nn.ReLU())
    with pytest.raises(ValueError, match="device_ids"):
        DistributedDataParallel(model, device_ids=[0])


def test_a_module_asks_for_a_group():
    with pytest.raises(ValueError, match="init_process_group"):
        DistributedDataParallel(lineal.nn.Linear(1, 1))
