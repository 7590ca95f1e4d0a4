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


def test_how_results_are_held_to_be_reproducible():
    try:
        lineal.set_deterministic_debug_mode("warn")
        assert lineal.get_deterministic_debug_mode() == 1 and lineal.is_deterministic_algorithms_warn_only_enabled()
        lineal.set_deterministic_debug_mode(2)
        assert lineal.are_deterministic_algorithms_enabled() and not lineal.is_deterministic_algorithms_warn_only_enabled()
        with pytest.raises(RuntimeError, match="expected one of"):
            lineal.set_deterministic_debug_mode("loud")
    finally:
        lineal.set_deterministic_debug_mode(0)


def test_what_is_asked_of_devices_that_are_not_there():
    x = lineal.ones(2)
    assert not (x.is_mps or x.is_xpu or x.is_xla or x.is_distributed())
    assert lineal.accelerator.memory_allocated() == lineal.cuda.memory_cached() == 0
    assert not lineal.cuda.is_current_stream_capturing() and not lineal.is_anomaly_enabled()
    with lineal.autograd.detect_anomaly(check_nan=False):
        assert lineal.is_anomaly_enabled() and not lineal.is_anomaly_check_nan_enabled()
    with lineal.backends.cuda.sdp_kernel(enable_flash=False):
        assert not lineal.backends.cuda.flash_sdp_enabled()
    assert lineal.backends.cuda.flash_sdp_enabled()
    with pytest.raises(RuntimeError, match="accelerator"):
        lineal.accelerator.get_memory_info()


def test_batch_norms_without_statistics():
    model = lineal.nn.Sequential(lineal.nn.BatchNorm1d(2), lineal.nn.Linear(2, 2))
    assert lineal.func.replace_all_batch_norm_modules_(model) is model
    assert model[0].running_mean is None and not model[0].track_running_stats
