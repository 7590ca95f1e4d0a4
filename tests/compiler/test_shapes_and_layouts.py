"""Arguments that do not lie densely, written and read again in one program."""

import numpy as np
import pytest

import lineal as torch
from lineal.compiler import compile

LAYOUTS = {
    "dense": torch.tensor,
    "transposed": lambda array: torch.tensor(np.ascontiguousarray(array.T)).mT,
    "with gaps": lambda array: torch.tensor(np.stack([array, array], -1))[..., 0],
    "behind others": lambda array: torch.tensor(np.concatenate([np.zeros(3), array.ravel()]))[3:].view(array.shape),
}


def element_by_element(x):
    x.mul_(x)
    return 0.5 - x


def reduced(x):
    x.add_(1)
    return x.sum(), x.amax(0)


def turned(x):
    x.mul_(2)
    return x.mT.contiguous(), x.reshape(-1)


def twice(x):
    x.mul_(2)
    y = x.sin()
    x.sub_(y)
    return y, x * 1.0


def part(x):
    x[1:].mul_(3)
    return x.cumsum(0), x[0] + 1


@pytest.mark.parametrize("function", [element_by_element, reduced, turned, twice, part], ids=lambda f: f.__name__)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
@pytest.mark.parametrize("shape", [(2, 5), (17, 3), (1, 4)])
def test_written_and_read(function, layout, shape):
    compiled = compile(function)
    for turn in range(3):
        array = np.random.RandomState(turn).standard_normal(shape)
        given, expected = layout(array), layout(array)
        for y, wanted in zip(compiled(given), function(expected)):
            torch.testing.assert_close(y, wanted)
        torch.testing.assert_close(given, expected)
    assert compiled.eager is None


def test_a_host_step_whose_result_has_another_shape():
    def function(x):
        return torch.bincount(x, minlength=3) * 2

    compiled = compile(function)
    for numbers in ([0, 1, 1], [2, 2, 0], [0, 7, 1], [1, 1, 1], [4, 0, 0]):
        assert compiled(torch.tensor(numbers)).tolist() == function(torch.tensor(numbers)).tolist()
