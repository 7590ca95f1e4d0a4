"""What nodes keep, packed by hooks; edges of the graph; hooks on several tensors."""

from __future__ import annotations

import gc
import weakref

import pytest

import lineal
from lineal.autograd.graph import (
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    get_gradient_edge,
    increment_version,
    register_multi_grad_hook,
    save_on_cpu,
    saved_tensors_hooks,
)
from lineal.base.platforms import UNUSUAL
from lineal.nn import functional as F


class Product(lineal.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        z = x * y
        ctx.save_for_backward(x, y, z)
        ctx.factor = 3
        return z

    @staticmethod
    def backward(ctx, g):
        x, y, z = ctx.saved_tensors
        return g * y + 0 * z, g * x


FUNCTIONS = {
    "elementwise": lambda a, b: (a * b).exp() / b,
    "softmax": lambda a, b: F.softmax(a, 0) * b,
    "products": lambda a, b: F.linear(a[None], lineal.outer(a, b)),
    "reductions": lambda a, b: lineal.logsumexp(a * b, 0) + a.max(),
    "in place, keeping what it overwrites": lambda a, b: a.clone().mul_(b),
    "views": lambda a, b: a.reshape(2, 1).T @ b,
    "a custom function": lambda a, b: Product.apply(a, b),
    "several outputs": lambda a, b: lineal.linalg.slogdet(lineal.outer(a, b) + lineal.eye(2)).logabsdet,
}


def leaves():
    return lineal.tensor([0.5, 1.5], requires_grad=True), lineal.tensor([2.0, 3.0], requires_grad=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_packed_tensors_give_the_same_derivatives_to_second_order(name):
    calls = []

    def pack(x):
        calls.append("packed")
        return x.detach().numpy().copy()

    def unpack(array):
        calls.append("unpacked")
        return lineal.from_numpy(array)

    def derivatives(hooked):
        a, b = leaves()
        if hooked:
            with saved_tensors_hooks(pack, unpack):
                y = FUNCTIONS[name](a, b).sum()
        else:
            y = FUNCTIONS[name](a, b).sum()
        first = lineal.autograd.grad(y, (a, b), create_graph=True, materialize_grads=True)
        second = lineal.autograd.grad(sum(g.sum() for g in first), (a, b), allow_unused=True, materialize_grads=True)
        return [g.tolist() for g in (*first, *second)]

    assert derivatives(hooked=True) == derivatives(hooked=False)
    assert {"packed", "unpacked"} == set(calls)
    assert saved_tensors_hooks not in UNUSUAL, "nobody pays when they do not hold any more"


def test_packed_tensors_may_be_read_twice_if_the_graph_is_retained_and_are_freed_else():
    a, b = leaves()
    with save_on_cpu():
        y = (a * b).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert a.grad.tolist() == [4.0, 6.0]
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_hooks_keep_no_tensor_alive():
    a, b = leaves()
    with saved_tensors_hooks(lambda x: x.tolist(), lineal.tensor):
        kept = a * b
        gone = weakref.ref(kept)
        y = kept.exp().sum()
    del kept
    gc.collect()
    assert gone() is None
    y.backward()


def test_what_hooks_refuse():
    a, b = leaves()
    with saved_tensors_hooks(lambda x: x, lambda x: 3):
        y = (a * b).sum()
    with pytest.raises(TypeError, match="expected to be a Tensor but got result of type int"):
        y.backward()
    hooks = saved_tensors_hooks(lambda x: x, lambda x: x)
    with disable_saved_tensors_hooks("not here"), pytest.raises(RuntimeError, match="not here"), hooks:
        pass
    c = a * 1
    with saved_tensors_hooks(lambda x: x, lambda x: x):
        y = (c * c).sum()
    c.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_compiled_functions_pack_too():
    calls = []
    program = lineal.compile(lambda a, b: (a * b).exp())
    a, b = leaves()
    for _ in range(3):
        program(a, b)
    with saved_tensors_hooks(lambda x: calls.append(1) or x, lambda x: x):
        program(a, b).sum().backward()
    assert calls


def test_saved_tensors_may_be_written_to_where_that_is_allowed():
    a, _ = leaves()
    with allow_mutation_on_saved_tensors():
        b = a.clone()
        y, z = b**2, b.exp()
        b.sin_()
        z.mul_(5)
        y.sum().backward()
    assert a.grad.tolist() == [1.0, 3.0]


def test_an_edge_stands_for_its_tensor():
    a, b = leaves()
    y = a * b
    edge = get_gradient_edge(y)
    assert lineal.autograd.grad(y.sum(), edge)[0].tolist() == [1.0, 1.0]
    assert lineal.autograd.grad(edge, a, lineal.ones(2))[0].tolist() == b.tolist()
    assert get_gradient_edge(a).node.variable is a
    lineal.autograd.backward((a * b).sum(), inputs=[get_gradient_edge(a)])
    assert (a.grad.tolist(), b.grad) == (b.tolist(), None)
    with pytest.raises(RuntimeError, match="does not require gradients"):
        get_gradient_edge(lineal.ones(1))


def test_nodes_show_what_they_keep_and_carry_notes():
    a, b = leaves()
    node = (a * b).grad_fn
    assert (node._saved_self is a, node._saved_other is b) == (True, True)
    assert {"_saved_self", "_saved_other"} <= set(dir(node))
    node.metadata["note"] = 1
    assert node.metadata["note"] == 1
    assert a.exp().grad_fn._saved_result.tolist() == a.exp().tolist()
    custom = Product.apply(a, b).grad_fn
    assert (custom.factor, custom.saved_tensors[0] is a) == (3, True)
    with pytest.raises(AttributeError, match="_saved_mask"):
        _ = node._saved_mask


def test_a_hook_on_several_tensors_waits_for_those_that_a_pass_comes_to():
    a, b = leaves()
    c = lineal.ones(1, requires_grad=True)
    heard = []
    handle = register_multi_grad_hook((a, b, c), lambda gs: heard.append([g is None for g in gs]))
    (a * b).sum().backward()
    (a * 2).sum().backward()
    assert heard == [[False, False, True], [False, True, True]]
    handle.remove()
    first = []
    with register_multi_grad_hook((a, b), first.append, mode="any"):
        (a * b).sum().backward()
        (a * b).sum().backward()
    (a * b).sum().backward()
    assert len(first) == 2
    assert len(heard) == 2
    with pytest.raises(ValueError, match="expects mode"):
        register_multi_grad_hook((a,), first.append, mode="some")


def test_a_version_can_be_advanced_by_hand():
    a, b = leaves()
    c = a * 1
    y = (c * b).sum()
    increment_version(c)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
