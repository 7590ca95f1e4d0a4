"""A network that solves a differential equation: derivatives of the output inside of the loss."""

import numpy as np
import torch
from torch.autograd import grad

torch.manual_seed(123)


class FCN(torch.nn.Module):
    """Defines a fully connected network."""

    def __init__(self, N_INPUT, N_OUTPUT, N_HIDDEN, N_LAYERS):
        super().__init__()
        activation = torch.nn.Tanh
        self.fcs = torch.nn.Sequential(*[torch.nn.Linear(N_INPUT, N_HIDDEN), activation()])
        hidden = [torch.nn.Sequential(*[torch.nn.Linear(N_HIDDEN, N_HIDDEN), activation()]) for _ in range(N_LAYERS - 1)]
        self.fch = torch.nn.Sequential(*hidden)
        self.fce = torch.nn.Linear(N_HIDDEN, N_OUTPUT)

    def forward(self, x):
        return self.fce(self.fch(self.fcs(x)))


pinn = FCN(1, 1, 16, 2)
t_boundary = torch.tensor(0.0).view(-1, 1).requires_grad_(True)
t_physics = torch.linspace(0, 1, 20).view(-1, 1).requires_grad_(True)
d, w0 = 2, 8
mu, k = 2 * d, w0**2
optimiser = torch.optim.Adam(pinn.parameters(), lr=5e-3)
losses = []
for i in range(40):
    optimiser.zero_grad()
    u = pinn(t_boundary)
    loss1 = (torch.squeeze(u) - 1) ** 2
    (dudt,) = grad(u, t_boundary, torch.ones_like(u), create_graph=True)
    loss2 = (torch.squeeze(dudt) - 0) ** 2
    u = pinn(t_physics)
    dudt = grad(u, t_physics, torch.ones_like(u), create_graph=True)[0]
    d2udt2 = grad(dudt, t_physics, torch.ones_like(dudt), create_graph=True)[0]
    loss3 = torch.mean((d2udt2 + mu * dudt + k * u) ** 2)
    loss = loss1 + 1e-1 * loss2 + 1e-4 * loss3
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
with torch.no_grad():
    times = np.linspace(0, 1, 5, dtype=np.float32)[:, None]
    print(pinn(torch.as_tensor(times)).numpy().ravel().shape)
