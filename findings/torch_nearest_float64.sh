#!/usr/bin/env bash
# torch 2.13.0, CPU: interpolate(mode="nearest") of a float64 tensor counts places in double precision, and rounds them to float32
# before it cuts them off. Beyond 2²⁴ elements places so come in pairs: every other element is never read, and its neighbour twice.
# Seen: of the last six of 2²⁴ + 7 outputs from 2²⁴ + 8 inputs, 16777218 twice, 16777220 twice, 16777222 twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import torch

n = 2**24 + 8
x = torch.arange(n, dtype=torch.float64).reshape(1, 1, n)
found = torch.nn.functional.interpolate(x, size=n - 1, mode="nearest")[0, 0, -6:].int().tolist()
wanted = [int(place * (n / (n - 1))) for place in range(n - 7, n - 1)]
print(found, wanted)
assert wanted == [16777217, 16777218, 16777219, 16777220, 16777221, 16777222]
assert found == [16777218, 16777218, 16777220, 16777220, 16777222, 16777222], "it has changed"
END
