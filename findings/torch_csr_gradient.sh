#!/usr/bin/env bash
# torch 2.13.0 on the CPU: the gradient of a sum over a CSR matrix by that matrix is a dense, strided tensor, with ones where the
# matrix has no entries; by a COO matrix it is sparse, on the pattern. An optimizer's state for a CSR parameter is as large as the
# full matrix. Seen: layout strided and 4 ones for CSR, sparse_coo with 2 entries for COO.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
"$folder/env/bin/python" -W ignore - <<'END'
import torch

eye = torch.eye(2)
csr = eye.to_sparse_csr().requires_grad_()
coo = eye.to_sparse_coo().requires_grad_()
csr.sum().backward()
torch.sparse.sum(coo).backward()
print(csr.grad.layout, csr.grad.sum().item(), coo.grad.layout, coo.grad.coalesce().values().numel())
assert csr.grad.layout == torch.strided and csr.grad.sum().item() == 4, "it has changed"
assert coo.grad.layout == torch.sparse_coo and coo.grad.coalesce().values().numel() == 2, "it has changed"
END
