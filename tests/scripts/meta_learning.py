"""Learning to adapt: functions of parameters, gradients of gradients, one task after another by vmap."""

import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
phases = torch.linspace(0, 2, 6)
x = torch.linspace(-2, 2, 10).unsqueeze(1)


def task_loss(params, x, y):
    return nn.functional.mse_loss(functional_call(model, params, (x,)), y)


def adapted(params, phase):
    y = torch.sin(x + phase)
    slopes = grad(task_loss)(params, x[::2], y[::2])
    moved = {name: value - 0.1 * slopes[name] for name, value in params.items()}
    return task_loss(moved, x[1::2], y[1::2])


losses = []
for _ in range(15):
    params = dict(model.named_parameters())
    loss = vmap(adapted, in_dims=(None, 0))(params, phases).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

models = [nn.Linear(3, 2) for _ in range(4)]
params, buffers = stack_module_state(models)
outputs = vmap(lambda p, b, x: functional_call(models[0], (p, b), (x,)), in_dims=(0, 0, None))(
    params, buffers, torch.ones(5, 3)
)
assert outputs.shape == (4, 5, 2)
print(losses[-1])
