"""Hooks for all modules: their order, what they may replace, and that programs notice them."""

import contextlib

import pytest

import lineal
from lineal import nn
from lineal.nn.modules import module as hooks
from lineal.testing import assert_close


@contextlib.contextmanager
def registered(register, hook, **options):
    handle = register(hook, **options)
    try:
        yield
    finally:
        handle.remove()


def test_they_run_before_those_of_the_module():
    heard = []
    layer = nn.Linear(1, 1)
    layer.register_forward_pre_hook(lambda *given: heard.append("own before"))
    layer.register_forward_hook(lambda *given: heard.append("own after"))
    with (
        registered(hooks.register_module_forward_pre_hook, lambda *given: heard.append("before")),
        registered(hooks.register_module_forward_hook, lambda *given: heard.append("after")),
    ):
        layer(lineal.ones(1, 1))
    layer(lineal.ones(1, 1))
    assert heard == ["before", "own before", "after", "own after", "own before", "own after"]


def test_they_replace_inputs_outputs_and_grads():
    x = lineal.ones(1, requires_grad=True)
    with (
        registered(hooks.register_module_forward_pre_hook, lambda module, args: args[0] * 2),
        registered(hooks.register_module_forward_hook, lambda module, args, y: y + 1),
        registered(hooks.register_module_full_backward_pre_hook, lambda module, grads: (grads[0] * 3,)),
        registered(hooks.register_module_full_backward_hook, lambda module, grads, _: (grads[0] * 5,)),
    ):
        y = nn.Identity()(x)
        y.backward()
    assert y.item() == 3.0
    assert x.grad.item() == 30.0


def test_what_is_registered_is_seen():
    heard = []

    def hear(module, name, member):
        heard.append(name)

    with (
        registered(hooks.register_module_parameter_registration_hook, hear),
        registered(hooks.register_module_buffer_registration_hook, hear),
        registered(hooks.register_module_module_registration_hook, lambda module, name, each: nn.Identity()),
    ):
        net = nn.Sequential(nn.BatchNorm1d(2))
    assert heard == ["running_mean", "running_var", "num_batches_tracked", "weight", "bias"]
    assert type(net[0]) is nn.Identity


def test_programs_notice_them():
    layer = nn.Identity()
    compiled = lineal.compile(lambda x: layer(x) * 2)
    x = lineal.ones(2)
    for _ in range(3):
        assert_close(compiled(x), x * 2)
    with registered(hooks.register_module_forward_hook, lambda module, args, y: y + 1):
        for _ in range(3):
            assert_close(compiled(x), x * 2 + 2)
    assert_close(compiled(x), x * 2)


def test_one_that_is_always_called_runs_after_an_error():
    heard = []
    last = registered(hooks.register_module_forward_hook, lambda *given: heard.append(given[2]), always_call=True)
    with last, pytest.raises(RuntimeError):
        nn.Linear(2, 1)(lineal.ones(3))
    assert heard == [None]
