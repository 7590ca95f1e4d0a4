"""Every op keeps the contract, from one line of samples; and every op has that line."""

import operator

import pytest
from samples import CONSTANTS, FAMILIES, SAMPLES

import lineal
from lineal import ops
from lineal.testing import check_op


def named(name):
    """Return the op called `name`, which may be in a namespace as `lineal.linalg`."""
    return operator.attrgetter(name)(lineal if "." in name else ops)


def listed():
    """Return every public function of tensors by the name that samples have."""
    found = {name: getattr(ops, name) for name in ops.__all__}
    for space in ("linalg", "fft", "special"):
        module = getattr(lineal, space)
        found |= {f"{space}.{name}": getattr(module, name) for name in module.__all__}
    return {name: each for name, each in found.items() if callable(each)}


CASES = [(name, number) for name, samples in SAMPLES.items() for number in range(len(samples))]


@pytest.mark.parametrize(("name", "number"), CASES, ids=[f"{name}-{number}" for name, number in CASES])
def test_op_keeps_the_contract(name, number):
    check_op(named(name), SAMPLES[name][number])


def test_every_public_op_has_samples():
    public = {name: each for name, each in listed().items() if "." not in name or not isinstance(each, type)}
    covered = {public[name] for name in SAMPLES if name in public}
    missing = [name for name, each in public.items() if each not in covered and name not in CONSTANTS]
    assert not missing, f"ops without a line in tests/ops/samples: {sorted(missing)}"


def test_no_sample_is_of_a_name_that_is_gone():
    assert sorted(SAMPLES.keys() - listed().keys()) == []


def test_no_name_stands_in_two_families():
    assert sum(len(family.SAMPLES) for family in FAMILIES) == len(SAMPLES)


def test_public_ops_are_in_the_main_namespace():
    assert [name for name in SAMPLES if "." not in name and not hasattr(lineal, name)] == []
