"""Compressed sparse tensors against PyTorch's: numbers, layouts, prints and files."""

import warnings

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch")

PARTS = [0, 2, 3, 3], [0, 2, 1], [1.0, -2.0, 3.0], (3, 4)
D = np.arange(12.0, dtype=np.float32).reshape(4, 3) - 5


def lower(t, x):
    return (x.to_dense()[:, :3] + 4 * t.eye(3)).tril().to_sparse_csr()


CALLS = {
    "itself": lambda t, x, d: x,
    "float64": lambda t, x, d: x.double(),
    "complex": lambda t, x, d: (x.to(t.complex64) * 1j).mH,
    "transposed": lambda t, x, d: x.t(),
    "csc": lambda t, x, d: x.to_sparse_csc(),
    "bsr": lambda t, x, d: x.to_sparse_bsr((1, 2)),
    "bsc": lambda t, x, d: x.to_sparse(layout=t.sparse_bsc, blocksize=(3, 2)),
    "coordinates": lambda t, x, d: x.to_sparse_coo(),
    "blocks by coordinates": lambda t, x, d: x.to_sparse_bsr((1, 2)).to_sparse_coo(),
    "a batch": lambda t, x, d: t.stack([x.to_dense(), x.to_dense()]).to_sparse_csr(),
    "dense dimensions": lambda t, x, d: d.reshape(2, 2, 3).to_sparse_csr(dense_dim=1),
    "a large one": lambda t, x, d: t.eye(2000).to_sparse_csr(),
    "without entries": lambda t, x, d: t.zeros(2, 3).to_sparse_csr(),
    "of a vector": lambda t, x, d: x @ d[:, 0],
    "of a matrix": lambda t, x, d: x @ d,
    "of blocks": lambda t, x, d: x.to_sparse_bsr((1, 1)) @ d,
    "from the left": lambda t, x, d: d @ x,
    "of two": lambda t, x, d: x.t() @ x,
    "twice": lambda t, x, d: x + x,
    "plus a strided one": lambda t, x, d: x + t.ones(3, 4),
    "times a strided one": lambda t, x, d: x * d.t(),
    "times a number": lambda t, x, d: x * 2,
    "sum": lambda t, x, d: x.sum(),
    "sum of rows": lambda t, x, d: x.sum(1, keepdim=True),
    "a row": lambda t, x, d: x[0],
    "an element": lambda t, x, d: x[0, 2],
    "a column": lambda t, x, d: x[:, 1],
    "a matrix of a batch": lambda t, x, d: t.stack([x.to_dense(), x.to_dense()]).to_sparse_csr()[0],
    "sines": lambda t, x, d: x.sin(),
    "not a number": lambda t, x, d: x.isnan(),
    "addmm": lambda t, x, d: t.addmm(t.ones(3, 3), x, d, beta=2, alpha=3),
    "sparse.addmm": lambda t, x, d: t.sparse.addmm(t.ones(3, 3), x, d),
    "addmv": lambda t, x, d: t.addmv(t.ones(3), x, d[:, 0], beta=2, alpha=3),
    "sampled": lambda t, x, d: t.sparse.sampled_addmm(x, d[:3], t.ones(3, 4), beta=0.5, alpha=2),
    "means": lambda t, x, d: t.sparse.mm(x, d, "mean"),
    "largest": lambda t, x, d: t.sparse.mm(x, d, "amax"),
    "linear": lambda t, x, d: t.nn.functional.linear(d.t(), x),
    "masked": lambda t, x, d: d.t().sparse_mask(x),
    "triangular": lambda t, x, d: t.triangular_solve(d[:3], lower(t, x), upper=False)[0],
    "triangular, transposed": lambda t, x, d: t.triangular_solve(d[:3], lower(t, x), False, True, True)[0],
    "diagonals": lambda t, x, d: t.sparse.spdiags(d[:2].double(), t.tensor([1, -1]), (3, 4)),
    "diagonals by rows": lambda t, x, d: t.sparse.spdiags(d[:2], t.tensor([0, -2]), (6, 3), t.sparse_csr),
    "zeros": lambda t, x, d: t.zeros_like(x),
    "ones": lambda t, x, d: t.ones_like(x),
    "in place": lambda t, x, d: x.clone().mul_(2).add_(x),
    "with history": lambda t, x, d: x.clone().requires_grad_() * 2,
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_give_and_print_what_pytorchs_do(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = CALLS[name](torch, torch.sparse_csr_tensor(*PARTS), torch.tensor(D))
    ours = CALLS[name](lineal, lineal.sparse_csr_tensor(*PARTS), lineal.tensor(D))
    assert repr(ours) == repr(theirs) and ours.dtype.name == str(theirs.dtype).removeprefix("torch.")


@pytest.mark.parametrize("layout", ["coo", "csr", "csc", "bsr", "bsc"])
def test_files_go_both_ways(tmp_path, layout):
    for one, other in ((torch, lineal), (lineal, torch)):
        block = (1, 2) if layout.startswith("b") else None
        x = one.tensor(D.T.copy()).to_sparse(layout=getattr(one, f"sparse_{layout}"), **({"blocksize": block} if block else {}))
        one.save({"x": x}, tmp_path / "x.pt")
        assert repr(other.load(tmp_path / "x.pt")["x"]) == repr(x)


@pytest.mark.parametrize(
    "change",
    [(0, [0, 2, 3]), (0, [0, 2, 1, 3]), (0, [1, 2, 3, 3]), (0, [0, 2, 3, 4]), (1, [0, 4, 1]), (1, [2, 0, 1]), (2, [1.0])],
)
def test_refusals_are_pytorchs(change):
    parts = list(PARTS)
    parts[change[0]] = change[1]
    with pytest.raises(RuntimeError) as theirs, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor(*parts, check_invariants=True)
    with pytest.raises(RuntimeError) as ours:
        lineal.sparse_csr_tensor(*parts, check_invariants=True)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.2}),
        ("Adagrad", {"lr": 0.1}),
        ("SparseAdam", {"lr": 0.1, "maximize": True}),
    ],
)
def test_steps_along_sparse_gradients_are_pytorchs(kind, options):
    found = []
    for t in (torch, lineal):
        layer = t.nn.Embedding(4, 3, sparse=True)
        with t.no_grad():
            layer.weight.copy_(t.tensor(D))
        optimizer = getattr(t.optim, kind)(layer.parameters(), **options)
        for indices in ([1, 2, 1], [3, 1, 3], [2, 2, 2]):
            optimizer.zero_grad()
            (layer(t.tensor(indices)) ** 2).sum().backward()
            optimizer.step()
        found.append(layer.weight.detach().numpy())
    np.testing.assert_allclose(found[1], found[0], rtol=2e-6)
