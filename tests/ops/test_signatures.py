"""What comes is what the signature says: a tensor, several, or the result of that name."""

from __future__ import annotations

import inspect
import operator
import typing

import pytest
from samples import SAMPLES

import lineal
from lineal import Tensor, ops
from lineal.base import tree


def named(name):
    """Return the op called `name`, which may be in `lineal.linalg`."""
    return operator.attrgetter(name)(lineal if "." in name else ops)


def said(function):
    """Return what the signatures of a function, its overloads if it has any, say that it returns."""
    plain = inspect.unwrap(function)
    found = {inspect.signature(each).return_annotation for each in typing.get_overloads(plain) or [plain]}
    return {part for each in found for part in each.split(" | ")}, plain


def fits(y, word, function):
    """Return whether `y` is what the words of an annotation name."""
    if word == "Tensor":
        return isinstance(y, Tensor)
    if word.startswith("tuple["):
        inner = word.removeprefix("tuple[").removesuffix("]").split(", ")
        alike = inner[-1] == "..." or len(inner) == len(y)
        return isinstance(y, tuple) and alike and all(fits(each, inner[0], function) for each in y)
    return isinstance(y, eval(word, function.__globals__))


def results(name):
    """Yield what a function gives on its samples."""
    for sample in SAMPLES[name]:
        following = iter([lineal.tensor(each) for each in sample.arrays()])
        args = tree.transform(
            lambda each, made=following: next(made) if hasattr(each, "__array_interface__") else each, sample.args
        )
        yield named(name)(*args, **sample.kwargs)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_comes_is_what_the_signature_says(name):
    words, function = said(named(name))
    assert "Any" not in words
    for y in results(name):
        assert any(fits(y, word, function) for word in words), f"{type(y).__name__} is none of {sorted(words)}"
