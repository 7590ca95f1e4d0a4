"""Sizes that remember what they are made of: operations, guards, and what looks at the number itself."""

import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.codegen.sizes import Ledger, Share, Size, plain

positive = st.integers(1, 1 << 40)


def arithmetic(n, m):
    """Return numbers made of two sizes in all ways."""
    return (
        n + m,
        3 - n,
        n * m * 2,
        -(-n // m),
        n % (m + 1),
        n / m,
        2 / n,
        n << 2,
        (n - 1).bit_length(),
        abs(n - m),
        math.ceil(n / m),
    )


@given(positive, positive, positive, positive)
def test_what_is_followed_is_what_is_computed(n, m, other_n, other_m):
    ledger = Ledger((n, m))
    made = arithmetic(*ledger.sizes)
    assert [plain(each) for each in made] == list(arithmetic(n, m))
    values = ledger.follow((other_n, other_m))
    assert values is not None
    assert [values[each.place] for each in made] == list(arithmetic(other_n, other_m))


@given(positive, positive)
def test_a_comparison_holds_for_sizes_at_which_it_gives_the_same(n, other):
    ledger = Ledger((n,))
    (size,) = ledger.sizes
    answer = size > 1000
    assert type(answer) is bool and answer == (n > 1000)
    assert (ledger.follow((other,)) is not None) == ((other > 1000) == answer)


@pytest.mark.parametrize("look", [str, repr, format, int, float, lambda n: f"{n}", lambda n: f"{n:x}", lambda n: n.__index__()])
def test_who_looks_at_the_number_itself_gets_code_for_it_alone(look):
    ledger = Ledger((40,))
    look(ledger.sizes[0] * 2)
    assert ledger.follow((40,)) is not None
    assert ledger.follow((41,)) is None


def test_truth_extremes_and_sums_are_told_by_comparisons():
    ledger = Ledger((3, 40, 7))
    a, b, c = ledger.sizes
    assert bool(a) and max(a, b, c) is b and min(a, b, c) is a and sorted((c, b, a))[1] is c
    total, product = sum((a, b, c)), math.prod((a, b, c))
    assert isinstance(total, Size) and isinstance(a / b, Share)
    values = ledger.follow((4, 400, 5))
    assert values is not None and (values[total.place], values[product.place]) == (409, 8000)
    assert ledger.follow((4, 5, 6)) is None
    assert ledger.follow((0, 400, 5)) is None


def test_equal_sizes_are_found_in_dictionaries_and_tuples():
    ledger = Ledger((5, 5))
    a, b = ledger.sizes
    assert {a: "found"}[b] == "found" and (a, 1) == (b, 1)
    assert ledger.follow((6, 6)) is not None and ledger.follow((6, 7)) is None


def test_sizes_of_two_programs_do_not_meet():
    (a,), (b,) = Ledger((1,)).sizes, Ledger((1,)).sizes
    with pytest.raises(ValueError, match="two ledgers"):
        operator.add(a, b)


def test_sizes_by_which_nothing_can_be_divided_are_other_ones():
    ledger = Ledger((40, 5))
    n, m = ledger.sizes
    assert n // m == 8
    assert ledger.follow((40, 0)) is None
