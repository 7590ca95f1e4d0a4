"""Views made where nothing is remembered: what may be done with them once their base, or what is written, has a history."""

import pytest

import lineal as torch


def test_a_view_made_without_grad_is_refused_after_its_base_got_a_history():
    y = torch.ones(3, requires_grad=True) * 1
    with torch.no_grad():
        view = y[:2]
    y.mul_(2)
    with pytest.raises(RuntimeError, match="no_grad"):
        view.sum()


def test_a_view_made_without_grad_takes_constants_and_can_be_detached():
    """A write that gives it a history is refused at once. Gradients of bases of views are such views, too."""
    w, x = torch.ones(3, requires_grad=True), torch.full((3, 1), 2.0)
    with torch.no_grad():
        view = x.view(3)
    (grad,) = torch.autograd.grad((w.reshape(3, 1) * 2).sum(), w)
    for target in (view, grad):
        with pytest.raises(RuntimeError, match="mul_: a view that was created in no_grad mode"):
            target.mul_(w)
        assert target.mul_(2).tolist() == [4.0] * 3
    x.mul_(w[:, None])
    assert view.detach().tolist() == [4.0] * 3
