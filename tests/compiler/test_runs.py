"""Sums of rows at an index, run by run: of weights that few rows of are named, the gradient is made where it is used."""

import numpy as np
import pytest

import lineal as torch
from lineal.compiler import checking, compile, explain

F = torch.nn.functional
LOOKUPS = {
    "rows": lambda w, i: w[i],
    "rows in two axes": lambda w, i: w[i.reshape(4, -1)],
    "rows, the index turned": lambda w, i: w[i.reshape(4, -1).T],
    "columns of rows": lambda w, i: w.reshape(2, -1, 16)[:, i % 10],
    "embedding": lambda w, i: F.embedding(i, w),
    "embedding, padded": lambda w, i: F.embedding(i, w, padding_idx=3),
}


def loss_and_grad(look_up):
    def run(w, i):
        w = w.detach().requires_grad_()
        loss = (look_up(w, i) * 1.5).sin().sum()
        return loss.detach(), *torch.autograd.grad(loss, w)

    return run


def table(dtype=torch.float32):
    torch.manual_seed(0)
    return torch.randn(20, 16, dtype=dtype), torch.randint(0, 20, (200,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", LOOKUPS)
def test_programs_declare_what_runs_read_and_give_what_eager_code_gives(name, dtype):
    w, i = table(dtype)
    run = loss_and_grad(LOOKUPS[name])
    wanted = run(w, i)
    with checking():
        compiled = compile(run)
        for _ in range(3):
            found = compiled(w, i)
    assert "runs of" in explain(run)(w, i)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6 if dtype is torch.float32 else 1e-13)


def test_sums_are_rounded_once():
    w, i = torch.zeros(4, 16, requires_grad=True), torch.tensor([1] * 60 + [3, 1, -3])
    g = (torch.rand(63, 16) * 10 ** torch.randint(-3, 4, (63, 16))).contiguous()
    compiled = compile(lambda w, i, g: torch.autograd.grad(w[i], w, g)[0])
    for _ in range(3):
        found = compiled(w, i, g)
    wanted = np.zeros((4, 16))
    np.add.at(wanted, i.numpy(), g.numpy().astype(np.float64))
    assert np.array_equal(found.numpy(), wanted.astype(np.float32))


def test_signs_of_zero_are_those_of_sums_that_begin_with_zero():
    w, i = torch.ones(4, 8, requires_grad=True), torch.tensor([0, 0, 2])
    compiled = compile(lambda w, i, g: torch.autograd.grad(w[i], w, g)[0])
    for _ in range(3):
        assert not compiled(w, i, torch.full((3, 8), -0.0)).signbit().any()


def test_whole_numbers_and_places_counted_from_the_end():
    compiled = compile(lambda i, v: torch.zeros(5, 8, dtype=torch.int64).index_put((i,), v, accumulate=True))
    for numbers in ([0, -1, 4], [1, 1, -5], [2, 3, 0]):
        i, v = torch.tensor(numbers), torch.arange(24).reshape(3, 8) * 2**40
        wanted = np.zeros((5, 8), np.int64)
        np.add.at(wanted, i.numpy(), v.numpy())
        assert np.array_equal(compiled(i, v).numpy(), wanted)


@pytest.mark.parametrize("wrong", [20, -21, 2**40])
def test_an_index_out_of_range_leaves_everything_as_it_was(wrong):
    w, i = table()
    w = torch.nn.Parameter(w)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)

    def step(i):
        optimizer.zero_grad()
        w[i].square().sum().backward()
        optimizer.step()

    compiled = compile(step)
    for _ in range(4):
        compiled(i)
    before, bad = w.detach().clone(), i.clone()
    bad[7] = wrong
    with pytest.raises(IndexError):
        compiled(bad)
    assert torch.equal(w.detach(), before)


def test_a_step_fills_the_same_gradient_again_in_one_pass_with_the_update():
    w, i = table()
    w = torch.nn.Parameter(w)
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)

    def step(i):
        optimizer.zero_grad()
        w[i].square().sum().backward()
        optimizer.step()

    compiled = compile(step)
    for _ in range(4):
        compiled(i)
    place = w.grad.data_ptr()
    compiled(i)
    assert w.grad.data_ptr() == place
    assert any("sum(" in loop and "* 0.8999" in loop for loop in explain(step)(i).split("loop over "))


def test_sizes_that_vary_share_code():
    w, _ = table()
    run = loss_and_grad(LOOKUPS["rows"])
    compiled = compile(run)
    for count in (40, 50, 60, 60, 70, 80, 70):
        i = torch.randint(0, 20, (count,))
        torch.testing.assert_close(compiled(w, i), run(w, i), rtol=1e-6, atol=1e-6)


def test_numbers_are_counted_by_runs_where_their_number_is_known():
    count = lambda i: torch.bincount(i, minlength=9)
    compiled = compile(count)
    for numbers in ([1, 2, 2, 8], [0, 0, 0, 3], [8, 8, 1, 1], [1, 9, 2, 3], [1, 2, 3, 4]):
        i = torch.tensor(numbers)
        assert torch.equal(compiled(i), count(i))
    with pytest.raises(RuntimeError, match="non-negative"):
        compiled(torch.tensor([1, -2, 3, 3]))
    assert " 0 host steps" in explain(count)(i)


def test_what_an_optimizer_makes_of_its_state_stays_in_the_loop_of_the_update():
    w = torch.nn.Parameter(torch.ones(64, 48))
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)

    def step(x):
        optimizer.zero_grad()
        ((x * 2).sin() @ w.T).square().sum().backward()
        optimizer.step()

    # the input is as large as the weight: the loop over it could take what the optimizer makes of its state
    (loop,) = [each for each in explain(step)(torch.ones(64, 48)).split("loop over ") if "* 0.8999" in each]
    assert "sin" not in loop
