"""Views, copies, joins and parts: cases small enough to check by hand, and what comparing numbers cannot see."""

import numpy as np
import pytest

import lineal as torch
from lineal.ops.structural.padding import pad


@pytest.fixture
def x():
    return torch.arange(6.0).reshape(2, 3)


def leaf(*shape):
    return torch.ones(*shape, dtype=torch.float64).requires_grad_()


VIEWS = {
    "view": lambda x: x.view(3, 2),
    "flatten": lambda x: x.flatten(),
    "unflatten": lambda x: x.unflatten(1, (3, 1)),
    "transpose": lambda x: x.transpose(0, 1),
    "t": lambda x: x.t(),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "adjoint": lambda x: x.adjoint(),
    "permute": lambda x: x.permute(1, 0),
    "movedim": lambda x: x.movedim(0, 1),
    "squeeze": lambda x: x.squeeze(),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "select": lambda x: x.select(0, 1),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "diagonal": lambda x: x.diagonal(1),
    "as_strided": lambda x: x.as_strided((2, 2), (3, 1), 1),
    "unfold": lambda x: x.unfold(1, 2, 2),
    "tensor_split": lambda x: x.tensor_split([1], 1)[1],
}
SEVERAL = {
    "split": lambda x: x.split(2, 1),
    "split_with_sizes": lambda x: x.split([1, 2], 1),
    "chunk": lambda x: x.chunk(2),
    "chunk of one": lambda x: x.chunk(1),
    "unbind": lambda x: x.unbind(1),
    "iteration": list,
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_write_through_a_view_reaches_the_base_and_its_history(name, x):
    base = x.requires_grad_() * 2
    view = VIEWS[name](base)
    assert np.shares_memory(view.value, base.value)
    view.mul_(10)
    touched = base.detach().numpy() != 2 * x.detach().numpy()
    touched[x.detach().numpy() == 0] = VIEWS[name](torch.arange(6.0).reshape(2, 3)).numpy().min() == 0
    base.sum().backward()
    assert x.grad.tolist() == np.where(touched, 20.0, 2.0).tolist()


@pytest.mark.parametrize("name", SEVERAL)
def test_views_made_together_refuse_writes_where_there_is_a_history(name, x):
    weight = torch.ones((), requires_grad=True)
    with pytest.raises(RuntimeError, match="multiple views"):
        SEVERAL[name](x.clone().requires_grad_() * 2)[0].mul_(10)
    with pytest.raises(RuntimeError, match="multiple views"):
        SEVERAL[name](x.clone())[-1][..., :1].mul_(weight)
    SEVERAL[name](x)[0].zero_()
    assert x.flatten()[0] == 0


@pytest.mark.parametrize("name", SEVERAL)
def test_views_made_together_follow_a_write_to_their_base(name, x):
    base = x.requires_grad_() * 2
    parts = SEVERAL[name](base)
    base.mul_(10)
    parts[0].sum().backward()
    assert x.grad.flatten()[0] == 20
    assert x.grad.sum() == 20 * parts[0].numel()


@pytest.mark.parametrize("name", ["clone", "flip", "roll", "repeat", "tril", "narrow_copy"])
def test_a_copy_shares_nothing(name, x):
    arguments = {"flip": (0,), "roll": (0, 0), "repeat": (1, 1), "tril": (5,), "narrow_copy": (0, 0, 2)}
    assert not np.shares_memory(getattr(x, name)(*arguments.get(name, ())).value, x.value)


def test_view_refuses_what_only_a_copy_could_give(x):
    with pytest.raises(RuntimeError, match="reshape"):
        x.t().view(6)
    assert x.t().reshape(6).tolist() == [0, 3, 1, 4, 2, 5]


def test_view_of_another_dtype_shows_the_same_bytes():
    x = torch.tensor([1.0, 2.0])
    bits = x.view(torch.int32)
    assert bits.tolist() == [0x3F800000, 0x40000000]
    bits[0] = 0
    assert x[0].item() == 0
    assert x.view(torch.uint8).shape == (8,)
    with pytest.raises(RuntimeError):
        torch.ones(3).view(torch.float64)


def test_contiguous_and_clone_keep_what_they_promise(x):
    assert x.contiguous() is x
    assert x.t().clone().stride() == (1, 3)
    assert x.t().contiguous().stride() == (2, 1)
    assert torch.ones(3, 1).expand(3, 4).clone().stride() == (4, 1)


def test_layout_is_told_in_elements(x):
    assert (x.stride(), x.t().stride(), x[1:].storage_offset()) == ((3, 1), (1, 3), 3)
    assert torch.zeros(2, 0, 3).stride() == (3, 3, 1)
    assert x.t().dim_order() == (1, 0)
    assert x[1].data_ptr() - x.data_ptr() == 3 * x.element_size()


def test_in_place_metadata_ops_follow_history():
    a = leaf(2, 3)
    b = a * 2
    row = b[0]
    assert b.t_() is b
    assert b.shape == (3, 2)
    row.mul_(3)
    assert b[:, 0].tolist() == [6, 6, 6]
    (b * b).sum().backward()
    assert a.grad.tolist() == [[72, 72, 72], [8, 8, 8]]
    with pytest.raises(RuntimeError, match="leaf"):
        a.transpose_(0, 1)


def test_what_an_op_kept_may_not_be_transposed_in_place():
    a = leaf(2, 3) * 1
    y = a * a
    a.t_()
    with pytest.raises(RuntimeError, match="t_"):
        y.sum().backward()


def test_unused_parts_of_a_split_get_no_gradient():
    a = leaf(5)
    first, _, last = a.split(2)
    (first.sum() + 3 * last.sum()).backward()
    assert a.grad.tolist() == [1, 1, 0, 0, 3]


def test_overlapping_windows_add_up():
    a = leaf(4)
    a.unfold(0, 2, 1).sum().backward()
    assert a.grad.tolist() == [1, 2, 2, 1]


def test_overlapping_strides_add_up():
    a = leaf(4)
    a.as_strided((3, 2), (1, 1)).sum().backward()
    assert a.grad.tolist() == [1, 2, 2, 1]


def test_as_strided_looks_at_the_storage_not_at_the_view():
    x = torch.arange(6.0)
    assert x[2:].as_strided((2,), (1,), 0).tolist() == [0, 1]
    assert x[2:].as_strided((2,), (1,)).tolist() == [2, 3]
    assert x.reshape(2, 3).t().as_strided((3,), (2,)).tolist() == [0, 2, 4]
    with pytest.raises(RuntimeError, match="out of bounds"):
        x.as_strided((2,), (6,))


def test_gradient_through_strides_of_a_transposed_leaf():
    a = torch.arange(6.0).reshape(2, 3).t().detach().requires_grad_()
    (a.as_strided((2,), (1,), 3) * torch.tensor([1.0, 2.0])).sum().backward()
    assert a.grad.tolist() == [[0, 1], [0, 2], [0, 0]]


def test_cat_promotes_and_passes_over_legacy_empties():
    joined = torch.cat([torch.ones(1, dtype=torch.int64), torch.tensor([]), torch.ones(1, dtype=torch.float64)])
    assert joined.dtype is torch.float64
    assert torch.cat([torch.ones(2, 3), torch.tensor([])], 1).shape == (2, 3)
    with pytest.raises(RuntimeError, match=r"cat.*\[1, 3\].*\[1, 2\]"):
        torch.cat([torch.ones(1, 3), torch.ones(1, 2)])


def test_cat_keeps_the_history_of_vectors_without_elements():
    for others in ([torch.zeros(3)], [torch.zeros(2, 3)], []):
        empty = torch.empty(0, requires_grad=True)
        y = torch.cat([empty, *others])
        assert y.requires_grad and y.shape == (others[0].shape if others else (0,))
        y.sum().backward()
        assert empty.grad.shape == (0,)


def test_cat_into_a_tensor(x):
    out = torch.empty(4, 3)
    assert torch.cat([x, x], out=out) is out
    assert out.tolist() == x.tolist() * 2
    with pytest.raises(RuntimeError, match="memory"):
        torch.cat([x, x], out=x)


def test_stack_of_numbers():
    a, b = leaf(()), leaf(())
    torch.stack([a, b]).dot(torch.tensor([2.0, 3.0], dtype=torch.float64)).backward()
    assert (a.grad.item(), b.grad.item()) == (2, 3)


def test_numbers_have_an_axis_where_pytorch_gives_them_one():
    x = torch.tensor(3.0)
    assert x.squeeze(0).shape == x.transpose(0, -1).shape == x.flip(0).shape == ()
    assert x.unfold(0, 1, 1).tolist() == x.flatten().tolist() == x.repeat_interleave(1).tolist() == [3]
    for refuse in (lambda: x.select(0, 0), lambda: x.unbind(), lambda: x.squeeze(1)):
        with pytest.raises(IndexError):
            refuse()


def test_meshgrid_by_matrix_and_by_picture():
    a, b = torch.tensor([1, 2]), torch.tensor([3, 4, 5])
    assert [grid.shape for grid in torch.meshgrid(a, b, indexing="ij")] == [(2, 3), (2, 3)]
    across, down = torch.meshgrid(a, b, indexing="xy")
    assert across.tolist() == [[1, 2]] * 3
    assert down.tolist() == [[3, 3], [4, 4], [5, 5]]


def test_products_and_combinations():
    a = torch.tensor([1, 2, 3])
    assert torch.combinations(a).tolist() == [[1, 2], [1, 3], [2, 3]]
    assert torch.combinations(a, 1, with_replacement=True).tolist() == [[1], [2], [3]]
    assert torch.cartesian_prod(a[:2], a[:2]).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_blocks_on_a_diagonal():
    a, b = leaf(1, 2), leaf(2, 1)
    y = torch.block_diag(a, 2 * b)
    assert y.tolist() == [[1, 1, 0], [0, 0, 2], [0, 0, 2]]
    y.sum().backward()
    assert b.grad.tolist() == [[2], [2]]


def test_scatter_into_a_copy(x):
    assert x.select_scatter(torch.zeros(3), 0, 1).tolist() == [[0, 1, 2], [0, 0, 0]]
    assert x.slice_scatter(torch.zeros(2, 2), 1, 0, 3, 2).tolist() == [[0, 1, 0], [0, 4, 0]]
    assert x.diagonal_scatter(torch.ones(2) * 9).tolist() == [[9, 1, 2], [3, 9, 5]]
    assert x.as_strided_scatter(torch.zeros(2), (2,), (2,), 1).tolist() == [[0, 0, 2], [0, 4, 5]]
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(RuntimeError, match="size equal"):
        x.select_scatter(torch.zeros(2), 0, 1)


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("constant", [0, 0, 1, 2, 3, 0]),
        ("reflect", [3, 2, 1, 2, 3, 2]),
        ("replicate", [1, 1, 1, 2, 3, 3]),
        ("circular", [2, 3, 1, 2, 3, 1]),
    ],
)
def test_pad(mode, wanted):
    x = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    y = pad(x, (2, 1), mode)
    assert y.tolist() == [wanted]
    y.sum().backward()
    assert x.grad.tolist() == [[wanted.count(each) for each in (1, 2, 3)]]


def test_pad_by_negative_widths_cuts():
    assert pad(torch.tensor([[1.0, 2.0, 3.0]]), (-1, 1), value=7).tolist() == [[2, 3, 7]]
    with pytest.raises(NotImplementedError):
        pad(torch.ones(3), (1, 1), "reflect")
    with pytest.raises(RuntimeError, match="less than"):
        pad(torch.ones(1, 3), (3, 0), "reflect")


def test_fill_diagonal_wraps_below_a_tall_matrix():
    wide = torch.zeros(5, 2).fill_diagonal_(1, wrap=True)
    assert wide.tolist() == [[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]
    assert torch.zeros(2, 2, 2).fill_diagonal_(1).sum().item() == 2


def test_half_precision_keeps_its_dtype():
    x = torch.arange(4.0).to(torch.bfloat16).reshape(2, 2)
    for y in (x.tril(), x.repeat(2, 2), torch.cat([x, x]), x.unfold(0, 1, 1), x.t().as_strided((2,), (1,)), x.roll(1)):
        assert y.dtype is torch.bfloat16
    assert x.repeat(1, 2).float().tolist() == [[0, 1, 0, 1], [2, 3, 2, 3]]


def test_adjoint_conjugates():
    x = torch.tensor([[1 + 2j, 3j]])
    assert x.mH.tolist() == x.H.tolist() == [[1 - 2j], [-3j]]


def test_second_derivative_of_views():
    a = leaf(3)
    y = (a.unfold(0, 2, 1) ** 3).sum()
    (first,) = torch.autograd.grad(y, a, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), a)
    assert (first.tolist(), second.tolist()) == ([3, 6, 3], [6, 12, 6])


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (IndexError, lambda x: x.transpose(0, 2)),
        (IndexError, lambda x: x.unsqueeze(4)),
        (IndexError, lambda x: x.select(0, 2)),
        (IndexError, lambda x: x.narrow(0, 3, 0)),
        (RuntimeError, lambda x: x.narrow(0, 1, 2)),
        (RuntimeError, lambda x: x.permute(0, 0)),
        (RuntimeError, lambda x: x.permute(0)),
        (RuntimeError, lambda x: x.expand(3, 3)),
        (RuntimeError, lambda x: x.reshape(4)),
        (RuntimeError, lambda x: x.split(0)),
        (RuntimeError, lambda x: x.split([1, 2])),
        (RuntimeError, lambda x: x.chunk(0)),
        (RuntimeError, lambda x: x.hsplit(2)),
        (RuntimeError, lambda x: x.flip(0, 0)),
        (RuntimeError, lambda x: x.diagonal(0, 1, 1)),
        (RuntimeError, lambda x: x[0].tril()),
        (RuntimeError, lambda x: x.repeat(2)),
        (RuntimeError, lambda x: torch.stack([x, x[0]])),
        (RuntimeError, lambda x: torch.broadcast_tensors(x, torch.ones(2))),
        (TypeError, lambda x: torch.cat([x, 1])),
        (ValueError, lambda x: torch.cat([])),
    ],
)
def test_refusals(error, call, x):
    with pytest.raises(error):
        call(x)
