"""Numbers that no op made, which a function makes and then writes to, are made anew by each call."""

import pytest

import lineal as torch
from lineal.compiler import compile

grad = torch.autograd.grad
LEAF = torch.ones(2, requires_grad=True)
FUNCTIONS = {
    "tensor": lambda a: torch.tensor([1.0, 2.0, 3.0]).add_(a.detach()),
    "as_tensor": lambda a: torch.as_tensor([1.0, 2.0]).mul_(3),
    "indices": lambda a: torch.tril_indices(3, 3).add_(1),
    "a part": lambda a: (lambda c: (c[1:].add_(1), c)[1])(torch.tensor([1.0, 2.0, 3.0])),
    "derivative of steps": lambda a: grad(a.floor().sum(), a)[0].add_(1),
    "derivative of a sign": lambda a: grad(a.sign().sum(), a)[0].sigmoid_(),
    "the seed": lambda a: (lambda z: grad(z.clone(), z)[0].add_(1))(a.detach()[0].clone().requires_grad_()),
    "unused": lambda a: grad(a.sum(), (a, torch.ones(2).requires_grad_()), materialize_grads=True, allow_unused=True)[1].add_(
        1
    ),
    "func.grad": lambda a: torch.func.grad(lambda x: x.floor().sum())(a.detach()).add_(1),
    "vjp": lambda a: torch.func.vjp(lambda x: x.floor(), a.detach())[1](torch.ones(3))[0].add_(1),
    "jvp": lambda a: torch.func.jvp(lambda x: x.floor(), (a.detach(),), (torch.ones(3),))[1].add_(1),
    "made by an op": lambda a: torch.zeros(3).add_(a.detach()),
}


@pytest.mark.filterwarnings("ignore:compile")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_call_has_constants_of_its_own(name):
    compiled = compile(FUNCTIONS[name])
    for n in range(8):
        a, b = (torch.tensor([0.3, 1.2, -2.0 + n]).requires_grad_() for _ in range(2))
        assert torch.equal(compiled(a).detach(), FUNCTIONS[name](b).detach()), n
