"""torchdiffeq on lineal: solvers, the adjoint, events."""

from __future__ import annotations

import math

import torch  # isort: skip
from torchdiffeq import odeint, odeint_adjoint, odeint_event  # isort: skip


class Decay(torch.nn.Module):
    """dy/dt = k y."""

    def __init__(self):
        super().__init__()
        self.k = torch.nn.Parameter(torch.tensor(-1.0))

    def forward(self, t, y):
        return self.k * y


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
print("torchdiffeq works")
