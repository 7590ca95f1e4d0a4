"""What other threads do while a function is traced does not make a program forget the state that the function read."""

import gc
import threading
from types import SimpleNamespace

import pytest

import lineal as torch
from lineal.compiler.capturing import trace


class Waiting:
    """Garbage whose finalizer waits, and with it the thread that collects it."""

    def __init__(self):
        self.itself, self.begun, self.end = self, threading.Event(), threading.Event()

    def __del__(self):
        self.begun.set()
        self.end.wait(30)


@pytest.fixture
def collecting():
    """Let another thread be amid a garbage collection for the time of a test."""
    garbage = Waiting()
    begun, end = garbage.begun, garbage.end
    del garbage
    thread = threading.Thread(target=gc.collect)
    thread.start()
    assert begun.wait(30)
    yield
    end.set()
    thread.join()


def collect_elsewhere():
    """Let another thread collect garbage, and wait for it."""
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()


def test_state_that_is_young_is_followed_while_another_thread_collects(collecting):
    kept = SimpleNamespace(scale=2.0, ops=[torch.sin])
    step = torch.compile(lambda x: kept.ops[0](x) * kept.scale)
    x = torch.arange(3.0)
    assert torch.equal(step(x), torch.sin(x) * 2) and torch.equal(step(x), torch.sin(x) * 2)
    assert step.eager is None and step.programs
    kept.scale = 3.0
    assert torch.equal(step(x), torch.sin(x) * 3)
    kept.ops[0] = torch.cos
    assert torch.equal(step(x), torch.cos(x) * 3)


def test_a_young_argument_may_be_written_while_another_thread_collects(collecting):
    step = torch.compile(lambda x: x.add_(1.0))
    for _ in range(5):
        x = torch.zeros(3)
        assert torch.equal(step(x), torch.ones(3))
    assert step.eager is None and step.programs


def test_a_constant_made_in_a_call_amid_a_collection_is_not_taken_for_state(monkeypatch):
    def accumulated(x):
        total = torch.tensor([1.0, 2.0])
        total.add_(x)
        return total

    leave = trace.Hearing.__exit__

    def left(*given):
        leave(*given)
        collect_elsewhere()

    monkeypatch.setattr(trace.Hearing, "__exit__", left)
    step = torch.compile(accumulated)
    x = torch.ones(2)
    with pytest.warns(UserWarning, match="another thread collects garbage"):
        for _ in range(5):
            assert torch.equal(step(x), torch.tensor([2.0, 3.0]))


def test_the_collector_waits_until_the_last_thread_leaves():
    one, other = trace.Still(), trace.Still()
    assert gc.isenabled()
    one.__enter__()
    other.__enter__()
    one.__exit__()
    assert not gc.isenabled()
    other.__exit__()
    assert gc.isenabled()
