"""What is cheap is made again where it is read, from what lies in memory anyway, with the same numbers."""

import pytest

import lineal as torch
from lineal.compiler import passes
from lineal.compiler.scheduling import remaking

F = torch.nn.functional


@pytest.fixture(autouse=True)
def _small_arrays(monkeypatch):
    monkeypatch.setattr(remaking, "LEAST", 1)


def step_of(layers):
    """Return a function that gives the loss and the gradients of layers made anew, and what is given to it."""
    torch.manual_seed(0)
    net = layers()

    def step(x):
        for each in net.parameters():
            each.grad = None
        loss = net(x).square().mean()
        loss.backward()
        return loss.detach(), [each.grad for each in net.parameters()], [each.clone() for each in net.buffers()]

    return step


class Residual(torch.nn.Module):
    """Two convolutions with batch norm around which the input goes."""

    def __init__(self):
        super().__init__()
        self.a, self.b = (torch.nn.Conv2d(4, 4, 3, padding=1, bias=False) for _ in range(2))
        self.first, self.second = torch.nn.BatchNorm2d(4), torch.nn.BatchNorm2d(4)

    def forward(self, x):
        return F.max_pool2d(F.relu(x + self.second(self.b(F.relu(self.first(self.a(x)))))), 2)


NETS = {
    "residual": Residual,
    "norms": lambda: torch.nn.Sequential(torch.nn.Conv2d(4, 6, 3), torch.nn.GroupNorm(2, 6), torch.nn.Tanh(), torch.nn.GELU()),
    "rows": lambda: torch.nn.Sequential(torch.nn.Linear(9, 9), torch.nn.LayerNorm(9), torch.nn.Softmax(-1)),
}


@pytest.mark.parametrize("name", NETS)
def test_a_step_has_the_numbers_that_it_has_without(name):
    x = torch.randn(3, 4, 9, 9, generator=torch.Generator().manual_seed(1))
    found = []
    for off in ((), ("remaking",)):
        with passes.without(*off):
            step = torch.compile(step_of(NETS[name]))
            found.append([step(x) for _ in range(4)])
    for (loss, grads, buffers), others in zip(*found):
        for a, b in zip((loss, *grads, *buffers), (others[0], *others[1], *others[2])):
            torch.testing.assert_close(a, b, rtol=2e-5, atol=1e-6)


def test_what_lies_in_memory_anyway_is_read_again_where_it_matters():
    """y = (x w - 1) / 2 is not stored for the second loop, which needs a sum of the first; x w is."""

    def f(x, w):
        y = (x @ w - 1) * 0.5
        return (y - y.mean()).square().sum()

    x, w = torch.randn(64, 64), torch.randn(64, 64)
    with torch.no_grad():
        shown = torch.explain(f)(x, w)
        with passes.without("remaking"):
            before = torch.explain(f)(x, w)
    assert " bytes of memory" in shown
    size = lambda text: int(text.split(" bytes of memory")[0].split()[-1].replace(",", ""))
    assert size(shown) < size(before)
    torch.testing.assert_close(torch.compile(f)(x, w), f(x, w), rtol=1e-5, atol=1e-5)


class Chain(torch.nn.Module):
    """Convolutions of 8 channels with batch norm between them; the derivative by each kernel reads what went in."""

    def __init__(self):
        super().__init__()
        self.convolutions = torch.nn.ModuleList(torch.nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in range(3))
        self.norms = torch.nn.ModuleList(torch.nn.BatchNorm2d(8) for _ in range(3))

    def forward(self, x):
        for convolution, norm in zip(self.convolutions, self.norms):
            x = F.relu(norm(convolution(x)))
        return x


def noted(every, made):
    """Yield what is there, and note it."""
    for each in every:
        made.append(each)
        yield each


def test_what_a_distant_routine_reads_is_made_again_before_it(monkeypatch):
    x, found, before = torch.randn(4, 8, 20, 20, generator=torch.Generator().manual_seed(1)), {}, remaking.Remaking.before
    monkeypatch.setattr(remaking, "DISTANT", 4)
    for least in (1, 1 << 40):
        made = []
        monkeypatch.setattr(remaking, "LEAST_DISTANT", least)
        monkeypatch.setattr(remaking.Remaking, "before", lambda *given, made=made: noted(before(*given), made))
        step = torch.compile(step_of(Chain))
        with torch.compiler.checking():
            found[least] = [step(x) for _ in range(2)]
        assert bool(made) == (least == 1)
    for (loss, grads, buffers), others in zip(*found.values()):
        for a, b in zip((loss, *grads, *buffers), (others[0], *others[1], *others[2])):
            torch.testing.assert_close(a, b, rtol=2e-5, atol=1e-6)
