#!/usr/bin/env bash
# PyTorch 2.13.0, autocast to bfloat16 on the CPU: of the layers that are alike, some give bfloat16 and some float32. Seen: RNN, LSTM and
# RNNCell bfloat16; GRU, GRUCell and LSTMCell float32. einsum of two vectors gives bfloat16, inner and tensordot of the same float32.
# Who replaces an LSTM by a GRU, or a layer by its cell in a loop, changes what the next layer gets.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy
"$folder/env/bin/python" - <<'END'
import torch
from torch import nn

x = torch.randn(2, 5, 4)
found = {}
with torch.autocast("cpu", dtype=torch.bfloat16):
    for layer in (nn.RNN, nn.LSTM, nn.GRU):
        found[layer.__name__] = layer(4, 3, batch_first=True)(x)[0].dtype
    for cell in (nn.RNNCell, nn.LSTMCell, nn.GRUCell):
        y = cell(4, 3)(x[:, 0])
        found[cell.__name__] = (y[0] if isinstance(y, tuple) else y).dtype
    v = x[0, 0]
    found["einsum"], found["inner"] = torch.einsum("i,i->", v, v).dtype, torch.inner(v, v).dtype
    found["tensordot"] = torch.tensordot(x[0], x[0], 2).dtype
print(torch.__version__, {name: str(dtype) for name, dtype in found.items()})
narrow = {name for name, dtype in found.items() if dtype is torch.bfloat16}
assert narrow == {"RNN", "LSTM", "RNNCell", "einsum"}, "the dtypes have changed"
END
