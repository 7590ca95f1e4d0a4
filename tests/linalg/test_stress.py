"""Hard matrices against 200 digits: every answer is as good as a stable algorithm's, or carries a warning or an error."""

import warnings

import numpy as np
import pytest

import lineal as torch
from lineal import linalg
from lineal.testing.gallery import gallery
from lineal.testing.truth import Truth, bound, least_squares, outcome

DTYPES = ["float64", "float32"]


def matrices(dtype):
    with np.errstate(over="ignore", under="ignore"):
        return [(name, A.astype(dtype)) for name, A in gallery()]


@pytest.fixture(scope="module", params=DTYPES)
def cases(request):
    """Return name, matrix and truth of every matrix that the dtype can hold."""
    held = [(name, A) for name, A in matrices(request.param) if np.isfinite(A).all()]
    assert len(held) >= 200
    return [(name, A, Truth(A)) for name, A in held]


def right_side(A):
    return np.random.default_rng(len(A)).normal(size=(len(A), 1)).astype(A.dtype)


def heard(function):
    """Return the result as an array, None if it was refused, and whether there was a warning."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            return function().numpy(), bool(said)
        except linalg.LinAlgError:
            return None, True


def silent(cases, function, wanted):
    """Return the names of the matrices whose wrong results were handed over without a word."""
    names = []
    for name, A, truth in cases:
        got, told = heard(lambda A=A: function(torch.from_numpy(A), torch.from_numpy(right_side(A))))
        if truth.outcome(got, wanted(truth, right_side(A)), told) == "silent":
            names.append(name)
    return names


SOLVERS = {
    "solve": linalg.solve,
    "auto": lambda A, B: linalg.solve(A, B, assume="auto"),
    "refined": lambda A, B: linalg.solve(A, B, refine=True)[0],
    "in a batch": lambda A, B: linalg.solve(A.repeat(5, 1, 1), B)[3],
    "from the right": lambda A, B: linalg.solve(A.mT, B.mT, left=False).mT,
    "by the inverse": lambda A, B: linalg.inv(A) @ B,
}


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_system_is_solved_wrongly_in_silence(cases, solver):
    assert silent(cases, SOLVERS[solver], lambda truth, B: truth.solution(B)) == []


@pytest.mark.parametrize("copies", [1, 5])
def test_no_inverse_is_wrong_in_silence(cases, copies):
    assert silent(cases, lambda A, B: linalg.inv(A.repeat(copies, 1, 1))[0], lambda truth, B: truth.inverse) == []


@pytest.mark.parametrize("copies", [1, 5])
def test_no_determinant_is_wrong_in_silence(cases, copies):
    assert silent(cases, lambda A, B: linalg.det(A.repeat(copies, 1, 1))[:1, None], lambda truth, B: [[truth.det]]) == []


def test_no_cholesky_solution_is_wrong_in_silence(cases):
    definite = [each for each in cases if np.array_equal(each[1], each[1].T)]
    assert len(definite) > 50
    assert silent(definite, lambda A, B: torch.cholesky_solve(B, linalg.cholesky(A)), lambda truth, B: truth.solution(B)) == []


def test_no_least_squares_solution_is_wrong_in_silence(cases):
    names = []
    for name, A, truth in cases:
        tall, B = A[:, : len(A) // 2 + 1], right_side(A)
        wanted, condition = least_squares(tall, B)
        if wanted is None:
            continue
        ranks = []

        def solved(tall=tall, B=B, ranks=ranks):
            found = linalg.lstsq(torch.from_numpy(tall), torch.from_numpy(B), driver="gelsd")
            ranks.append(int(found.rank))
            return found.solution

        got, told = heard(solved)
        # a rank below the number of columns says itself that the shortest of many solutions was meant
        told = told or ranks[0] < tall.shape[1]
        if got is not None and outcome(got, wanted, bound(truth.n, truth.eps, condition), told) == "silent":
            names.append(name)
    assert names == []


def test_what_is_well_conditioned_is_not_talked_about(cases):
    tiny = np.finfo(cases[0][1].dtype).tiny
    eps = cases[0][2].eps
    for name, A, truth in cases:
        if truth.condition < 0.01 / eps and np.abs(A).max() > tiny / eps**2:
            got, told = heard(lambda A=A: linalg.solve(torch.from_numpy(A), torch.from_numpy(right_side(A))))
            assert got is not None and not told, (name, truth.condition)


def test_refinement_gives_every_digit_while_the_condition_allows(cases):
    for name, A, truth in cases:
        if truth.condition < 0.001 / truth.eps and np.abs(A).max() > 1e-20:
            X, _, _, error = linalg.solve(torch.from_numpy(A), torch.from_numpy(right_side(A)), refine=True)
            assert float(error.max()) < 4 * truth.eps, name
            exact = truth.solution(right_side(A))
            assert outcome(X.numpy(), exact, 4 * truth.eps, False) == "right", name
