"""Derivatives written by hand: `autograd.Function` with saved tensors, a double backward, and a check."""

import torch
from torch import nn
from torch.autograd import Function, gradcheck
from torch.autograd.function import once_differentiable


class MyReLU(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input


class LegendrePolynomial3(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class StraightThrough(Function):
    @staticmethod
    def forward(ctx, input, levels):
        ctx.set_materialize_grads(False)
        return torch.round(input * levels) / levels

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        assert ctx.needs_input_grad[0] and not ctx.needs_input_grad[1]
        return grad_output, None


class MyLinear(nn.Module):
    def __init__(self, input_features, output_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(output_features, input_features))
        self.register_parameter("bias", None)
        nn.init.uniform_(self.weight, -0.1, 0.1)

    def forward(self, input):
        return MyReLU.apply(input @ self.weight.t())

    def extra_repr(self):
        return "shape={}, bias={}".format(tuple(self.weight.shape), self.bias is not None)


points = torch.tensor([0.3, -0.7, 1.2], dtype=torch.double, requires_grad=True)
assert gradcheck(LegendrePolynomial3.apply, (points,), eps=1e-6, atol=1e-4)
model = nn.Sequential(MyLinear(4, 12), nn.Linear(12, 1))
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
x = torch.cos(torch.arange(80.0)).view(20, 4)
y = LegendrePolynomial3.apply(x[:, :1])
losses = []
for _ in range(25):
    loss = (StraightThrough.apply(model(x), 16) - y).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(model, losses[-1])
