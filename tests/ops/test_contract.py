"""Every op keeps the contract, from one line of samples; and every op has that line."""

import operator

import pytest
from samples import CONSTANTS, FAMILIES, SAMPLES

import lineal
from lineal import ops
from lineal.testing import check_op


def named(name):
    """Return the op called `name`, which may be in `lineal.linalg`."""
    return operator.attrgetter(name)(lineal if "." in name else ops)


CASES = [(name, number) for name, samples in SAMPLES.items() for number in range(len(samples))]


@pytest.mark.parametrize(("name", "number"), CASES, ids=[f"{name}-{number}" for name, number in CASES])
def test_op_keeps_the_contract(name, number):
    check_op(named(name), SAMPLES[name][number])


def test_every_public_op_has_samples():
    public = {name: getattr(ops, name) for name in ops.__all__ if callable(getattr(ops, name))}
    covered = {id(public[name]) for name in SAMPLES if name in public}
    missing = [name for name, each in public.items() if id(each) not in covered and name not in CONSTANTS]
    functions = [name for name in lineal.linalg.__all__ if not isinstance(getattr(lineal.linalg, name), type)]
    missing += [f"linalg.{name}" for name in functions if f"linalg.{name}" not in SAMPLES]
    assert not missing, f"ops without a line in tests/ops/samples: {sorted(missing)}"


def test_no_sample_is_of_a_name_that_is_gone():
    public = {*ops.__all__, *[f"linalg.{name}" for name in lineal.linalg.__all__]}
    assert sorted(SAMPLES.keys() - public) == []


def test_no_name_stands_in_two_families():
    assert sum(len(family.SAMPLES) for family in FAMILIES) == len(SAMPLES)


def test_public_ops_are_in_the_main_namespace():
    assert [name for name in SAMPLES if "." not in name and not hasattr(lineal, name)] == []
