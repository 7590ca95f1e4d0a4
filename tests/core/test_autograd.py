"""The way back: what it computes, what it refuses, what it frees."""

import gc
import weakref

import numpy as np
import pytest

import lineal as torch


def leaf(*numbers, dtype=torch.float64):
    return torch.tensor(numbers, dtype=dtype, requires_grad=True)


def test_gradient_of_a_polynomial():
    x = leaf(1.0, 2.0, 3.0)
    (x**3 + 2 * x).sum().backward()
    assert x.grad.tolist() == [5.0, 14.0, 29.0]


def test_gradients_accumulate_over_calls_and_paths():
    x = leaf(2.0)
    (x * x + x).sum().backward()
    x.sum().backward()
    assert x.grad.tolist() == [6.0]


def test_second_derivative():
    x = leaf(2.0)
    (first,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert first.tolist() == [12.0] and second.tolist() == [12.0]


@pytest.mark.parametrize(("start", "expected"), [(0.5, 2048.0), (-0.5, 204800.0)])
def test_control_flow(start, expected):
    a = torch.tensor(start, requires_grad=True)
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    c = b if b.sum() > 0 else 100 * b
    c.backward()
    assert a.grad.item() == expected == c.item() / start


def test_detach_stops_the_way_back():
    x = leaf(1.0, 2.0)
    y = x * x
    (y.detach() * x).sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_no_grad_and_enable_grad():
    x = leaf(1.0)
    with torch.no_grad():
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
    with torch.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_second_backward_needs_retain_graph():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match=r"backward through the graph a second time.*retain_graph=True"):
        y.backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_vector_needs_a_gradient():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"implicitly created only for scalar outputs.*\[2\]"):
        (x * 2).backward()
    (x * 2).backward(torch.tensor([1.0, 10.0], dtype=torch.float64))
    assert x.grad.tolist() == [2.0, 20.0]


def test_complex_scalar_needs_a_gradient():
    z = torch.tensor(1 + 2j, requires_grad=True)
    with pytest.raises(RuntimeError, match="only for real scalar outputs"):
        (z * z).backward()


def test_gradient_of_another_shape_is_refused():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (x * 2).backward(torch.ones(3, dtype=torch.float64))


def test_constant_has_no_way_back():
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.ones(1).backward()


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool])
def test_integers_cannot_require_grad(dtype):
    with pytest.raises(RuntimeError, match="only Tensors of floating point and complex dtype can require gradients"):
        torch.zeros(2, dtype=dtype).requires_grad_()


def test_leaf_refuses_writes_outside_no_grad():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x += 1
    with torch.no_grad():
        x += 1
    assert x.tolist() == [2.0]


def test_changed_value_names_both_ops_and_both_lines():
    x = leaf(1.0, 2.0)
    y = x * 3
    z = y.exp() * y
    y.add_(1)  # the write
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
        z.sum().backward()
    text = str(caught.value)
    assert "`mul`" in text and "`add_`" in text
    assert "z = y.exp() * y" in text and "y.add_(1)  # the write" in text


def test_changed_output_is_noticed():
    x = leaf(1.0)
    y = x.exp()
    z = y * 2
    y.zero_()
    with pytest.raises(RuntimeError, match="its output"):
        z.sum().backward()


def test_anomaly_mode_points_at_the_forward_line():
    x = leaf(0.0)
    with torch.autograd.detect_anomaly():
        y = torch.sqrt(x) * 0  # makes the nan
        with pytest.raises(RuntimeError, match="nan values") as caught:
            y.sum().backward()
    assert "torch.sqrt(x) * 0  # makes the nan" in str(caught.value)


def test_anomaly_mode_can_be_set_and_left():
    with torch.autograd.set_detect_anomaly(True, check_nan=False):
        x = leaf(0.0)
        (torch.sqrt(x) * 0).sum().backward()
        assert torch.isnan(x.grad).all()
    x = leaf(0.0)
    (torch.sqrt(x) * 0).sum().backward()


def test_grad_of_unused_input():
    x, y = leaf(1.0), leaf(2.0)
    with pytest.raises(RuntimeError, match="appears to not have been used"):
        torch.autograd.grad((x * 2).sum(), (x, y))
    found = torch.autograd.grad((x * 2).sum(), (x, y), allow_unused=True)
    assert found[1] is None
    found = torch.autograd.grad((x * 2).sum(), (x, y), materialize_grads=True)
    assert found[1].tolist() == [0.0]
    with pytest.raises(ValueError, match="allow_unused"):
        torch.autograd.grad((x * 2).sum(), (x, y), allow_unused=False, materialize_grads=True)


def test_grad_leaves_the_leaves_alone_and_takes_inner_tensors():
    x = leaf(3.0)
    y = x * 2
    found = torch.autograd.grad((y * y).sum(), {"y": y, "x": x})
    assert found["y"].tolist() == [12.0] and found["x"].tolist() == [24.0]
    assert x.grad is None


def test_batched_grad_outputs():
    x = leaf(1.0, 2.0, 3.0)
    y = x.exp() * x.sum()
    (J,) = torch.autograd.grad(y, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True)
    e = np.exp([1.0, 2.0, 3.0])
    np.testing.assert_allclose(J.numpy(), np.diag(e * 6) + e[:, None])


def test_backward_into_chosen_inputs():
    x, y = leaf(1.0), leaf(2.0)
    torch.autograd.backward([(x * y).sum()], inputs=[x])
    assert x.grad.tolist() == [2.0] and y.grad is None
    with pytest.raises(RuntimeError, match="cannot be empty"):
        torch.autograd.backward([(x * y).sum()], inputs=[])


def test_backward_of_several_tensors():
    x = leaf(1.0, 2.0)
    torch.autograd.backward([x.sum(), x * x], [None, torch.ones(2, dtype=torch.float64)])
    assert x.grad.tolist() == [3.0, 5.0]
    with pytest.raises(RuntimeError, match="2 tensors and 1 gradients"):
        torch.autograd.backward([x.sum(), x * x], [None])


def test_write_into_a_view_reaches_the_base():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    y[1:] *= 10
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 20.0, 20.0]


def test_a_long_chain_neither_recurses_nor_leaks():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1
    reference = weakref.ref(y.grad_fn)
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    gc.collect()
    gc.disable()
    try:
        del y
        assert reference() is None
    finally:
        gc.enable()


def test_the_graph_goes_when_the_loss_goes():
    x = leaf(1.0, 2.0)
    inner = (x * x).exp()
    reference, value = weakref.ref(inner.grad_fn), weakref.ref(inner.value)
    loss = inner.sum()
    del inner
    assert reference() is not None
    del loss
    assert reference() is None and value() is None


def test_backward_frees_what_the_graph_kept():
    x = leaf(1.0, 2.0)
    inner = x * 3
    value = weakref.ref(inner.value)
    loss = (inner * inner).sum()
    del inner
    assert value() is not None
    loss.backward()
    assert value() is None


def test_inference_mode_remembers_nothing():
    x = leaf(1.0)
    with torch.inference_mode():
        y = x * 2
    assert not y.requires_grad


def test_a_grad_takes_over_memory_only_if_nobody_else_holds_it():
    """A cotangent that is only reshaped on its way becomes the grad without a copy, unless somebody can still see it."""
    seed = torch.ones(2, 3)
    x = torch.zeros(6, requires_grad=True)
    x.reshape(2, 3).backward(seed)
    assert not np.shares_memory(x.grad.numpy(), seed.numpy())

    kept = []
    x.grad = None
    y = x * 2
    y.register_hook(kept.append)
    y.reshape(2, 3).backward(torch.ones(2, 3))
    x.grad.zero_()
    assert kept[0].tolist() == [1.0] * 6

    first, second = torch.zeros(6, requires_grad=True), torch.zeros(6, requires_grad=True)
    (first + second).reshape(2, 3).backward(torch.ones(2, 3))
    first.grad.zero_()
    assert second.grad.tolist() == [1.0] * 6

    part, whole = torch.zeros(3, requires_grad=True), torch.zeros(2, 3, requires_grad=True)
    (whole + part).exp().reshape(6).sum().backward()
    whole.grad.zero_()
    assert part.grad.tolist() == [2.0] * 3
