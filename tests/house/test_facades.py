"""What a program asks or sets before it computes: devices, determinism, random state, names of older versions."""

import pytest

import lineal
from lineal.autograd import Variable


def test_the_usual_choice_of_a_device_is_the_cpu():
    accelerator = lineal.accelerator
    device = accelerator.current_accelerator().type if accelerator.is_available() else "cpu"
    assert lineal.ones(2, device=device).device == lineal.device("cpu")
    assert accelerator.device_count() == lineal.cuda.device_count() == 0
    assert accelerator.current_accelerator() is None
    assert accelerator.synchronize() is None


def test_switches_say_what_they_were_told():
    try:
        lineal.use_deterministic_algorithms(True)
        assert lineal.are_deterministic_algorithms_enabled()
        lineal.set_float32_matmul_precision("high")
        assert lineal.get_float32_matmul_precision() == "high"
        with pytest.raises(RuntimeError, match="expected highest, high or medium, got 'low'"):
            lineal.set_float32_matmul_precision("low")
    finally:
        lineal.use_deterministic_algorithms(False)
        lineal.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("enabled", [True, False])
def test_a_fork_of_the_random_state(enabled):
    lineal.random.manual_seed(3)
    with lineal.random.fork_rng(enabled=enabled):
        inside = lineal.rand(2)
    assert lineal.equal(inside, lineal.rand(2)) is enabled


def test_a_variable_is_a_leaf_over_the_same_memory():
    t = lineal.ones(2)
    v = Variable(t, requires_grad=True)
    assert v.requires_grad
    assert not t.requires_grad
    t[0] = 5
    assert v.tolist() == [5.0, 1.0]
