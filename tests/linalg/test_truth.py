"""Ill-conditioned, non-finite and out-of-range input is named, once per line; refinement and jitters keep their word."""

import warnings

import numpy as np
import pytest

import lineal as torch
from lineal import IllConditionedWarning, linalg
from lineal.ops.linalg import solving, structure


def hilbert(n, dtype=np.float64):
    i, j = np.indices((n, n)) + 1.0
    return torch.from_numpy((1 / (i + j - 1)).astype(dtype))


def drawn(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def batch(size, bad, n=4):
    """Return well-conditioned matrices, those at `bad` replaced by almost singular ones."""
    A = np.random.default_rng(0).normal(size=(size, n, n)) + 4 * np.eye(n)
    for each in bad:
        A[each, :, -1] = A[each, :, 0] * (1 + 2e-16)
        A[each, 0, -1] *= 1 + 4e-16
    return torch.from_numpy(A)


CALLS = {
    "linalg.solve": lambda A: linalg.solve(A, A[..., :1]),
    "linalg.inv": linalg.inv,
    "linalg.det": linalg.det,
    "linalg.lstsq": lambda A: linalg.lstsq(A, A[..., :1]),
}


@pytest.mark.parametrize("name", ["linalg.solve", "linalg.inv", "linalg.det"])
@pytest.mark.parametrize(("size", "bad"), [(2, [1]), (3, [0, 2]), (10, [7]), (40, list(range(20, 30)))])
def test_a_warning_names_the_function_and_the_entries_of_the_batch(name, size, bad):
    listed = ", ".join(map(str, bad[:4])) + (" and 6 more" if len(bad) > 4 else "")
    text = rf"{name}: batch entr(y|ies) {listed}: ill-conditioned, rcond = .*digits are left"
    with pytest.warns(IllConditionedWarning, match=text) as said:
        CALLS[name](batch(size, bad))
    assert len(said) == 1 and said[0].filename == __file__


def test_what_to_try_depends_on_the_matrix():
    with pytest.warns(IllConditionedWarning, match=r"A: .* 0 of 7 digits.* float64, a jitter .*lstsq"):
        linalg.solve(hilbert(10, np.float32), torch.ones(10))
    graded = drawn(6, 6) * torch.from_numpy(10.0 ** -np.arange(0, 30, 5))
    with pytest.warns(IllConditionedWarning, match=r"of 16 digits.*equilibration"):
        linalg.solve(graded, graded[:, 0])
    with pytest.warns(IllConditionedWarning, match=r"det.*svdvals"):
        linalg.det(hilbert(14))


def test_a_cholesky_solution_is_judged_by_its_factor():
    A = hilbert(12)
    with pytest.warns(IllConditionedWarning, match="cholesky_solve: A: ill-conditioned"):
        torch.cholesky_solve(torch.ones(12, 1, dtype=torch.float64), linalg.cholesky(A))
    L = linalg.cholesky(drawn(5, 5) @ drawn(5, 5).mT + torch.eye(5, dtype=torch.float64))
    torch.cholesky_solve(torch.ones(5, 1, dtype=torch.float64), L)


def test_a_line_is_warned_at_once():
    A = hilbert(14)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(3):
            linalg.solve(A, A)
        linalg.solve(A, A)
    assert len(said) == 2


def test_conditioning_can_be_an_error_or_nobodys_business():
    A = hilbert(14)
    with linalg.set_conditioning("error"), pytest.raises(linalg.LinAlgError, match="ill-conditioned"):
        linalg.inv(A)
    with linalg.set_conditioning("off"):
        for call in CALLS.values():
            call(A)
            call(A.repeat(6, 1, 1))
    quiet = linalg.set_conditioning("off")
    try:
        linalg.solve(A, A)
    finally:
        linalg.set_conditioning("warn")
    with pytest.warns(IllConditionedWarning):
        linalg.solve(A, A)
    with pytest.raises(ValueError, match="set_conditioning"):
        linalg.set_conditioning("loud")
    assert quiet is not None

    @linalg.set_conditioning("error")
    def strict():
        return linalg.solve(A, A)

    with pytest.raises(linalg.LinAlgError):
        strict()
    with pytest.warns(IllConditionedWarning):
        linalg.solve(A, A)


@pytest.mark.parametrize("size", [None, 2, 9])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_named_with_its_place(size, value):
    A = np.random.default_rng(0).normal(size=(size or 1, 4, 4))
    B = np.ones((size or 1, 4, 1))
    bad, entry = (A, "A"), "A" if size is None else f"batch entry {size - 1}"
    for x, label in (bad, (B, "B")):
        x[-1, 2, 0] = value
        matrices = [torch.from_numpy(each[0] if size is None else each) for each in (A, B)]
        with pytest.warns(IllConditionedWarning, match=rf"linalg.solve: {entry}: {label} has {value} at \(2, 0\)"):
            linalg.solve(*matrices)
        x[-1, 2, 0] = 1


def test_results_out_of_range_are_named():
    A = torch.eye(3, dtype=torch.float64)
    with pytest.warns(IllConditionedWarning, match=r"solve.*leaves the range of float64.*power of 2"):
        linalg.solve(A * 1e-200, A * 1e200)
    with pytest.warns(IllConditionedWarning, match=r"solve.*leaves the range"):
        linalg.solve(A * 1e200, A * 1e-200)
    with pytest.warns(IllConditionedWarning, match=r"solve.*so small"):
        linalg.solve(A * 1e-310, A)
    for size in (1, 9):
        with pytest.warns(IllConditionedWarning, match=r"det.*range.*slogdet"):
            assert torch.isinf(linalg.det((A * 1e200).repeat(size, 1, 1))).all()
        with pytest.warns(IllConditionedWarning, match=r"det.*range.*slogdet"):
            assert (linalg.det((A * 1e-200).repeat(size, 1, 1)) == 0).all()
    assert (linalg.solve(A, A * 0) == 0).all()


def test_a_determinant_leaves_the_range_only_if_it_is_out_of_it():
    d = torch.tensor([1e200, 1e200, -1e-200, 1e-200, 3.0], dtype=torch.float64)
    assert float(linalg.slogdet(torch.diag(d))[1]) == pytest.approx(np.log(3))
    with linalg.set_conditioning("off"):
        assert float(linalg.det(torch.diag(d))) == pytest.approx(-3)
        assert complex(linalg.det(torch.diag(d * 1j))) == pytest.approx(-3j)


@pytest.mark.parametrize("A", [[[1.0, 2], [2, 4]], [[0.0, 0], [0, 0]], [[1.0, 1, 1]] * 3, [[0.3, 0.0], [0.7, 0.0]]])
def test_a_determinant_of_zero_that_is_right_needs_no_warning(A):
    A = torch.tensor(A, dtype=torch.float64)
    assert float(linalg.det(A)) == 0
    assert (linalg.det(A.repeat(6, 1, 1)) == 0).all()


def test_the_adjoint_of_a_solve_factors_nothing(monkeypatch):
    A, B = drawn(20, 20).requires_grad_(), drawn(20, 2, seed=1).requires_grad_()
    X = linalg.solve(A, B)

    def refused(*_):
        raise AssertionError("factored again")

    monkeypatch.setattr("lineal.ops.linalg.lu.getrf", refused)
    monkeypatch.setattr(np.linalg, "solve", refused)
    by_A, by_B = torch.autograd.grad(X.sum(), (A, B), create_graph=True)
    torch.autograd.grad((by_A**2).sum() + by_B.sum(), (A, B))
    inverse = np.linalg.inv(A.detach().numpy())
    np.testing.assert_allclose(by_B.detach().numpy(), inverse.T @ np.ones((20, 2)), atol=1e-9)


def test_growth_in_elimination_is_refined_away():
    n = 60
    A = np.tril(-np.ones((n, n)), -1) + np.eye(n)
    A[:, -1] = 1
    B = np.random.default_rng(0).normal(size=(n, 1))
    exact = linalg.solve(torch.from_numpy(A), torch.from_numpy(B), refine=True)[0].numpy()
    assert np.abs(linalg.solve(torch.from_numpy(A), torch.from_numpy(B)).numpy() - exact).max() < 1e-12
    assert np.abs(np.linalg.solve(A, B) - exact).max() > 1e-4
    A, B = A[:25, :25].copy(), B[:25]
    A[:, -1] = 1
    many = linalg.solve(torch.from_numpy(A).repeat(9, 1, 1), torch.from_numpy(B))
    assert np.abs(A @ many[4].numpy() - B).max() < 1e-13


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.float64, np.complex128])
def test_refinement_bounds_the_backward_error(dtype):
    generator = np.random.default_rng(0)
    A, B = (generator.normal(size=(3, 8, k)).astype(dtype) for k in (8, 2))
    if np.iscomplexobj(A):
        A, B = A * dtype(1 + 2j), B * dtype(3 - 1j)
    X, method, rcond, error = linalg.solve(torch.from_numpy(A), torch.from_numpy(B), refine=True)
    assert method == "lu" and error.shape == (3, 2) and rcond.shape == (3,)
    assert rcond.dtype == error.dtype == torch.from_numpy(np.abs(A)).dtype
    assert float(error.max()) <= 2 * np.finfo(dtype).eps
    wide = np.complex128 if np.iscomplexobj(A) else np.float64
    if dtype in (np.float32, np.complex64):
        exact = np.linalg.solve(A.astype(wide), B.astype(wide))
        assert np.abs(X.numpy() - exact).max() <= 2 * np.finfo(dtype).eps * np.abs(exact).max()


@pytest.mark.parametrize("complex_", [False, True])
def test_half_the_digits_suffice_for_factors(monkeypatch, complex_):
    monkeypatch.setattr(solving, "MIXED", 1)
    A = drawn(30, 30) + 6 * torch.eye(30, dtype=torch.float64)
    B = drawn(30, 2, seed=1)
    if complex_:
        A, B = A * (1 + 1j), B * 1j
    A = A.requires_grad_()
    found = linalg.solve(A, B, refine=True)
    assert found.method == "lu in single precision" and float(found.backward_error.max()) < 3e-16
    (by_half,) = torch.autograd.grad(found.result.abs().sum(), A)
    (by_all,) = torch.autograd.grad(linalg.solve(A, B).abs().sum(), A)
    np.testing.assert_allclose(by_half.numpy(), by_all.numpy(), atol=1e-12)
    assert linalg.solve(hilbert(8), torch.ones(8, dtype=torch.float64), refine=True).method == "lu"
    assert linalg.solve(A.detach() * 1e100, B, refine=True).method == "lu"


def test_cholesky_finds_the_smallest_jitter():
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    A = torch.from_numpy((Q * [3.0, 2, 1, 1, 0.5, -0.01]) @ Q.T)
    A = (A + A.mT) / 2
    with pytest.raises(linalg.LinAlgError, match="leading minor of order"):
        linalg.cholesky(A)
    with pytest.warns(IllConditionedWarning, match=r"cholesky: not positive definite; a jitter of 1\.0\de-02"):
        L = linalg.cholesky(A, jitter="auto")
    added = torch.diag(L @ L.mT - A)
    assert 0.01 <= float(added.max()) < 0.0103
    linalg.cholesky(A, jitter=0.02)
    with pytest.raises(linalg.LinAlgError):
        linalg.cholesky(A, jitter=0.005)
    both = torch.stack([torch.eye(6, dtype=torch.float64), A])
    with pytest.warns(IllConditionedWarning, match="batch entries 1"):
        L = linalg.cholesky(both, jitter="auto")
    assert (L[0] == torch.eye(6, dtype=torch.float64)).all()


def test_cholesky_names_what_is_not_finite():
    A = torch.eye(3).repeat(2, 1, 1)
    A[1, 1, 1] = float("nan")
    for jitter in (None, "auto"):
        with warnings.catch_warnings(), pytest.raises(linalg.LinAlgError, match=r"Batch element 1.*NaN or infinite"):
            warnings.simplefilter("ignore")
            linalg.cholesky(A, jitter=jitter)


def test_least_squares_of_a_plain_rank_is_no_cause_for_a_warning():
    A = drawn(8, 2) @ drawn(2, 4, seed=1)
    assert int(linalg.lstsq(A, drawn(8, 1)).rank) == 2
    with pytest.warns(IllConditionedWarning, match=r"lstsq.*fewer singular values"):
        linalg.lstsq(hilbert(16), torch.ones(16, 1, dtype=torch.float64))


def test_condition_is_known_from_the_factors():
    A = drawn(3, 6, 6)
    exact = 1 / np.linalg.cond(A.numpy(), 1)
    np.testing.assert_allclose(linalg.rcond(A).numpy(), exact, rtol=0.5)
    assert float(linalg.rcond(torch.zeros(3, 3))) == 0
    assert set(structure.KERNELS) >= {"lu", "banded", "positive definite"}


@pytest.mark.parametrize("left", [True, False])
def test_one_matrix_serves_a_batch_of_right_sides(monkeypatch, left):
    count = []
    plain = structure.getrs
    monkeypatch.setattr(structure, "getrs", lambda *given: count.append(1) or plain(*given))
    A, B = drawn(5, 5).requires_grad_(), drawn(2, 3, 5, 5, seed=1).requires_grad_()
    X, _, rcond, error = linalg.solve(A, B, left=left, return_info=True)
    assert len(count) == 1 and rcond.shape == () and error.shape == (2, 3, 5)
    wanted = linalg.solve(A.expand(2, 3, 5, 5), B, left=left)
    np.testing.assert_allclose(X.detach().numpy(), wanted.detach().numpy(), atol=1e-10)
    for one, other in zip(torch.autograd.grad((X**2).sum(), (A, B)), torch.autograd.grad((wanted**2).sum(), (A, B))):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-7)
    B = B.detach().clone()
    B[1, 2, 3, 4] = float("nan")
    with pytest.warns(IllConditionedWarning, match=r"batch entry \(1, 2\): B has nan at"):
        linalg.solve(A, B, left=left)


def test_who_asks_for_the_condition_is_not_warned_of_it():
    assert float(linalg.cond(hilbert(14), 1)) > 1e16
