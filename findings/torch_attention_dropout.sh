#!/usr/bin/env bash
# torch 2.13.0 on the CPU: scaled_dot_product_attention leaves its tiled kernel as soon as dropout_p is not 0. All L × L weights
# are then made and kept, so a model takes memory that grows with the square of the sequence in training, and not in evaluation.
# Seen: _scaled_dot_product_flash_attention_for_cpu without dropout, _scaled_dot_product_attention_math with it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
"$folder/env/bin/python" -W ignore - <<'END'
import torch
from torch.profiler import profile


def kernel(dropout):
    q = torch.rand(1, 2, 64, 16)
    with profile() as seen:
        torch.nn.functional.scaled_dot_product_attention(q, q, q, dropout_p=dropout)
    return [each.key for each in seen.key_averages() if each.key.startswith("aten::_scaled_dot_product")]


found = kernel(0.0), kernel(0.1)
print(*found)
flash, math = "aten::_scaled_dot_product_flash_attention_for_cpu", "aten::_scaled_dot_product_attention_math"
assert found == ([flash], [math]), "it has changed"
END
