"""What libraries that are written for PyTorch do with lineal; run by test_libraries.py as `libraries_program.py NAME`."""

from __future__ import annotations

import copy
import math
import pickle
import sys
import tempfile

import torch  # isort: skip


def einops():
    from einops import einsum, pack, rearrange, reduce, repeat, unpack  # noqa: PLC0415
    from einops.layers.torch import EinMix, Rearrange  # noqa: PLC0415

    x = torch.randn(2, 3, 4, 4, requires_grad=True)
    assert rearrange(x, "b c (h p) w -> b (c p) h w", p=2).shape == (2, 6, 2, 4)
    means = reduce(x, "b c h w -> b c", "mean")
    assert torch.allclose(means, x.mean((2, 3)))
    packed, shapes = pack([means, repeat(means, "b c -> b c k", k=3)], "b *")
    assert [each.shape for each in unpack(packed, shapes, "b *")] == [(2, 3), (2, 3, 3)]
    assert torch.allclose(einsum(means, means, "b c, d c -> b d"), means @ means.T)
    net = torch.nn.Sequential(EinMix("b c h w -> b h w d", weight_shape="c d", c=3, d=5), Rearrange("b h w d -> b (h w d)"))
    net(x).sum().backward()
    assert x.grad.shape == x.shape


def opt_einsum():
    from opt_einsum import contract, contract_expression  # noqa: PLC0415

    a, b, c = torch.randn(3, 4, 4, requires_grad=True)
    y = contract("ij,jk,kl->il", a, b, c)
    assert torch.allclose(y, a @ b @ c, atol=1e-5)
    assert torch.allclose(contract_expression("ij,jk->ik", (4, 4), (4, 4))(a, b), a @ b)
    assert contract("ij,ij->", a, b, backend="torch").shape == ()


class Decay(torch.nn.Module):
    """dy/dt = k y."""

    def __init__(self):
        super().__init__()
        self.k = torch.nn.Parameter(torch.tensor(-1.0))

    def forward(self, t, y):
        return self.k * y


def torchdiffeq():
    from torchdiffeq import odeint, odeint_adjoint, odeint_event  # noqa: PLC0415

    decay, y, t = Decay(), torch.tensor([1.0, 2.0]), torch.linspace(0, 1, 5)
    for method in ("dopri5", "rk4", "bosh3", "explicit_adams"):
        assert abs(odeint(decay, y, t, method=method)[-1, 0].item() - math.exp(-1)) < 1e-3, method
    slopes = []
    for solve in (odeint, odeint_adjoint):
        decay.zero_grad()
        solve(decay, y, t)[-1].sum().backward()
        slopes.append(decay.k.grad.item())
    assert all(abs(slope - 3 * math.exp(-1)) < 1e-3 for slope in slopes), slopes
    time, _ = odeint_event(decay, y, torch.tensor(0.0), event_fn=lambda t, y: y[0] - 0.5)
    assert abs(time.item() - math.log(2)) < 1e-3


def torchmetrics():
    import torchmetrics as tm  # noqa: PLC0415

    labels, found = torch.tensor([0, 1, 2, 1]), torch.tensor([0, 2, 2, 1])
    several = {"task": "multiclass", "num_classes": 3}
    assert tm.Accuracy(**several, average="micro")(found, labels).item() == 0.75
    assert tm.ConfusionMatrix(**several)(found, labels).tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
    assert abs(tm.F1Score(**several, average="macro")(found, labels).item() - 7 / 9) < 1e-6
    chances, truth = torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1])
    assert tm.AUROC(task="binary")(chances, truth).item() == 0.75
    error = tm.MeanSquaredError()
    for part in (slice(2), slice(2, 4)):
        error.update(chances[part], truth[part].float())
    again = pickle.loads(pickle.dumps(copy.deepcopy(error)))
    assert torch.equal(error.compute(), again.compute())
    both = tm.MetricCollection([tm.MeanSquaredError(), tm.PearsonCorrCoef()])(chances, truth.float())
    assert torch.allclose(both["MeanSquaredError"], error.compute())
    assert tm.KendallRankCorrCoef()(chances, chances).item() == 1


def tensorboardX():
    from tensorboardX import SummaryWriter  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
        writer.add_scalar("loss", torch.tensor(1.0), 0)
        writer.add_scalars("several", {"a": 1.0, "b": torch.tensor(2.0)}, 0)
        writer.add_histogram("weights", torch.randn(100), 0)
        writer.add_image("image", torch.rand(3, 8, 8), 0)
        writer.add_pr_curve("curve", torch.tensor([0, 1, 1]), torch.tensor([0.2, 0.6, 0.9]))
        writer.add_embedding(torch.randn(5, 3), metadata=list("abcde"))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    print(f"{sys.argv[1]} works")
