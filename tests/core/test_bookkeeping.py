"""What autograd keeps account of: retained grads, second ways back, hooks, modes, copies; each rule as a sweep of its kind."""

import copy
import inspect
import operator
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest

import lineal as torch
from lineal.tensors.tensor import TAKEN_PLAIN

W = [1.0, 10.0, 100.0, 1000.0]


def leaf():
    return torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64, requires_grad=True)


def weights():
    return torch.tensor(W, dtype=torch.float64)


WRITES = {
    "whole": lambda y, x: y.mul_(2),
    "operator": operator.imul,
    "twice": lambda y, x: y.mul_(x).add_(3),
    "part": lambda y, x: y[:2].mul_(2),
    "entry": lambda y, x: y.__setitem__(0, 5.0),
    "from elsewhere": lambda y, x: y.__setitem__(slice(1, 3), x[:2]),
    "through a view": lambda y, x: y.view(2, 2).mul_(2),
    "by another view": lambda y, x: y.view(2, 2)[1].copy_(x[:2]),
    "all of it": lambda y, x: y.copy_(x),
    "a number": lambda y, x: y.fill_(2.0),
    "by index": lambda y, x: y.index_fill_(0, torch.tensor([1]), 2.0),
    "without grad": lambda y, x: torch.no_grad()(y.mul_)(2),
}


@pytest.mark.parametrize("names", [(a, b) for a in WRITES for b in (None, "whole", "part")])
def test_a_retained_grad_is_that_of_what_the_tensor_holds(names):
    x = leaf()
    y = x * 3
    y.retain_grad()
    for name in filter(None, names):
        WRITES[name](y, x)
        assert y.retains_grad
    (y * weights()).sum().backward()
    assert y.grad.tolist() == W


@pytest.mark.parametrize("name", ["whole", "part", "entry", "by another view"])
def test_a_view_retains_its_grad_when_its_base_is_written(name):
    x = leaf()
    y = x * 3
    view = y[1:]
    view.retain_grad()
    WRITES[name](y, x)
    (view * weights()[1:]).sum().backward()
    assert view.grad.tolist() == W[1:]


def test_random_writes_leave_retained_grads_right():
    # The grad retained is d(loss)/d(final value), which is the weights, whatever was written before.
    for seed in range(200):
        draw = random.Random(seed)
        x = leaf()
        y = x * 3
        for _ in range(draw.randint(1, 6)):
            if draw.random() < 0.4:
                y.retain_grad()
            WRITES[draw.choice(list(WRITES))](y, x)
        y.retain_grad()
        (y * weights()).sum().backward()
        assert y.grad.tolist() == W, seed


KEEPS_NOTHING = {
    "add": lambda x: x + 1,
    "subtract": lambda x: 1 - x,
    "negate": lambda x: -x,
    "sum": lambda x: x.sum(),
    "sum of rows": lambda x: x.sum(0),
    "mean": lambda x: x.mean(),
    "reshape": lambda x: x.reshape(4),
    "transpose": lambda x: x.T,
    "index": lambda x: x[0],
    "slice": lambda x: x[:, :1],
    "expand": lambda x: x.unsqueeze(0).expand(3, 2, 2),
    "cat": lambda x: torch.cat([x, x]),
    "stack": lambda x: torch.stack([x, x]),
    "clone": lambda x: x.clone(),
    "cumsum": lambda x: x.cumsum(0),
    "flip": lambda x: x.flip(0),
    "tril": lambda x: x.tril(),
    "diagonal": lambda x: x.diagonal(),
    "cast": lambda x: x.float(),
    "repeat": lambda x: x.repeat(2, 2),
    "broadcast": lambda x: x[0] + torch.ones(2, 2),
    "index_add": lambda x: x.index_add(0, torch.tensor([0]), torch.ones(1, 2, dtype=torch.float64)),
    "in place": lambda x: (x + 0).add_(1),
}
KEEPS = {
    "multiply": lambda x: x * x,
    "exp": lambda x: x.exp(),
    "square": lambda x: x**2,
    "matmul": lambda x: x @ x,
    "relu": lambda x: x.relu(),
    "softmax": lambda x: x.softmax(0),
    "masked": lambda x: x.masked_fill(x > 2, 0.0),
    "gather": lambda x: x.gather(0, torch.tensor([[0, 1]])),
    "norm": lambda x: x.norm(),
    "max": lambda x: x.max(),
}


def matrix():
    return torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("name", KEEPS_NOTHING)
def test_nodes_that_keep_nothing_may_be_undone_again(name):
    x = matrix()
    y = KEEPS_NOTHING[name](x)
    y.sum().backward()
    once = x.grad.clone()
    y.sum().backward()
    assert x.grad.tolist() == (2 * once).tolist()


@pytest.mark.parametrize("name", KEEPS)
def test_nodes_that_kept_something_may_not(name):
    x = matrix()
    y = KEEPS[name](x)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.sum().backward()


def test_each_of_several_views_may_go_back_alone():
    x = matrix()
    for row in x.unbind():
        row.sum().backward()
    for part in (x + 1).split(1):
        part.sum().backward()
    assert x.grad.tolist() == [[2, 2], [2, 2]]


def custom(forward, backward):
    return type("Custom", (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


LOOKS = {
    "view": custom(lambda ctx, x: x.view(2, 2), lambda ctx, g: 7 * g.reshape(4)),
    "itself": custom(lambda ctx, x: x, lambda ctx, g: 7 * g),
    "detached": custom(lambda ctx, x: x.detach(), lambda ctx, g: 7 * g),
    "part": custom(lambda ctx, x: x[:2], lambda ctx, g: 7 * torch.cat([g, g * 0])),
}


@pytest.mark.parametrize("name", LOOKS)
def test_views_of_custom_functions_refuse_writes_on_both_sides(name):
    base = leaf() * 1
    y = LOOKS[name].apply(base)
    assert np.shares_memory(y.detach().numpy(), base.detach().numpy())
    for written in (y, y[:1], y.view(-1)[:1]):
        with pytest.raises(RuntimeError, match="custom Function"):
            written.mul_(2)
    base[:1].mul_(2)
    with pytest.raises(RuntimeError, match="custom Function"):
        (y * 2).sum()
    with torch.no_grad():
        assert (y * 0).sum() == 0


@pytest.mark.parametrize("name", LOOKS)
def test_a_history_written_into_a_constant_by_a_custom_view_is_refused(name):
    constant = torch.ones(4, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="custom Function"):
        LOOKS[name].apply(constant).mul_(leaf()[0])


def test_custom_functions_go_back_again_unless_they_read_what_was_saved():
    def keeping(ctx, x):
        ctx.save_for_backward(x)
        ctx.factor = 5
        return x * 5

    free = custom(keeping, lambda ctx, g: g * ctx.factor)
    x = leaf()
    y = free.apply(x)
    for _ in range(2):
        y.sum().backward()
    assert x.grad.tolist() == [10] * 4
    y = custom(keeping, lambda ctx, g: g * ctx.saved_tensors[0]).apply(x)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.sum().backward()


def test_a_changed_input_must_be_returned():
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x + 1

    with pytest.raises(RuntimeError, match="marked as dirty"):
        custom(forward, lambda ctx, g: g).apply(leaf() * 1)


@pytest.mark.parametrize("how", ["grad mode", "optimizer"])
def test_a_leaf_may_be_written_when_its_grad_is_there(how):
    x, y = leaf(), leaf()
    optimizer = torch.optim.SGD([x], lr=0.5)

    def update(p):
        assert not torch.is_grad_enabled()
        if how == "optimizer":
            optimizer.step()
            optimizer.zero_grad()
        else:
            p.sub_(p.grad, alpha=0.5)
            p.grad = None

    x.register_post_accumulate_grad_hook(update)
    (x * y + x).sum().backward()
    assert x.grad is None
    assert x.tolist() == [0, 0.5, 1, 1.5]
    assert y.grad.tolist() == [1, 2, 3, 4]


def test_hooks_of_leaves_run_as_soon_as_their_cotangents_are_complete():
    seen = []
    x, y = leaf(), leaf()
    z = x * 2
    w = y * 3
    for name, each in (("x", x), ("y", y), ("z", z), ("w", w)):
        each.register_hook(lambda g, name=name: seen.append(name))
    for name, each in (("after x", x), ("after y", y)):
        each.register_post_accumulate_grad_hook(lambda p, name=name: seen.append(name))
    (z * w).sum().backward()
    assert seen == ["w", "y", "after y", "z", "x", "after x"]


def test_hooks_see_and_replace_in_order():
    seen = []
    x = leaf()
    y = x + 0
    y.retain_grad()
    node = y.grad_fn
    node.register_prehook(lambda gs: seen.append(("before", gs[0][0].item())) or (gs[0] * 3,))
    node.register_hook(lambda gs, outer: seen.append(("after", gs[0][0].item(), outer[0][0].item())))
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    assert seen == [("before", 2), ("after", 6, 6)]
    assert y.grad[0] == 2
    assert x.grad[0] == 6


def test_what_hooks_return_is_checked():
    x = leaf()
    x.register_hook(lambda g: "text")
    with pytest.raises(TypeError, match="hook returned 'str'"):
        (x * 2).sum().backward()
    y = leaf() * leaf()
    y.grad_fn.register_hook(lambda gs, _: gs[:1])
    with pytest.raises(RuntimeError, match="got 1, but expected 2"):
        y.sum().backward()


def test_the_way_back_stops_at_what_was_made_a_constant():
    x = leaf()
    y = x * 2
    x.detach_()
    y.sum().backward()
    assert x.grad is None


MODES = {
    "no_grad()": (torch.no_grad(), False),
    "no_grad": (torch.no_grad, False),
    "inference_mode()": (torch.inference_mode(), False),
    "enable_grad()": (torch.enable_grad(), True),
}


@pytest.mark.parametrize("name", MODES)
def test_a_mode_holds_in_a_generators_body_only(name):
    mode, within = MODES[name]
    seen = []

    @mode
    def numbers(count):
        try:
            for each in range(count):
                seen.append(torch.is_grad_enabled())
                seen.append((yield each))
        except KeyError:
            yield torch.is_grad_enabled()
        finally:
            seen.append(torch.is_grad_enabled())
        return "done"

    with torch.set_grad_enabled(not within):
        run = numbers(2)
        assert next(run) == 0
        assert run.send("sent") == 1
        assert torch.is_grad_enabled() is not within
        assert run.throw(KeyError) is within
        with pytest.raises(StopIteration, match="done"):
            next(run)
        assert seen == [within, "sent", within, within]
        list(numbers(1))
        assert torch.is_grad_enabled() is not within
    assert inspect.isgeneratorfunction(numbers)


@pytest.mark.parametrize("write", [lambda a: a.add_(1), lambda a: a[:1].zero_(), lambda a: a.__setitem__(0, 1.0)])
@pytest.mark.parametrize("make", [lambda: torch.ones(2), lambda: leaf() * 2, lambda: (torch.ones(4) * 3)[1:]])
def test_inference_tensors_are_written_in_inference_mode_only(make, write):
    with torch.inference_mode():
        a = make()
        write(a)
    assert a.is_inference()
    for mode in (torch.no_grad(), torch.enable_grad()):
        with mode, pytest.raises(RuntimeError, match="inference tensor"):
            write(a)
    with pytest.raises(RuntimeError, match="inference tensor"):
        a.requires_grad_()
    write(a.clone())
    with torch.inference_mode():
        write(a)


def test_views_of_ordinary_tensors_are_no_inference_tensors():
    a = torch.ones(4)
    with torch.inference_mode():
        a.add_(1)
        view, other = a[:2], a.detach()
    view.add_(1)
    other.add_(1)
    assert not a.is_inference() and not view.is_inference()
    assert a.tolist() == [4, 4, 3, 3]


def test_numpy_looks_at_leaves_where_nothing_is_remembered():
    x = leaf()
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()
    with torch.no_grad():
        assert np.asarray(x).tolist() == x.numpy().tolist() == [1, 2, 3, 4]
    function = custom(lambda ctx, x: torch.from_numpy(np.exp(x.numpy())), lambda ctx, g: g)
    function.apply(x).sum().backward()
    assert x.grad.tolist() == [1] * 4


class Marked(torch.Tensor):
    """A subclass of a user's, whose tensors functions take for plain ones."""

    __torch_function__ = TAKEN_PLAIN


def test_a_subclass_keeps_the_history():
    x = leaf()
    y = x * 2
    z = y.as_subclass(Marked)
    assert type(z) is Marked
    y.mul_(3)
    z.mul_(5)
    (y + z).sum().backward()
    assert x.grad.tolist() == [60] * 4


class Other:
    """An object that lineal does not know, which knows how to be combined with anything."""

    def answer(self, other):
        return "answered"

    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rmatmul__ = answer
    __rand__ = __ror__ = __rxor__ = __rlshift__ = __rrshift__ = answer


OPERATORS = "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift".split()


@pytest.mark.parametrize("name", OPERATORS)
def test_unknown_objects_are_left_to_their_own_operators(name):
    x = torch.ones(2, 2, dtype=torch.int64)
    for function in (getattr(operator, name), getattr(operator, f"i{name.rstrip('_')}")):
        assert function(x, Other()) == "answered"
        for unknown in ("text", None, {}):
            with pytest.raises(TypeError):
                function(x, unknown)


def test_a_grad_may_be_deleted():
    x = leaf()
    x.sum().backward()
    del x.grad
    assert x.grad is None


def test_pickles_and_copies_are_leaves():
    x = leaf()
    x.note = [1]
    for each in (x, x * 2):
        twin = pickle.loads(pickle.dumps(each))
        assert twin.tolist() == each.tolist()
        assert twin.requires_grad and twin.is_leaf and twin.grad is None
    assert pickle.loads(pickle.dumps(x)).note == [1]
    assert copy.copy(x).note is x.note
    twin = copy.deepcopy(x)
    assert twin.note == [1] and twin.note is not x.note
    with pytest.raises(RuntimeError, match="leaves"):
        copy.deepcopy(x * 2)


def test_what_shares_memory_shares_it_in_a_deep_copy():
    x = torch.arange(4.0)
    whole, part, turned = copy.deepcopy([x, x[1:], x.view(2, 2).T])
    w = torch.ones(3, requires_grad=True)
    y = w * part
    whole.add_(1)
    assert part.tolist() == [2, 3, 4]
    assert turned.tolist() == [[1, 3], [2, 4]]
    assert x.tolist() == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match="modified"):
        y.sum().backward()


def test_signatures_name_the_arguments():
    for name in ("add_", "clamp_", "squeeze_", "masked_fill_", "sum"):
        assert len(inspect.signature(getattr(torch.Tensor, name)).parameters) > 1
    assert list(inspect.signature(torch.Tensor.clamp_).parameters)[1:3] == ["min", "max"]


NAMES = {
    "MulBackward0": lambda x: x * x,
    "AddmmBackward0": lambda x: torch.addmm(x, x, x),
    "Log1PBackward0": lambda x: x.log1p(),
    "PowBackward1": lambda x: x**x,
    "PowBackward0": lambda x: x**2,
    "MseLossBackward0": lambda x: torch.nn.functional.mse_loss(x, x.detach() * 2),
    "SmoothL1LossBackward0": lambda x: torch.nn.functional.smooth_l1_loss(x, x.detach() * 2),
    "HuberLossBackward0": lambda x: torch.nn.functional.huber_loss(x, x.detach() * 2),
    "BinaryCrossEntropyBackward0": lambda x: torch.nn.functional.binary_cross_entropy(x / 9, x.detach() / 9),
    "NativeLayerNormBackward0": lambda x: torch.nn.functional.layer_norm(x, (2,)),
    "NativeBatchNormBackward0": lambda x: torch.nn.BatchNorm1d(2, dtype=torch.float64)(x),
    "EmbeddingBackward0": lambda x: torch.nn.functional.embedding(torch.tensor([0, 1]), x),
    "AliasBackward0": lambda x: x.as_subclass(Marked),
}


@pytest.mark.parametrize("name", NAMES)
def test_nodes_have_pytorchs_names(name):
    node = NAMES[name](matrix()).grad_fn
    assert node.name() == type(node).__name__ == name
    assert repr(node).startswith(f"<{name} object at")


def test_the_end_of_the_way_back_is_the_leaf():
    x = leaf()
    ((node, index),) = x.view(2, 2).grad_fn.next_functions
    assert (node.name(), index, node.variable) == ("torch::autograd::AccumulateGrad", 0, x)
    assert type(node).__name__ == "AccumulateGrad"


def test_named_tuples_are_unpickled_where_nobody_has_used_linear_algebra(tmp_path):
    path = tmp_path / "results"
    path.write_bytes(pickle.dumps([torch.linalg.qr(torch.eye(2)), torch.eye(2).max(0)]))
    code = "; ".join(
        (
            "import pickle",
            f"qr, most = pickle.loads(open({str(path)!r}, 'rb').read())",
            "print(type(qr).__name__, most.indices)",
        )
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["linalg_qr", "tensor([0,", "1])"]
