#!/usr/bin/env bash
# ml_dtypes 0.6.0 with NumPy 2.4.6: sums of bfloat16 are taken in bfloat16, number by number, without NumPy's sums by pairs. From 256
# on, adding 1 changes nothing, so the sum of 4,096 ones is 256 and their mean 1/16. The same array as float16 gives 4,096, since NumPy
# adds those by pairs, in float32, and so does the bfloat16 matrix product, which is summed up in float32. PyTorch 2.13.0 gives 4,096 and 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 ml_dtypes==0.6.0
"$folder/env/bin/python" - <<'END'
import ml_dtypes
import numpy as np

x = np.ones(4096, ml_dtypes.bfloat16)
found = {
    "sum": float(x.sum()),
    "mean": float(x.mean()),
    "sum as float32": float(x.sum(dtype=np.float32)),
    "dot": float(x @ x),
    "sum of float16": float(x.astype(np.float16).sum()),
}
print(found)
expected = {"sum": 256.0, "mean": 0.0625, "sum as float32": 4096.0, "dot": 4096.0, "sum of float16": 4096.0}
assert found == expected, "ml_dtypes or NumPy has changed"
END
