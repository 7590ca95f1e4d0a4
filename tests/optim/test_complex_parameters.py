"""A complex parameter is optimised as its two real parts are, by every optimizer, with every option, eager and compiled."""

import numpy as np
import pytest

import lineal as torch

OPTIONS = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, {"maximize": True}],
    "Adam": [{}, {"amsgrad": True}, {"weight_decay": 0.1}, {"maximize": True}, {"foreach": True, "capturable": True}],
    "AdamW": [{}, {"amsgrad": True, "weight_decay": 0.1}, {"maximize": True}, {"betas": (0.5, 0.6), "eps": 1e-3}],
    "RMSprop": [
        {},
        {"centered": True},
        {"momentum": 0.9},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.1, "maximize": True},
    ],
    "Adagrad": [{}, {"lr_decay": 0.1, "weight_decay": 0.1}, {"initial_accumulator_value": 0.5}, {"maximize": True}],
    "Adadelta": [{"weight_decay": 0.1}],
    "Adamax": [{"weight_decay": 0.1}],
    "NAdam": [{"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{"weight_decay": 0.1, "maximize": True}],
    "Rprop": [{}],
    "ASGD": [{"lambd": 0.1, "t0": 3.0, "weight_decay": 0.1}],
}
CASES = [(name, options) for name, each in OPTIONS.items() for options in each]


def start(dtype, size=3):
    generator = np.random.default_rng(0)
    return torch.from_numpy((generator.normal(size=size) + 1j * generator.normal(size=size)).astype(dtype))


def loss(real, imag):
    return ((real * 3) ** 2 + (imag + 1) ** 2 + real * imag).sum()


def trained(optimizer, parameters, parts, compiled, steps=8):
    def step():
        optimizer.zero_grad()
        y = loss(*parts())
        y.backward()
        optimizer.step()
        return y

    run = torch.compile(step) if compiled else step
    for _ in range(steps):
        run()
    return [each.detach().numpy() for each in parameters]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_both_parts_are_parameters(name, options, dtype, compiled):
    z = torch.nn.Parameter(start(dtype))
    a, b = (torch.nn.Parameter(part.clone()) for part in (start(dtype).real, start(dtype).imag))
    make = lambda parameters: getattr(torch.optim, name)(parameters, lr=0.1, **options)
    (whole,) = trained(make([z]), [z], lambda: (z.real, z.imag), compiled)
    real, imag = trained(make([a, b]), [a, b], lambda: (a, b), False)
    np.testing.assert_allclose(whole, real + 1j * imag, rtol=1e-4 if dtype == np.complex64 else 1e-12)


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_large_parameters_too(name):
    size = 2**18
    z = torch.nn.Parameter(start(np.complex128, size))
    a, b = (torch.nn.Parameter(part.clone()) for part in (start(np.complex128, size).real, start(np.complex128, size).imag))
    make = lambda parameters: getattr(torch.optim, name)(parameters, lr=0.1)
    (whole,) = trained(make([z]), [z], lambda: (z.real, z.imag), False, 2)
    real, imag = trained(make([a, b]), [a, b], lambda: (a, b), False, 2)
    np.testing.assert_allclose(whole, real + 1j * imag, rtol=1e-12)


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_their_state_is_complex_and_can_be_loaded(name):
    z = torch.nn.Parameter(start(np.complex64))
    optimizer = getattr(torch.optim, name)([z], lr=0.1)
    trained(optimizer, [z], lambda: (z.real, z.imag), False)
    other = getattr(torch.optim, name)([z], lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    for before, after in zip(optimizer.state[z].values(), other.state[z].values()):
        assert before.dtype == after.dtype and torch.equal(before, after)
        assert before.ndim == 0 or before.is_complex()
