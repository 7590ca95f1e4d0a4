"""The checking build: right programs pass it with the numbers they have, wrong memory plans, reads and writes are found."""

import warnings

import pytest
from fuzz.comparing import compared
from fuzz.statements import program

import lineal as torch
from lineal.compiler import checking, compile
from lineal.compiler.calling.memcheck import MemoryFault
from lineal.compiler.nodes import buffers
from lineal.compiler.scheduling import memory


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


def run_random(seeds):
    """Hold random programs in the checking build against eager code."""
    with checking():
        for seed in seeds:
            report = compared(program(seed), zeros=False)
            assert not report.mismatch, f"program {seed}: {report.mismatch}"


@pytest.mark.parametrize("block", range(2))
def test_random_programs_in_the_checking_build(block):
    run_random(range(20_000 + 20 * block, 20_020 + 20 * block))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_many_random_programs_in_the_checking_build(block):
    run_random(range(21_000 + 100 * block, 21_100 + 100 * block))


NARROW = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.float16, torch.bfloat16, torch.int32, torch.float32)


@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_rows_that_end_with_one_element_are_written_no_further(dtype):
    """What is computed in wider numbers than it is stored, in vectors of which the last holds one element, or a few."""

    def function(x, wide):
        return torch.triu(x), torch.tril(x), x.masked_fill(x > 0, 0), wide.to(dtype), (wide * 2 > x).to(dtype), x.flip(1)

    for columns in (1, 3, 5, 9, 17, 33, 65):
        x = (torch.arange(3 * columns).reshape(3, columns) % 5 - 1).abs().to(dtype)
        wide = torch.arange(3 * columns).reshape(3, columns) % 7
        for found, wanted in zip(checked(function, x, wide), function(x, wide), strict=True):
            assert found.dtype == wanted.dtype and torch.equal(found, wanted)


def test_memory_that_is_given_away_too_early_is_found(monkeypatch):
    lifetimes = memory.lifetimes

    def short(groups):
        born, dies = lifetimes(groups)
        return born, {buffer: born.get(buffer, last) for buffer, last in dies.items()}

    monkeypatch.setattr(memory, "lifetimes", short)
    with pytest.raises(MemoryFault):
        checked(chain, torch.rand(5, 5))


def test_parts_that_lie_elsewhere_are_found(monkeypatch):
    monkeypatch.setattr("lineal.compiler.calling.memcheck.MOST_ELEMENTS", -1)
    monkeypatch.setattr(buffers.Buffer, "start", property(lambda buffer: 0))
    with pytest.raises(MemoryFault, match="nobody has written it"):
        checked(lambda x: torch.cat([x, x * 2]).sin(), torch.rand(3))


def test_writes_that_are_not_declared_are_found(monkeypatch):
    monkeypatch.setattr("lineal.compiler.calling.memcheck.written_by", lambda group: [])
    with pytest.raises(MemoryFault, match="does not declare to write"):
        checked(lambda x: x.cumsum(0) * 2, torch.rand(3))


def test_reads_that_are_not_declared_are_found(monkeypatch):
    monkeypatch.setattr("lineal.compiler.calling.memcheck.MOST_ELEMENTS", -1)
    monkeypatch.setattr("lineal.compiler.calling.memcheck.read_by", lambda group, node: [])
    with pytest.raises(MemoryFault, match="not declared to be read"):
        checked(lambda x: x.cumsum(0) * 2, torch.rand(3))
