"""Functions of functions: grad, vjp, jvp, Jacobians."""

import pytest

import lineal as torch
from lineal import func
from lineal.base import tree


def vector(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def test_grad_nests():
    x = torch.tensor(2.0, dtype=torch.float64)
    assert func.grad(lambda x: x**3)(x).item() == 12.0
    assert func.grad(func.grad(lambda x: x**3))(x).item() == 12.0
    assert func.grad(func.grad(func.grad(lambda x: x**3)))(x).item() == 6.0


def test_inner_and_outer_variables_are_not_confused():
    x = torch.tensor(3.0, dtype=torch.float64)
    assert func.grad(lambda x: x * func.grad(lambda y: x + y)(torch.tensor(1.0, dtype=torch.float64)))(x).item() == 1.0
    assert func.grad(lambda x: func.grad(lambda y: x * y * y)(x))(x).item() == 12.0


def test_results_require_grad_only_for_what_is_outside():
    x, w = vector(1.0, 2.0), vector(3.0, 4.0).requires_grad_()
    assert not func.grad(lambda x: (x * x).sum())(x).requires_grad
    g = func.grad(lambda x: (x * x * w).sum())(x)
    assert g.requires_grad
    g.sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]
    with torch.no_grad():
        assert not func.grad(lambda x: (x * x * w).sum())(x).requires_grad
    assert x.grad is None and not x.requires_grad


def test_argnums_and_nests():
    params = {"w": vector(1.0, 2.0), "b": [vector(3.0, 3.0)]}
    found = func.grad(lambda p, x: (p["w"] * x + p["b"][0]).sum())(params, vector(5.0, 6.0))
    assert found["w"].tolist() == [5.0, 6.0] and found["b"][0].tolist() == [1.0, 1.0]
    a, b = func.grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(vector(1.0), vector(2.0))
    assert (a.item(), b.item()) == (2.0, 1.0)
    assert func.grad(lambda a, b: (a * b).sum(), argnums=-1)(vector(1.0), vector(2.0)).item() == 1.0


def test_value_and_aux():
    g, value = func.grad_and_value(lambda x: (x * x).sum())(vector(3.0))
    assert (g.item(), value.item(), value.requires_grad) == (6.0, 9.0, False)
    g, (value, aux) = func.grad_and_value(lambda x: ((x * x).sum(), x + 1), has_aux=True)(vector(3.0))
    assert aux.item() == 4.0 and not aux.requires_grad
    assert func.grad(lambda x: ((x * x).sum(), "name"), has_aux=True)(vector(3.0))[1] == "name"


@pytest.mark.parametrize(
    ("function", "message"), [(lambda x: x * 2, "scalar tensor, got tensor with 1 dims"), (lambda x: 1.0, "return a tensor")]
)
def test_grad_wants_a_scalar(function, message):
    with pytest.raises(RuntimeError, match=message):
        func.grad(function)(vector(1.0, 2.0))


def test_argnums_are_checked():
    with pytest.raises(RuntimeError, match="only 1 positional"):
        func.grad(lambda x: x.sum(), argnums=1)(vector(1.0))
    with pytest.raises(RuntimeError, match="unique"):
        func.grad(lambda x: x.sum(), argnums=(0, 0))(vector(1.0))


def test_vjp_and_jvp():
    x, w = vector(1.0, 2.0), vector(3.0, 4.0)
    y, back = func.vjp(lambda x, w: x * w, x, w)
    assert y.tolist() == [3.0, 8.0]
    assert [each.tolist() for each in back(vector(1.0, 10.0))] == [[3.0, 40.0], [1.0, 20.0]]
    assert [each.tolist() for each in back(vector(0.0, 1.0))] == [[0.0, 4.0], [0.0, 2.0]]
    y, dy = func.jvp(lambda x, w: x * w, (x, w), (vector(1.0, 0.0), vector(0.0, 1.0)))
    assert dy.tolist() == [3.0, 2.0]
    _, linear = func.linearize(lambda x: x * x, x)
    assert linear(vector(1.0, 1.0)).tolist() == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="cotangent of shape"):
        back(vector(1.0))


def test_jvp_of_what_does_not_depend_is_zero():
    _, dy = func.jvp(lambda x: (vector(5.0), x * 2), (vector(1.0),), (vector(1.0),))
    assert [each.tolist() for each in dy] == [[0.0], [2.0]]


@pytest.mark.parametrize("jacobian", [func.jacrev, func.jacfwd])
def test_jacobians(jacobian):
    A = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)
    assert jacobian(lambda x: A @ x)(vector(1.0, 1.0)).tolist() == A.tolist()
    J = jacobian(lambda X: X.T @ X)(A)
    assert J.shape == (2, 2, 3, 2)
    torch.testing.assert_close(J, torch.autograd.functional.jacobian(lambda X: X.T @ X, A))
    (Jx,), (Jy,) = jacobian(lambda x: (x * 2, x.sum()), argnums=(0,))(vector(1.0, 1.0))
    assert Jx.tolist() == [[2.0, 0.0], [0.0, 2.0]] and Jy.tolist() == [1.0, 1.0]


def test_hessian():
    H = func.hessian(lambda x: (x**3).sum() + x[0] * x[1])(vector(1.0, 2.0))
    assert H.tolist() == [[6.0, 1.0], [1.0, 12.0]]


def test_jacobian_can_be_differentiated():
    x = vector(1.0, 2.0).requires_grad_()
    func.jacrev(lambda x: x**3)(x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


TWO, THREE = vector(1.0, 2.0), vector(3.0, 4.0)


@pytest.mark.parametrize(
    ("primals", "function"),
    [
        ((TWO,), lambda x: x * 2),
        ((TWO, THREE), torch.mul),
        (({"a": TWO},), lambda d: d["a"] * 2),
        (([TWO],), lambda s: s[0] * 2),
    ],
)
def test_pull_gives_one_entry_per_primal(primals, function):
    _, pull = func.vjp(function, *primals)
    found = pull(TWO)
    assert isinstance(found, tuple) and len(found) == len(primals)
    assert all(type(one) is type(other) for one, other in zip(found, primals))
    _, pull, aux = func.vjp(lambda *given: (function(*given), TWO), *primals, has_aux=True)
    assert len(pull(TWO)) == len(primals) and aux.tolist() == [1.0, 2.0]


def test_cotangents_have_the_form_of_the_outputs():
    _, pull = func.vjp(lambda x: (x * 2, x), TWO)
    assert pull((TWO, TWO))[0].tolist() == [3.0, 6.0]
    for wrong in ([TWO, TWO], TWO, (TWO,)):
        with pytest.raises(RuntimeError, match="pytree structure"):
            pull(wrong)
    with pytest.raises(ValueError, match="to be tensors"):
        func.vjp(lambda x: x * 2, 2.0)


def test_strict_tangents():
    assert func.jvp(lambda x: torch.ones(2), (TWO,), (TWO,))[1].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="independent of the inputs"):
        func.jvp(lambda x: torch.ones(2), (TWO,), (TWO,), strict=True)
    with pytest.raises(RuntimeError, match="python structure"):
        func.jvp(lambda d: d["a"], ({"a": TWO},), (TWO,))


def first_of_overwritten(a, b):
    view = a[0]
    a.copy_(b)
    return view


def first_of_multiplied(a, b):
    view = a[0]
    a.mul_(b)
    return view * 1


def whole_of_written_view(a, b):
    view = a[:1]
    view.mul_(b[:1])
    return a


def reshaped_of_increased(a, b):
    view = a.view(2, 1)
    a.add_(b)
    return view, view.detach()


ALIASES = {
    "overwritten": (first_of_overwritten, lambda a, b: b[0] * 1),
    "multiplied": (first_of_multiplied, lambda a, b: a[0] * b[0]),
    "written view": (whole_of_written_view, lambda a, b: torch.stack([a[0] * b[0], a[1]])),
    "reshaped": (reshaped_of_increased, lambda a, b: ((a + b).view(2, 1), (a + b).view(2, 1).detach())),
}


@pytest.mark.parametrize("copied", [True, False], ids=["copy", "argument"])
@pytest.mark.parametrize(("written", "pure"), ALIASES.values(), ids=ALIASES)
def test_tangents_pass_through_aliases(written, pure, copied):
    function = (lambda a, b: written(a.clone(), b)) if copied else written
    primals, tangents = (TWO, THREE), (vector(5.0, 6.0), vector(7.0, 8.0))
    expected = func.jvp(pure, primals, tangents)

    def directional(a, b, v, w):
        return func.jvp(function, (a, b), (v, w))

    def again():
        return TWO.clone(), THREE.clone()

    for run in (directional, torch.compile(directional)):
        for _ in range(3):
            torch.testing.assert_close(run(*again(), *tangents), expected)
    stacked = func.vmap(directional)(*[torch.stack([x, x]) for x in (*primals, *tangents)])
    torch.testing.assert_close(stacked, tree.transform(lambda y: torch.stack([y, y]), expected))
    torch.testing.assert_close(func.linearize(function, *again())[1](*tangents), expected[1])
    torch.testing.assert_close(func.jacfwd(function, (0, 1))(*again()), func.jacfwd(pure, (0, 1))(*primals))
    if copied:
        torch.testing.assert_close(func.jacrev(function, (0, 1))(*again()), func.jacrev(pure, (0, 1))(*primals))


def set_item(c, x):
    c[0] = x[0]


def set_number(c, x):
    c[0] = 1.0


def put_items(c, x):
    c[torch.tensor([0])] = x[:1]


def without_history(c, x):
    with torch.no_grad():
        c.add_(x)


WRITES = {
    "add_": lambda c, x: c.add_(x),
    "a number": lambda c, x: c.add_(1),
    "detached": lambda c, x: c.copy_(x.detach()),
    "a view": lambda c, x: c[:1].mul_(x[0]),
    "an alias": lambda c, x: c.detach().mul_(x),
    "mask": lambda c, x: c.masked_fill_(c >= 0, 2.0),
    "item": set_item,
    "number": set_number,
    "items": put_items,
    "no_grad": without_history,
}
TRANSFORMS = {
    "grad": lambda f: func.grad(f)(TWO),
    "grad_and_value": lambda f: func.grad_and_value(f)(TWO),
    "vjp": lambda f: func.vjp(f, TWO),
    "jvp": lambda f: func.jvp(f, (TWO,), (TWO,)),
    "jacrev": lambda f: func.jacrev(f)(TWO),
    "jacfwd": lambda f: func.jacfwd(f)(TWO),
    "hessian": lambda f: func.hessian(f)(TWO),
    "linearize": lambda f: func.linearize(f, TWO),
    "nested": lambda f: func.grad(lambda x: func.grad(f)(x).sum())(TWO),
    "compiled": lambda f: torch.compile(func.grad(f))(TWO),
    "per sample": lambda f: func.vmap(func.grad(f))(torch.stack([TWO, TWO])),
}


class Holder:
    def __init__(self):
        self.buffers = {"c": torch.zeros(2, dtype=torch.float64)}

    def __call__(self, write, x):
        write(self.buffers["c"], x)
        return (self.buffers["c"] * x).sum()


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_captured_tensors_are_not_written_to(write, transform):
    c, holder = torch.zeros(2, dtype=torch.float64), Holder()
    alias = c.view(2)

    def function(x):
        write(c, x)
        return (c * x).sum()

    for captured, f in ((c, function), (holder.buffers["c"], lambda x: holder(write, x))):
        with pytest.raises(RuntimeError, match=r"mutate a captured tensor|inplace arithmetic"):
            transform(f)
        assert captured.tolist() == [0.0, 0.0] and not captured.requires_grad
    assert not alias.requires_grad


@pytest.mark.parametrize("name", ["grad", "jacrev", "jacfwd", "hessian", "jvp"])
def test_tensors_of_its_own_may_be_written_to(name):
    c = torch.zeros(2, dtype=torch.float64)

    def function(x):
        y, z = c.clone(), torch.zeros(2, dtype=torch.float64)
        y.add_(x)
        z[0] = x[1] * 2
        z[1:] = y[:1]
        return (y * z).sum()

    TRANSFORMS[name](function)
    assert not c.requires_grad and func.grad(function)(TWO).tolist() == [6.0, 3.0]


@pytest.mark.parametrize("call", [lambda g, x, y: g(x, y), lambda g, x, y: g(x, y=y)], ids=["position", "keyword"])
def test_other_arguments_may_be_written_to_and_get_no_history(call):
    y = THREE.clone()

    def function(x, y):
        y.add_(x)
        return (x * y).sum()

    assert call(func.grad(function), TWO, y).tolist() == [5.0, 8.0]
    assert y.tolist() == [4.0, 6.0] and not y.requires_grad
