"""vmap: every function of a slice, at once."""

import pytest

import lineal as torch
from lineal.func import grad, hessian, vmap
from lineal.transforms.batching import rule_of

torch.manual_seed(0)
X = torch.randn(5, 3, dtype=torch.float64)
Y = torch.randn(5, 4, dtype=torch.float64)
W = torch.randn(3, 4, dtype=torch.float64)


def looped(function, *batches):
    return torch.stack([function(*slices) for slices in zip(*batches)])


def scatter_rows(x):
    y = torch.zeros_like(x)
    y[1:] = x[:-1] * 2
    y += 1
    return y.exp()


def written_view(x):
    y = x * 1
    y.reshape(3, 1)[:2, 0].mul_(10)
    return y


FUNCTIONS = {
    "elementwise": lambda x: torch.where(x > 0, x.exp(), -x) + 1,
    "matrix": lambda x: (x @ W).tanh(),
    "dot": lambda x: x @ x,
    "reduction": lambda x: torch.stack([x.sum(), x.var(), x.max(), x.norm(), x.logsumexp(0)]),
    "softmax": lambda x: x.softmax(-1) * x.argmax(),
    "sorting": lambda x: x.sort(descending=True)[0] + x.topk(1)[0],
    "indexing": lambda x: x[[2, 0]] * x[1:] + x[..., None][0],
    "mask": lambda x: x.masked_fill(x > 0, 0.5),
    "views": lambda x: torch.cat([x.flip(0), x]).reshape(2, 3).T.reshape(-1)[1:5].unsqueeze(0).expand(2, 4),
    "new and written": scatter_rows,
    "written through a view": written_view,
    "solve": lambda x: torch.linalg.solve(torch.outer(x, x) + torch.eye(3, dtype=torch.float64), x),
    "eigen": lambda x: torch.linalg.eigvalsh(torch.outer(x, x) + torch.diag(x)),
    "einsum": lambda x: torch.einsum("i,j,jk->ik", x, x, W),
    "gradient": grad(lambda x: (x @ W).tanh().square().sum()),
    "hessian": hessian(lambda x: (x.exp() * x.sum()).prod()),
    "without rule": lambda x: torch.kthvalue(x, 2)[0] + x.cummax(0)[0],
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_agrees_with_the_loop(function):
    torch.testing.assert_close(vmap(function)(X), looped(function, X))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_is_differentiated_like_the_loop(function):
    x = X.clone().requires_grad_()
    (one,) = torch.autograd.grad(vmap(function)(x).square().sum(), x)
    (other,) = torch.autograd.grad(looped(function, x).square().sum(), x)
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("function", [FUNCTIONS["matrix"], FUNCTIONS["gradient"], FUNCTIONS["indexing"]])
def test_nests(function):
    torch.testing.assert_close(vmap(vmap(function))(X.expand(2, 5, 3)), torch.stack([looped(function, X), looped(function, X)]))


def test_outer_batch_is_seen_inside():
    table = vmap(lambda a: vmap(lambda b: (a * b).sum())(X))(X)
    torch.testing.assert_close(table, X @ X.T)


def test_per_sample_gradients():
    def loss(params, x, y):
        return ((x @ params["w"] + params["b"] - y) ** 2).mean()

    params = {"w": W, "b": W[0]}
    found = vmap(grad(loss), in_dims=(None, 0, 0))(params, X, Y)
    for place in range(5):
        alone = grad(loss)(params, X[place], Y[place])
        torch.testing.assert_close({key: each[place] for key, each in found.items()}, alone)
    mean = grad(lambda p: vmap(loss, in_dims=(None, 0, 0))(p, X, Y).mean())(params)
    torch.testing.assert_close(mean["w"], found["w"].mean(0))


def test_embedding_rows_and_their_gradients():
    index = torch.tensor([[0, 1], [2, 2]])
    torch.testing.assert_close(vmap(lambda i: W[i])(index), W[index])
    found = vmap(grad(lambda w, i: (w[i] ** 2).sum()), in_dims=(None, 0))(W, index)
    torch.testing.assert_close(found[1], torch.stack([W[0] * 0, W[0] * 0, 4 * W[2]]))


def test_dims():
    torch.testing.assert_close(vmap(torch.sum, in_dims=1)(X), X.sum(0))
    torch.testing.assert_close(vmap(lambda x: x * 2, in_dims=-1, out_dims=-1)(X), X * 2)
    a, b = vmap(lambda x: (x * 2, x.sum()), out_dims=(1, 0))(X)
    assert a.shape == (3, 5) and b.shape == (5,)
    assert vmap(lambda x, n: x * n, in_dims=(0, None))(X, 2).shape == (5, 3)
    nested = vmap(lambda pair, d: pair[0] * d["s"], in_dims=((0, None), {"s": 0}))((X, 1), {"s": X[:, 0]})
    torch.testing.assert_close(nested, X * X[:, :1])


def test_results_that_do_not_depend_on_the_batch():
    assert vmap(lambda x: torch.ones(2))(X).shape == (5, 2)


def test_chunks():
    torch.testing.assert_close(vmap(lambda x: x.sum() * x, chunk_size=2)(X), X.sum(1, keepdim=True) * X)
    assert vmap(lambda x: x * 2, out_dims=1, chunk_size=2)(X).shape == (3, 5)


def test_empty_batch():
    assert vmap(lambda x: torch.kthvalue(x @ W, 2)[0] + x.sum())(X[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vmap(torch.add)(X, Y[:3]), "same size in the mapped dimension"),
        (lambda: vmap(torch.sum, in_dims=2)(X), "dimensionality 2"),
        (lambda: vmap(torch.add)(X, 1), "non-Tensor"),
        (lambda: vmap(torch.add, in_dims=(0,))(X, X), "not compatible with the structure of inputs"),
        (lambda: vmap(torch.sum, in_dims=None)(X), "expected `in_dims` to be int"),
        (lambda: vmap(torch.add, in_dims=(None, None))(X, X), "nothing to map over"),
        (lambda: vmap(lambda x: 1)(X), "must only return Tensors"),
        (lambda: vmap(lambda x: x, out_dims=(0, 0))(X), "structure of outputs"),
    ],
)
def test_wrong_dims_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, "data-dependent control flow"),
        (lambda x: x * x.sum().item(), r"calling \.item\(\)"),
        (lambda x: x * float(x[0]), r"\.item\(\)"),
    ],
)
def test_looking_at_numbers_is_refused(function, message):
    with pytest.raises(RuntimeError, match=message):
        vmap(function)(X)
    with pytest.raises(RuntimeError, match=message):
        vmap(lambda a: vmap(lambda b: function(a) + b)(X))(X)


def test_unbatched_numbers_may_be_looked_at():
    assert vmap(lambda x: x * W.sum().item())(X).shape == X.shape


def test_unbatched_target_refuses_batched_values():
    target = torch.zeros(3, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="inplace arithmetic is not possible"):
        vmap(lambda x: target.add_(x))(X)


def test_captured_tensor_may_not_change_after_use():
    count = torch.zeros(3, dtype=torch.float64)

    def function(x):
        y = x * count
        count.add_(1)
        return y

    with pytest.raises(RuntimeError, match="changed in place within the function"):
        vmap(function)(X)


def test_randomness():
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda x: x + torch.rand(3))(X)
    same = vmap(lambda x: torch.rand(3), randomness="same")(X)
    assert (same == same[0]).all()
    different = vmap(lambda x: torch.rand(3), randomness="different")(X)
    assert different.unique().numel() == 15


def test_writes_reach_the_argument():
    x = X.clone()
    vmap(lambda row: row.mul_(2))(x)
    torch.testing.assert_close(x, X * 2)


def test_every_elementwise_op_has_a_rule():
    assert rule_of(torch.exp.op) is not None


def test_keywords_are_not_mapped():
    torch.testing.assert_close(vmap(lambda x, y: x * y["w"][0])(X, y={"w": [X[0]]}), X * X[0])
    assert vmap(lambda x, y: x * y)(X, y=X).shape == (5, 5, 3)
    with pytest.raises(ValueError, match="no inputs"):
        vmap(lambda *, y: y)(y=X)


@pytest.mark.parametrize("in_dims", [[0, 0], "0", None, (0.0, 0), (True, 0)])
def test_in_dims_are_ints_or_tuples(in_dims):
    with pytest.raises(ValueError, match="in_dim"):
        vmap(torch.add, in_dims=in_dims)(X, X)


def test_out_dims_have_the_form_of_the_result():
    found = vmap(lambda x: (x, {"b": x, "c": torch.ones(2)}), out_dims=(1, {"b": -1, "c": None}))(X)
    assert found[0].shape == found[1]["b"].shape == (3, 5) and found[1]["c"].shape == (2,)
    with pytest.raises(ValueError, match="structure of outputs"):
        vmap(lambda x: {"a": x}, out_dims=(0,))(X)


DRAWS = {
    "rand": lambda x: torch.rand(4),
    "randn_like": torch.randn_like,
    "randint": lambda x: torch.randint(0, 1000, (4,)),
    "randperm": lambda x: torch.randperm(50),
    "normal_": lambda x: x.clone().normal_(),
    "dropout": lambda x: torch.nn.functional.dropout(torch.ones(30)),
    "multinomial": lambda x: torch.multinomial(torch.ones(50), 3),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("way", [lambda f: f, torch.compile], ids=["eager", "compiled"])
def test_whose_random_numbers(draw, way):
    run = way(vmap(draw, randomness="same"))
    for _ in range(3):
        same = run(X)
        assert (same == same[0]).all()
    run = way(vmap(draw, randomness="different"))
    rows = {tuple(row.tolist()) for _ in range(3) for row in run(X)}
    assert len(rows) == 15
    with pytest.raises(RuntimeError, match="randomness error mode"):
        way(vmap(draw))(X)


def test_parameters_that_differ_want_different_numbers():
    chances = torch.tensor([[0.0], [1.0]]).expand(2, 50)
    assert vmap(torch.bernoulli, randomness="different")(chances).tolist() == chances.tolist()
    with pytest.raises(RuntimeError, match="batched tensor"):
        vmap(torch.bernoulli, randomness="same")(chances)


USES = {
    "sum": lambda e: e + 1,
    "product": lambda e: e @ e,
    "second": lambda e: torch.add(torch.ones(3), e),
    "view": lambda e: e.view(-1),
    "item": lambda e: e.tolist(),
    "index": lambda e: e[0],
    "write": lambda e: e.add_(1),
    "into": lambda e: torch.zeros(3, dtype=torch.float64).copy_(e),
    "list": lambda e: torch.stack([e, e]),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_slice_is_of_no_use_afterwards(use):
    escaped = []
    vmap(lambda x: (escaped.append(x * 2), x)[1])(X)
    with pytest.raises(RuntimeError, match="escaped from inside a function being vmapped"):
        use(escaped[0])


def test_what_is_the_same_for_all_slices_may_be_kept():
    kept = []
    vmap(lambda x: (kept.append(torch.ones(3) * 2), x)[1])(X)
    assert kept[0].tolist() == [2.0] * 3
