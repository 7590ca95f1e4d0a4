"""opt_einsum on lineal."""

from __future__ import annotations

import torch  # isort: skip
from opt_einsum import contract, contract_expression  # isort: skip

a, b, c = torch.randn(3, 4, 4, requires_grad=True)
y = contract("ij,jk,kl->il", a, b, c)
assert torch.allclose(y, a @ b @ c, atol=1e-5)
assert torch.allclose(contract_expression("ij,jk->ik", (4, 4), (4, 4))(a, b), a @ b)
assert contract("ij,ij->", a, b, backend="torch").shape == ()
print("opt_einsum works")
