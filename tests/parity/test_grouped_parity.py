"""Products of groups and convolutions of time, batch and channels, beside PyTorch's."""

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch")

OFFS = np.array([8, 8, 24], np.int32)
CASES = {
    "rows": ("grouped_mm", [(24, 16), (3, 16, 8)], {"offs": OFFS}),
    "columns": ("grouped_mm", [(3, 8, 16), (16, 24)], {"offs": OFFS}),
    "terms": ("grouped_mm", [(16, 24), (24, 8)], {"offs": OFFS}),
    "stacks": ("grouped_mm", [(3, 8, 16), (3, 16, 4)], {}),
    "time": ("conv_tbc", [(5, 2, 3), (3, 3, 4), (4,)], {"pad": 1}),
    "less than all": ("conv_tbc", [(5, 2, 3), (3, 3, 4), (4,)], {"pad": -1}),
    "none": ("conv_tbc", [(2, 2, 3), (3, 3, 4), (4,)], {}),
}


def results(library, name, shapes, given):
    """Return the result and the gradients of one library."""
    numbers = np.random.default_rng(2)
    xs = [library.tensor(numbers.normal(size=shape).astype(np.float32), requires_grad=True) for shape in shapes]
    given = {key: library.tensor(value) if isinstance(value, np.ndarray) else value for key, value in given.items()}
    y = getattr(library.nn.functional, name)(*xs, **given)
    (y * library.tensor(numbers.normal(size=tuple(y.shape)).astype(np.float32))).sum().backward()
    return [each.detach().numpy() for each in (y, *(x.grad for x in xs))]


@pytest.mark.parametrize("case", CASES)
def test_groups_and_moments_are_those_of_pytorch(case):
    for ours, theirs in zip(results(lineal, *CASES[case]), results(torch, *CASES[case])):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
