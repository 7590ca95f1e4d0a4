"""Profiles: what really ran is heard, nothing else changes, and files are what other programs read."""

from __future__ import annotations

import cProfile
import gzip
import json
import sys

import pytest

import lineal
from lineal import nn
from lineal.core import opening
from lineal.profiler import ProfilerAction, profile, record_function, schedule, tensorboard_trace_handler


def training():
    """Return one step of a small training."""
    model = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = lineal.optim.SGD(model.parameters(), lr=0.1)
    x = lineal.randn(16, 8)

    def step():
        optimizer.zero_grad()
        with record_function("ahead"):
            loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


def names(recorded) -> list[str]:
    return [each.name for each in recorded.events()]


def test_ops_backward_nodes_and_steps_are_heard():
    step = training()
    with profile(record_shapes=True, profile_memory=True, with_flops=True, with_stack=True) as recorded:
        step()
    events = recorded.events()
    heard = names(recorded)
    for name in ("ahead", "AffineWithBias", "relu", "Mean", "backward", "AddmmBackward0", "AccumulateGrad"):
        assert name in heard
    assert "Optimizer.step#SGD.step" in heard
    product = events[heard.index("AffineWithBias")]
    assert product.cpu_parent.name == "ahead" and product.input_shapes == [[16, 8], [4, 8], [4]]
    assert product.flops == 16 * 4 * (2 * 8 + 1) and product.self_cpu_memory_usage == 16 * 4 * 4
    assert "test_profiles.py" in product.stack[0] and "step" in product.stack[0]
    affine = next(each for each in recorded.key_averages() if each.key == "AffineWithBias")
    assert affine.count == 2 and affine.cpu_time_total > 0


def test_times_of_parents_hold_those_of_their_children():
    step = training()
    with profile() as recorded:
        step()
    for event in recorded.events():
        start, end = event.time_range
        assert all(start <= each.time_range.start <= each.time_range.end <= end for each in event.cpu_children)
        assert event.self_cpu_time_total >= 0
    total = sum(each.cpu_time_total for each in recorded.events() if each.cpu_parent is None)
    assert recorded.events().self_cpu_time_total == pytest.approx(total)


def test_numbers_and_programs_are_the_same_under_a_profile():
    x = lineal.randn(64, 64)
    function = lineal.compile(lambda x: (x.exp() * 2).sum())
    wanted = [function(x) for _ in range(3)][-1]
    with profile() as recorded:
        found = function(x)
    assert lineal.equal(found, wanted) and names(recorded) == ["compiled <lambda>"]


def test_ops_that_pass_natively_are_heard():
    if opening.opening.house is None:
        opening.opening.prepare()
    x = lineal.randn(4, requires_grad=True)
    for _ in range(2 * opening.HOT):
        x.exp(), x * x
    with profile() as recorded:
        x.exp(), x * x
        with lineal.inference_mode():
            x.exp()
        x.exp()
    assert names(recorded) == ["exp", "mul", "exp", "exp"]


def test_an_op_that_fails_leaves_the_profile_whole():
    with profile() as recorded:
        with pytest.raises(RuntimeError):
            lineal.ones(2, 3) @ lineal.ones(2, 3)
        lineal.ones(2).exp()
    assert names(recorded)[-1] == "exp" and recorded.events()[-1].cpu_parent is None


def test_a_profile_ends_with_its_block_and_gives_back_what_listened():
    assert sys.getprofile() is None
    with pytest.raises(ValueError), profile():
        raise ValueError
    assert sys.getprofile() is None
    with profile(), pytest.raises(RuntimeError, match="another profile"), profile():
        pass
    unused = profile()
    with pytest.raises(AssertionError, match="nothing was recorded"):
        unused.events()


def test_a_profiler_of_pythons_goes_on_afterwards():
    outer = cProfile.Profile()
    outer.enable()
    with profile() as recorded:
        lineal.ones(2).exp()
    training()
    outer.disable()
    assert names(recorded)[-1] == "exp"
    assert any(getattr(each.code, "co_name", "") == "training" for each in outer.getstats())


def test_schedules_say_what_each_step_is_for():
    action = schedule(skip_first=1, wait=1, warmup=1, active=2, repeat=1)
    none, warm, record, save = ProfilerAction
    assert [action(n) for n in range(7)] == [none, none, warm, record, save, none, none]
    with pytest.raises(AssertionError):
        schedule(wait=0, warmup=0, active=0)


def test_each_recording_of_a_schedule_is_handed_over(tmp_path):
    step, seen = training(), []
    write = tensorboard_trace_handler(str(tmp_path), "worker")

    def ready(recorded):
        seen.append(sorted({name for name in names(recorded) if name.startswith("ProfilerStep")}))
        write(recorded)

    with profile(schedule=schedule(wait=1, warmup=0, active=2, repeat=2), on_trace_ready=ready) as recorded:
        for _ in range(8):
            step()
            recorded.step()
    assert seen == [["ProfilerStep#1", "ProfilerStep#2"], ["ProfilerStep#4", "ProfilerStep#5"]]
    assert len(list(tmp_path.glob("worker.*.pt.trace.json"))) == 2


@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_a_trace_of_chromes(tmp_path, name):
    step = training()
    with profile(record_shapes=True) as recorded:
        step()
    recorded.add_metadata_json("settings", '{"lr": 0.1}')
    recorded.export_chrome_trace(str(tmp_path / name))
    written = (tmp_path / name).read_bytes()
    trace = json.loads(gzip.decompress(written) if name.endswith("gz") else written)
    events = [each for each in trace["traceEvents"] if each["ph"] == "X"]
    assert trace["settings"] == {"lr": 0.1} and len(events) == len(recorded.events())
    assert all({"name", "ts", "dur", "pid", "tid", "cat"} <= set(each) for each in events)


def test_stacks_for_flame_graphs(tmp_path):
    step = training()
    with profile(with_stack=True) as recorded:
        step()
    recorded.export_stacks(str(tmp_path / "stacks"))
    lines = (tmp_path / "stacks").read_text().splitlines()
    assert lines and all(int(line.rpartition(" ")[2]) > 0 for line in lines)
    with pytest.raises(ValueError, match="metric should be one of"):
        recorded.export_stacks(str(tmp_path / "stacks"), "time")


def test_tables_show_the_greatest_first():
    step = training()
    with profile(profile_memory=True) as recorded:
        step()
    averages = recorded.key_averages()
    text = averages.table(sort_by="count", row_limit=3, header="counts")
    assert text.startswith("===") and "Self CPU Mem" in text and len(text.splitlines()) == 10
    assert text.splitlines()[5].split()[0] == max(averages, key=lambda each: each.count).key
    assert averages.total_average().count == len(recorded.events())
    with pytest.raises(AttributeError):
        averages.table(sort_by="length")


def test_what_is_only_of_other_devices_is_said():
    with pytest.warns(UserWarning, match="no other device"):
        profile(activities=[lineal.profiler.ProfilerActivity.CPU, lineal.profiler.ProfilerActivity.CUDA])
    with pytest.raises(NotImplementedError, match="experimental_config"):
        profile(experimental_config=1)
    with pytest.raises(NotImplementedError), lineal.autograd.profiler.emit_nvtx():
        pass


def test_the_older_profile():
    step = training()
    with lineal.autograd.profiler.profile() as recorded:
        step()
    assert "relu" in str(recorded) and recorded.self_cpu_time_total > 0
    off = lineal.autograd.profiler.profile(enabled=False)
    with off:
        step()
    with pytest.raises(RuntimeError, match="finish"):
        off.table()
