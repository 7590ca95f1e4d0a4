"""Looking into a network: hooks on modules and tensors, frozen layers, features by name."""

from collections import OrderedDict
from functools import partial

import torch
from torch import nn

activation, gradients, seen = {}, {}, []


def get_activation(name, model, input, output):
    activation[name] = output.detach()


def keep_gradient(name, module, grad_input, grad_output):
    gradients[name] = grad_output[0].abs().mean().item()


model = nn.Sequential(
    OrderedDict(
        [
            ("body", nn.Sequential(nn.Linear(6, 10), nn.BatchNorm1d(10), nn.ReLU())),
            ("neck", nn.Linear(10, 8)),
            ("act", nn.SiLU()),
            ("head", nn.Linear(8, 3)),
        ]
    )
)
for param in model.body.parameters():
    param.requires_grad = False
handles = [each.register_forward_hook(partial(get_activation, name)) for name, each in model.named_children()]
handles.append(model.head.register_full_backward_hook(partial(keep_gradient, "head")))
handles.append(model.neck.register_forward_pre_hook(lambda module, args: (args[0] * 2,)))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-4)
print(sum(p.numel() for p in filter(lambda p: p.requires_grad, model.parameters())), "trainable")
x = torch.sin(torch.arange(96.0)).view(16, 6)
labels = torch.arange(16) % 3
losses = []
for step in range(20):
    optimizer.zero_grad()
    features = model.body(x)
    features.requires_grad_()
    features.register_hook(lambda grad: seen.append(grad.norm().item()))
    logits = model.head(model.act(model.neck(features)))
    loss = nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
for handle in handles:
    handle.remove()
assert all(p.grad is None for p in model.body.parameters())
assert len(seen) == 20 and gradients["head"] > 0
print({name: tuple(value.shape) for name, value in activation.items()})
