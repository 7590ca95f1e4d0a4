"""A program as users write it: `test_types.py` has pyright check it in strict mode, and runs it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import lineal as torch
import lineal.nn.functional as F
from lineal import Tensor, nn, optim
from lineal.func import grad, grad_and_value, jacrev, jvp, vjp, vmap
from lineal.utils.data import DataLoader, Dataset, TensorDataset


def creation() -> Tensor:
    assert_type(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor)
    assert_type(torch.zeros(2, 3, dtype=torch.float64), Tensor)
    assert_type(torch.ones((2, 3)), Tensor)
    assert_type(torch.full((2,), 7, device="cpu"), Tensor)
    assert_type(torch.arange(5), Tensor)
    assert_type(torch.arange(0, 1, 0.25), Tensor)
    assert_type(torch.linspace(0, 1, steps=3), Tensor)
    assert_type(torch.eye(3, requires_grad=True), Tensor)
    assert_type(torch.randint(0, 10, (3,)), Tensor)
    assert_type(torch.rand(2), Tensor)
    assert_type(torch.zeros_like(torch.ones(2)), Tensor)
    assert_type(torch.from_numpy(np.ones(3)), Tensor)
    assert_type(torch.ones(2).new_zeros(3), Tensor)
    assert_type(torch.stack([torch.ones(2), torch.zeros(2)]), Tensor)
    assert_type(torch.cat((torch.ones(2), torch.zeros(2)), dim=0), Tensor)
    generator = torch.Generator()
    generator.manual_seed(0)
    torch.manual_seed(0)
    return torch.randn(3, 4, generator=generator)


def arithmetic(x: Tensor) -> Tensor:
    y = 2 * x + x / 3 - (1 - x) ** 2 // 1
    assert_type(y, Tensor)
    assert_type(-x, Tensor)
    assert_type(+x, Tensor)
    assert_type(abs(x), Tensor)
    assert_type(2**x, Tensor)
    assert_type(x @ x.T, Tensor)
    assert_type(x % 2, Tensor)
    assert_type(x > 0, Tensor)
    assert_type(x == 0, Tensor)
    assert_type(x != y, Tensor)
    assert_type((x > 0) & ~(x < 1) | (x <= 2), Tensor)
    assert_type(x * np.float32(2), Tensor)
    assert_type(torch.add(x, y, alpha=2), Tensor)
    assert_type(torch.exp(x).log().sqrt(), Tensor)
    assert_type(torch.maximum(x, y).clamp(min=0), Tensor)
    assert_type(torch.where(x > 0, x, 0.0), Tensor)
    assert_type(torch.pow(x, 2), Tensor)
    assert_type(x.add(1).mul(x).atan2(y), Tensor)
    y += 1
    y *= x
    assert_type(y, Tensor)
    assert_type(y.add_(1).mul_(2).zero_().fill_(3).exp_().clamp_(0, 1), Tensor)
    assert_type(y.copy_(x), Tensor)
    return y


def reductions(x: Tensor) -> None:
    assert_type(x.sum(), Tensor)
    assert_type(torch.sum(x, dim=(0, 1)), Tensor)
    assert_type(x.mean(0, keepdim=True), Tensor)
    assert_type(torch.std(x, 1), Tensor)
    assert_type(x.max(), Tensor)
    assert_type(torch.max(x, x), Tensor)
    values, indices = x.max(dim=1)
    assert_type(values, Tensor)
    assert_type(indices, Tensor)
    assert_type(x.min(0).indices, Tensor)
    assert_type(torch.sort(x, descending=True).values, Tensor)
    assert_type(torch.topk(x, 2).indices, Tensor)
    assert_type(x.median(), Tensor)
    assert_type(x.median(1).values, Tensor)
    assert_type(torch.var_mean(x), tuple[Tensor, Tensor])
    assert_type(x.argmax(1), Tensor)
    assert_type(x.softmax(-1).log(), Tensor)
    assert_type(x.cumsum(0), Tensor)
    assert_type(x.norm(), Tensor)
    assert_type(torch.logsumexp(x, 1), Tensor)
    assert_type(torch.equal(x, x), bool)
    assert_type(torch.unique(torch.tensor([1, 1, 2])), Tensor)
    assert_type(torch.unique(torch.tensor([1, 1, 2]), return_counts=True), tuple[Tensor, Tensor])
    total: float = x.sum().item()
    assert bool(x.any()) and float(x.sum()) == total


def indexing(x: Tensor) -> None:
    assert_type(x[0], Tensor)
    assert_type(x[0, 1:], Tensor)
    assert_type(x[..., None, ::2], Tensor)
    assert_type(x[x > 0], Tensor)
    assert_type(x[torch.tensor([0, 1])], Tensor)
    assert_type(x[[0, 1], :], Tensor)
    assert_type([row.sum() for row in x], list[Tensor])
    assert_type(x.gather(1, torch.zeros(3, 1, dtype=torch.int64)), Tensor)
    assert_type(x.nonzero(), Tensor)
    assert_type(x.nonzero(as_tuple=True), tuple[Tensor, ...])
    y = x.clone()
    y[0] = 1
    y[1, 2] = 3.5
    y[y < 0] = 0.0
    y[:, 1] = x[:, 0]
    y[2] += 1


def shapes(x: Tensor) -> None:
    rows, columns = x.shape
    assert_type(rows, int)
    assert_type(x.shape, torch.Size)
    assert_type(x.shape[0], int)
    assert_type(x.size(), torch.Size)
    assert_type(x.size(0), int)
    assert_type(x.ndim, int)
    assert_type(x.dim(), int)
    assert_type(len(x), int)
    assert_type(x.numel(), int)
    assert_type(x.dtype, torch.dtype)
    assert_type(x.device, torch.device)
    assert_type(x.reshape(rows * columns), Tensor)
    assert_type(x.view(-1, 2).flatten(), Tensor)
    assert_type(x.T, Tensor)
    assert_type(x.mT.permute(1, 0).transpose(0, 1), Tensor)
    assert_type(x.unsqueeze(0).squeeze(), Tensor)
    assert_type(x.expand(2, -1, -1), Tensor)
    assert_type(x.split(2), tuple[Tensor, ...])
    assert_type(torch.chunk(x, 2, dim=1), tuple[Tensor, ...])
    assert_type(x.contiguous().stride(), tuple[int, ...])
    assert_type(x.float().double().to(torch.float32).to("cpu").long(), Tensor)
    assert_type(x.numpy(), NDArray[Any])
    assert_type(x.is_contiguous(), bool)


def linear_algebra() -> None:
    A = torch.tensor([[4.0, 1.0], [1.0, 3.0]])
    b = torch.tensor([1.0, 2.0])
    assert_type(torch.linalg.solve(A, b), Tensor)
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    assert_type(U @ torch.diag(S) @ Vh, Tensor)
    assert_type(torch.linalg.svd(A).S, Tensor)
    eigenvalues, eigenvectors = torch.linalg.eigh(A)
    assert_type(eigenvalues, Tensor)
    assert_type(eigenvectors, Tensor)
    assert_type(torch.linalg.eigh(A).eigenvectors, Tensor)
    assert_type(torch.linalg.qr(A).R, Tensor)
    assert_type(torch.linalg.slogdet(A).logabsdet, Tensor)
    assert_type(torch.linalg.lu_factor(A).LU, Tensor)
    assert_type(torch.linalg.inv(A) @ b, Tensor)
    assert_type(torch.linalg.det(A), Tensor)
    assert_type(torch.linalg.cholesky(A), Tensor)
    assert_type(torch.linalg.lstsq(A, b[:, None]).solution, Tensor)
    assert_type(torch.linalg.norm(A, dim=1), Tensor)
    assert_type(torch.linalg.matrix_norm(A, 2), Tensor)
    assert_type(torch.einsum("ij,j->i", A, b), Tensor)
    assert_type(torch.logdet(A), Tensor)
    assert_type(A.inverse(), Tensor)


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        assert_type(x, Tensor)
        return 2 * x * g


def derivatives() -> None:
    w = torch.ones(3, requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    assert_type(w.grad, Tensor | None)
    assert w.grad is not None
    assert_type(w.grad.norm(), Tensor)
    with torch.no_grad():
        w.sub_(0.1 * w.grad)
        w.grad.zero_()
    w.grad = None
    (g,) = torch.autograd.grad((w**2).sum(), w)
    assert_type(g, Tensor)
    handle = w.register_hook(lambda grad: 2 * grad)
    handle.remove()
    assert_type(w.detach().requires_grad_(), Tensor)
    y: Tensor = Square.apply(w)
    y.sum().backward()
    assert torch.is_grad_enabled()


@torch.no_grad()
def doubled(x: Tensor, times: int = 1) -> Tensor:
    return x * 2 * times


@torch.no_grad
def halved(x: Tensor) -> Tensor:
    return x / 2


def modes() -> None:
    assert_type(doubled(torch.ones(2), times=2), Tensor)
    assert_type(halved(torch.ones(2)), Tensor)
    with torch.inference_mode(), torch.set_grad_enabled(False), torch.enable_grad():
        assert_type(doubled(torch.ones(2)), Tensor)


class Net(nn.Module):
    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, 2, bias=False)
        self.norm = nn.LayerNorm(hidden)
        self.scale = nn.Parameter(torch.ones(1))
        self.body = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.norm(self.first(x)))
        assert_type(hidden, Tensor)
        assert_type(self.first.weight, nn.Parameter)
        assert_type(self.body(hidden), Tensor)
        return self.second(self.body(hidden)) * self.scale


def losses(x: Tensor) -> None:
    classes = torch.tensor([0, 1, 1])
    assert_type(F.mse_loss(x, torch.zeros_like(x)), Tensor)
    assert_type(F.cross_entropy(x, classes), Tensor)
    assert_type(F.softmax(F.gelu(x), dim=1), Tensor)
    assert_type(F.binary_cross_entropy_with_logits(x, torch.zeros_like(x), reduction="sum"), Tensor)
    assert_type(F.layer_norm(x, (4,)), Tensor)
    assert_type(F.linear(x, torch.ones(2, 4)), Tensor)
    assert_type(F.one_hot(classes, num_classes=4), Tensor)
    assert_type(nn.CrossEntropyLoss()(x, classes), Tensor)
    assert_type(nn.init.xavier_uniform_(torch.empty(2, 2)), Tensor)


class Squares(Dataset[tuple[Tensor, int]]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.tensor([float(index)]), index * index


def training() -> Net:
    x = torch.randn(12, 4)
    targets = (x.sum(1) > 0).long()
    model = Net(4, 8)
    assert_type(model(x), Tensor)
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2)
    loader = DataLoader(TensorDataset(x, targets), batch_size=4, shuffle=True)
    loss_fn = nn.CrossEntropyLoss()
    for _ in range(2):
        model.train()
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), labels)
            assert_type(loss, Tensor)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        scheduler.step()
    for parameter in model.parameters():
        assert_type(parameter, nn.Parameter)
        assert_type(parameter.grad, Tensor | None)
    squares = DataLoader(Squares(), batch_size=2)
    assert_type(squares, DataLoader[tuple[Tensor, int]])
    assert len(list(squares)) == len(squares) == 2
    return model.eval()


def checkpoints(model: Net) -> None:
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    twin = Net(4, 8)
    twin.load_state_dict(torch.load(file))
    twin.eval()
    with torch.no_grad():
        assert torch.equal(twin(torch.ones(1, 4)), model(torch.ones(1, 4)))


def objective(w: Tensor, x: Tensor) -> Tensor:
    return (w * x).sin().sum()


def transforms() -> None:
    w, x = torch.ones(3), torch.arange(3.0)
    assert_type(grad(objective)(w, x), Tensor)
    gradient, value = grad_and_value(objective)(w, x)
    assert_type(gradient, Tensor)
    assert_type(value, Tensor)
    assert_type(vmap(objective)(torch.ones(2, 3), torch.ones(2, 3)), Tensor)
    assert_type(vmap(grad(objective), in_dims=(None, 0))(w, torch.ones(2, 3)), Tensor)
    assert_type(jacrev(objective)(w, x), Tensor)
    output, tangent = jvp(torch.sin, (x,), (torch.ones(3),))
    assert_type(output, Tensor)
    assert_type(tangent, Tensor)
    y, pullback = vjp(torch.cos, x)
    assert_type(y, Tensor)
    pullback(torch.ones(3))


@torch.compile
def step(x: Tensor, count: int = 1) -> Tensor:
    return torch.exp(x).sum() * count


def compiled(model: Net) -> None:
    for _ in range(3):
        assert_type(step(torch.ones(3), count=2), Tensor)
    faster: Callable[[Tensor], Tensor] = torch.compile(lambda x: x * 2, mode="default")
    assert_type(faster(torch.ones(2)), Tensor)
    assert_type(torch.compile(objective)(torch.ones(2), torch.ones(2)), Tensor)
    assert_type(torch.compile(model), Net)


if __name__ == "__main__":
    x = creation()
    arithmetic(x)
    reductions(x)
    indexing(x)
    shapes(x)
    linear_algebra()
    derivatives()
    modes()
    losses(x)
    model = training()
    checkpoints(model)
    transforms()
    compiled(model)
    print("all of it ran")
