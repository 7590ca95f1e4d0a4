"""The checking build: right programs pass it with the numbers they have, wrong memory plans, reads and writes are found."""

import warnings

import pytest
from programs import Program
from test_fuzz import compared

import lineal as torch
from lineal.compiler import checking, compile, memory, windows
from lineal.compiler.memcheck import MemoryFault


def checked(function, *given, calls=3):
    """Run a function compiled in the checking build; return what the last call gives."""
    with checking(), warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = compile(function)
        for _ in range(calls):
            found = compiled(*[x.clone() for x in given])
    assert compiled.eager is None
    return found


def chain(x):
    return (x @ x).softmax(-1).cumsum(0).sort(-1).values.flip(0)[1:] @ x + torch.cat([x.exp(), x.log1p()])[:1]


def sums(x):
    return x.sum(0), (x - x.mean(0)).square().sum(), x.amax(-1).cumprod(0)


@pytest.mark.parametrize("function", [chain, sums])
def test_right_programs_give_their_numbers(function):
    x = torch.linspace(0.1, 1, 35).reshape(7, 5)[:5]
    found, wanted = checked(function, x), function(x)
    for a, b in zip(*((y if isinstance(y, tuple) else (y,)) for y in (found, wanted))):
        assert torch.allclose(a, b, rtol=1e-4)


@pytest.mark.parametrize("block", range(2))
def test_random_programs_in_the_checking_build(block):
    with checking():
        for seed in range(20_000 + 10 * block, 20_010 + 10 * block):
            compared(Program(seed))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_many_random_programs_in_the_checking_build(block):
    with checking():
        for seed in range(21_000 + 50 * block, 21_050 + 50 * block):
            compared(Program(seed))


def test_memory_that_is_given_away_too_early_is_found(monkeypatch):
    lifetimes = memory.lifetimes

    def short(groups):
        born, dies = lifetimes(groups)
        return born, {base: born.get(base, last) for base, last in dies.items()}

    monkeypatch.setattr(memory, "lifetimes", short)
    with pytest.raises(MemoryFault):
        checked(chain, torch.rand(5, 5))


def test_parts_that_lie_elsewhere_are_found(monkeypatch):
    monkeypatch.setattr(windows.Base, "start", property(lambda base: 0))
    with pytest.raises(MemoryFault, match="nobody has written it"):
        checked(lambda x: torch.cat([x, x * 2]).sin(), torch.rand(3))


def test_writes_that_are_not_declared_are_found(monkeypatch):
    monkeypatch.setattr("lineal.compiler.memcheck.written_by", lambda group: [])
    with pytest.raises(MemoryFault, match="does not declare to write"):
        checked(lambda x: x.cumsum(0) * 2, torch.rand(3))


def test_reads_that_are_not_declared_are_found(monkeypatch):
    monkeypatch.setattr("lineal.compiler.memcheck.read_by", lambda group, node: [])
    with pytest.raises(MemoryFault, match="not declared to be read"):
        checked(lambda x: x.cumsum(0) * 2, torch.rand(3))
