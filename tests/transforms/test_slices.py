"""A slice that is not like the others: vmap raises, warns or computes as the batched call, at every call, compiled too."""

import warnings

import numpy as np
import pytest

import lineal as torch
from lineal.base.errors import IllConditionedWarning, LinAlgError
from lineal.core import lift
from lineal.func import grad, jvp, vmap

COUNT = 3
GOOD = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]])
NOT_POSITIVE = np.diag([1.0, -1.0, 2.0])
ILL = GOOD.copy()
ILL[2] = ILL[0] * (1 + 1e-15) + np.array([0, 0, 4e-15])
NAN = np.full((3, 3), np.nan)
B = np.array([1.0, 2.0, 3.0])


RAISING = {
    "cholesky": (torch.linalg.cholesky, NOT_POSITIVE),
    "inv": (torch.linalg.inv, SINGULAR),
    "solve": (lambda A: torch.linalg.solve(A, lift(B)), SINGULAR),
    "eigh": (torch.linalg.eigvalsh, NAN),
    "svd": (torch.linalg.svdvals, NAN),
    "lu": (lambda A: torch.linalg.lu_factor(A)[0], SINGULAR),
    "positive definite": (lambda A: torch.linalg.solve(A, lift(B), assume="positive definite"), NOT_POSITIVE),
    "probabilities": (lambda A: torch.nn.functional.binary_cross_entropy(A / 5, A / 5), NOT_POSITIVE),
    "places": (lambda A: torch.gather(A, 0, A.long()), NOT_POSITIVE),
    "gradient": (grad(lambda A: torch.linalg.cholesky(A).sum()), NOT_POSITIVE),
    "tangent": (lambda A: jvp(lambda X: torch.linalg.inv(X), (A,), (A,))[1], SINGULAR),
}
WAYS = {
    "eager": vmap,
    "compile(vmap)": lambda f: torch.compile(vmap(f)),
    "vmap(compile)": lambda f: vmap(torch.compile(f)),
    "chunks": lambda f: vmap(f, chunk_size=2),
    "nested": lambda f: lambda X: vmap(vmap(f))(X[None])[0],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("f", "bad"), RAISING.values(), ids=RAISING)
def test_a_bad_slice_raises_at_any_call(f, bad, way):
    good = GOOD / 2 if f is RAISING["places"][0] else GOOD
    mapped = way(f)
    for _ in range(3):
        assert mapped(lift(np.stack([good] * COUNT))).isfinite().all()
    for place in range(COUNT):
        stack = [good] * COUNT
        stack[place] = bad
        with pytest.raises((RuntimeError, LinAlgError, IndexError)):
            mapped(lift(np.stack(stack)))
        assert mapped(lift(np.stack([good] * COUNT))).isfinite().all()


@pytest.mark.parametrize("place", range(COUNT))
@pytest.mark.parametrize("way", [vmap, lambda f: torch.compile(vmap(f))], ids=["eager", "compiled"])
@pytest.mark.parametrize("f", [lambda A: torch.linalg.solve(A, lift(B)), torch.linalg.inv], ids=["solve", "inv"])
def test_an_ill_conditioned_slice_warns(f, way, place):
    mapped = way(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            mapped(lift(np.stack([GOOD] * COUNT)))
    stack = [GOOD] * COUNT
    stack[place] = ILL
    with pytest.warns(IllConditionedWarning):
        mapped(lift(np.stack(stack)))
    with torch.linalg.set_conditioning("error"), pytest.raises(LinAlgError):
        mapped(lift(np.stack(stack)))


def test_slices_of_several_structures_are_computed_each_by_its_own():
    stack = np.stack([np.tril(GOOD), np.triu(GOOD), GOOD, np.diag([1.0, 2.0, 3.0])])
    solve = lambda A: torch.linalg.solve(A, lift(B), assume="auto")
    torch.testing.assert_close(vmap(solve)(lift(stack)), torch.stack([solve(lift(A.copy())) for A in stack]))


def test_info_of_each_slice_is_its_own():
    def condition(A):
        _, _, rcond, error = torch.linalg.solve(A, lift(B), return_info=True)
        return rcond, error

    stack = np.stack([GOOD, np.diag([1.0, 100.0, 3.0])])
    for one, other in zip(vmap(condition)(lift(stack)), zip(*[condition(lift(A.copy())) for A in stack])):
        torch.testing.assert_close(one, torch.stack(other))


def test_what_was_written_before_a_guard_failed_is_written_once():
    def f(x, A):
        x.add_(1)
        return torch.linalg.matrix_rank(A) + torch.linalg.lstsq(A, x[:, None])[2] + x.sum()

    x, A = torch.zeros(2, 3, dtype=torch.float64), lift(np.stack([GOOD, SINGULAR]))
    found = vmap(f)(x, A)
    assert x.tolist() == [[1.0] * 3] * 2
    torch.testing.assert_close(found, torch.stack([f(torch.zeros(3, dtype=torch.float64), each) for each in A.unbind()]))


def test_a_function_that_changes_the_outside_is_not_run_twice():
    count = torch.zeros(())

    def f(A):
        count.add_(1)
        return torch.linalg.cholesky(A)

    with pytest.raises(NotImplementedError, match="changes a tensor from outside"):
        vmap(f)(lift(np.stack([GOOD, NOT_POSITIVE])))


def test_a_branch_that_slices_decide_is_refused_and_one_that_all_share_is_taken():
    for way in (vmap, lambda f: torch.compile(vmap(f))):
        with pytest.raises(RuntimeError, match="data-dependent"):
            way(lambda x: x if x.sum() > 0 else -x)(torch.ones(3, 2))
        assert way(lambda x: x if torch.ones(2).sum() > 0 else -x)(torch.ones(3, 2)).shape == (3, 2)
    with pytest.raises(RuntimeError, match="data-dependent"):

        def written(x):
            y = torch.zeros(2)
            y += x
            return x if y.sum() > 0 else -x

        vmap(written)(torch.ones(3, 2))


def handed_out(x, n):
    (y,) = torch.while_loop(lambda t: t.abs().sum() > 1, lambda t: (t * 0.25,), (x.tanh(),))
    seen = {"argument": x, "turned": x.mT, "row": x[1:], "flat": x.reshape(-1), "shared": n}
    z = x.exp()
    return seen | {"new": y, "again": y, "part": y[0], "sisters": (z[0], z[1:].mT)}


@pytest.mark.parametrize("compiled", [False, True])
def test_what_results_share_memory_with_does_not_depend_on_the_slices(compiled):
    """Slices that take as many turns are done at once, others one by one: an argument, or a view of it, is itself in both."""
    dims = {
        **dict.fromkeys(("argument", "turned", "row", "flat", "new", "again", "part"), 0),
        "sisters": (0, 0),
        "shared": None,
    }
    function = vmap(handed_out, in_dims=(0, None), out_dims=dims)
    function = torch.compile(function) if compiled else function
    n = torch.ones(2)
    for sizes in ((0, 0, 0), (0, 1, 9), (9, 1, 1), (0, 0, 0)):
        x = torch.randn(3, 2, 2) * torch.tensor(sizes, dtype=torch.float32).reshape(3, 1, 1)
        found = function(x, n)
        wanted = {"argument": x, "turned": x.mT, "row": x[:, 1:], "flat": x.reshape(3, 4)}
        for name, y in wanted.items():
            assert torch.equal(found[name], y)
            assert np.shares_memory(found[name].value, x.value), name
        assert found["shared"] is n and not np.shares_memory(found["new"].value, x.value)
        assert found["again"] is found["new"] and np.shares_memory(found["part"].value, found["new"].value)
        (a, b), z = found["sisters"], x.exp()
        assert a.origin.base is b.origin.base and torch.equal(a, z[:, 0]) and torch.equal(b, z[:, 1:].mT)
