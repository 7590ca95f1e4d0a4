"""Products of groups: each of the three forms is what its slices give, and the derivatives are the other two."""

import pytest

import lineal as torch
from lineal.testing import assert_close

F = torch.nn.functional
OFFS = torch.tensor([2, 2, 5], dtype=torch.int32)
ROWS, COLUMNS, TERMS = ((7, 3), (3, 3, 4)), ((3, 4, 3), (3, 7)), ((4, 7), (7, 3))


def pair(shapes):
    generator = torch.Generator().manual_seed(3)
    return tuple(torch.randn(each, dtype=torch.float64, generator=generator, requires_grad=True) for each in shapes)


def test_each_group_is_the_product_of_its_places():
    places = [slice(0, 2), slice(2, 2), slice(2, 5)]
    a, b = pair(ROWS)
    y = F.grouped_mm(a, b, offs=OFFS)
    assert_close(y, torch.cat([*(a[each] @ b[n] for n, each in enumerate(places)), torch.zeros(2, 4, dtype=y.dtype)]))
    a, b = pair(COLUMNS)
    y = F.grouped_mm(a, b, offs=OFFS)
    assert_close(y, torch.cat([*(a[n] @ b[:, each] for n, each in enumerate(places)), torch.zeros(4, 2, dtype=y.dtype)], 1))
    a, b = pair(TERMS)
    assert_close(F.grouped_mm(a, b, offs=OFFS), torch.stack([a[:, each] @ b[each] for each in places]))


@pytest.mark.parametrize("shapes", [ROWS, COLUMNS, TERMS])
def test_groups_have_both_derivatives(shapes):
    product = lambda a, b: F.grouped_mm(a, b, offs=OFFS)
    assert torch.autograd.gradcheck(product, pair(shapes)) and torch.autograd.gradgradcheck(product, pair(shapes))


def test_a_program_takes_groups_that_end_elsewhere():
    a, b = pair(ROWS)
    compiled = torch.compile(lambda a, b, offs: F.grouped_mm(a, b, offs=offs))
    for ends in ([2, 2, 5], [2, 2, 5], [0, 3, 7], [7, 7, 7]):
        offs = torch.tensor(ends, dtype=torch.int32)
        assert_close(compiled(a, b, offs), F.grouped_mm(a, b, offs=offs))
    with pytest.raises(RuntimeError, match=r"from 0 to 7 at most, got \[2, 2, 8\]"):
        compiled(a, b, torch.tensor([2, 2, 8], dtype=torch.int32))


@pytest.mark.parametrize(
    ("shapes", "given", "message"),
    [
        (ROWS, {}, "offs has to be given"),
        (((3, 2, 3), (3, 3, 4)), {"offs": OFFS}, "not for two stacks"),
        (((7, 3), (3, 4, 3)), {"offs": OFFS}, r"must match, got shapes \[7, 3\] and \[3, 4, 3\]"),
        (ROWS, {"offs": OFFS[:2]}, "2 offs for 3 matrices"),
        (ROWS, {"offs": OFFS.long()}, "have to be int32, got torch.int64"),
        (ROWS, {"offs": OFFS.flip(0)}, r"have to increase from 0 to 7 at most, got \[5, 2, 2\]"),
        (ROWS, {"offs": OFFS, "bias": torch.ones(4)}, "Bias not supported"),
        (ROWS, {"offs": OFFS, "out_dtype": torch.float32}, "must match that of mat_a"),
    ],
)
def test_groups_that_do_not_fit_are_refused(shapes, given, message):
    with pytest.raises(RuntimeError, match=f"grouped_mm: .*{message}"):
        F.grouped_mm(*pair(shapes), **given)
