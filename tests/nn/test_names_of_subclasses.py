"""Attributes that a program gives to its modules do not meet those of lineal's bases."""

import lineal
from lineal import nn


class Scaled(nn.Conv2d):
    """A convolution with attributes of its own."""

    function, axes, widths, dimensions = nn.ReLU(), "channels", None, 3

    def _take(self):
        raise AssertionError("nobody calls it")

    _before = _owner = _require = _check_name = _own_state = _knows = for_each = longer = require_sense = _take


def test_a_convolution_with_names_of_ones_own():
    own, other = Scaled(2, 3, 3, padding=1), nn.Conv2d(2, 3, 3, padding=1)
    own.load_state_dict(other.state_dict())
    x = lineal.randn(1, 2, 5, 5)
    assert lineal.equal(own(x), other(x)) and own.extra_repr() == other.extra_repr()
    assert sum(1 for _ in own.parameters()) == 2
