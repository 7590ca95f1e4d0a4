#!/usr/bin/env bash
# torch 2.13.0 and jax 0.10.2: keyword arguments of a function under vmap. jax maps them over axis 0, torch does not map them:
# each slice gets the whole tensor. Seen, for x + y with x of shape (2,) and y of shape (2, 3) by keyword: torch (2, 2, 3), jax
# (2, 3). Code ported from one to the other broadcasts without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0 jax==0.10.2
"$folder/env/bin/python" -W ignore - <<'END'
import jax
import numpy as np
import torch

add = lambda x, y: x + y
x, y = np.ones(2, np.float32), np.ones((2, 3), np.float32)
shapes = tuple(torch.vmap(add)(torch.tensor(x), y=torch.tensor(y)).shape), jax.vmap(add)(x, y=y).shape
print("torch", shapes[0], "jax", shapes[1])
assert shapes == ((2, 2, 3), (2, 3)), "it has changed"
END
