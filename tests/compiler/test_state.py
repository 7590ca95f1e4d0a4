"""A compiled function follows Python's state: it gives what the function gives after every change, or runs eagerly and says so."""

import ast
import types
import warnings

import pytest
from states import PROGRAMS

import lineal
from lineal import nn


class Box:
    """An object with attributes."""

    def __init__(self, **values):
        self.__dict__.update(values)


def world(source):
    """Return the namespace of a program."""
    lineal.manual_seed(0)
    space = {"torch": lineal, "nn": nn, "Box": Box, "__name__": "a_program"}
    exec(source, space)
    return space


def statements(changes):
    """Return the single statements of changes."""
    return [ast.unparse(each) for each in ast.parse(changes).body]


def outcome(function, x):
    """Return what a function gives, or the kind of error."""
    try:
        return function(x)
    except Exception as error:
        return type(error)


def equal(a, b):
    if isinstance(a, type) or isinstance(b, type):
        return a is b
    return lineal.allclose(lineal.as_tensor(a), lineal.as_tensor(b), equal_nan=True)


def warned(caught):
    """Return how often a function was said to run eagerly."""
    return sum("runs eagerly" in str(each.message) for each in caught)


@pytest.mark.parametrize("name", PROGRAMS)
def test_state_is_followed(name):
    source, changes, native = PROGRAMS[name]
    x = lineal.arange(3.0) + 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if changes is None:
            compiled = lineal.compile(world(source)["f"])
            assert len({str(compiled(x)) for _ in range(4)}) > 1
        else:
            one, other = world(source), world(source)
            compiled = lineal.compile(one["f"])
            for change in ["pass", *statements(changes)]:
                exec(change, one)
                exec(change, other)
                for _ in range(3):
                    found, expected = outcome(compiled, x), outcome(other["f"], x)
                    assert equal(found, expected), f"after {change}: {found} for {expected}, {compiled.eager}"
    assert native is None or (compiled.eager is None) is native, compiled.eager
    assert warned(caught) == (compiled.eager is not None)
