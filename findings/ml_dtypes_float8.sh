#!/usr/bin/env bash
# ml_dtypes 0.6.0 with NumPy 2.4.6: NumPy has no name for ml_dtypes' float8_e5m2 in its array interface ("<f1"), so `as_strided` of such
# arrays raises, though they are ordinary arrays otherwise. And ml_dtypes converts otherwise than PyTorch 2.13.0: too large a number
# becomes NaN in float8_e4m3fn, where PyTorch gives the largest, 448; and of NaN in float8_e5m2 the last bit is clear, where PyTorch sets it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 ml_dtypes==0.6.0
"$folder/env/bin/python" - <<'END'
import ml_dtypes
import numpy as np

x = np.ones(4, ml_dtypes.float8_e5m2)
try:
    np.lib.stride_tricks.as_strided(x, (2, 2), (1, 1))
    refused = None
except TypeError as error:
    refused = str(error)
print("as_strided:", refused)
assert refused == "data type '<f1' not understood", "NumPy or ml_dtypes has changed"
with np.errstate(all="ignore"):
    e4m3 = np.array([448, 464, 465, np.inf], np.float32).astype(ml_dtypes.float8_e4m3fn).view(np.uint8).tolist()
    e5m2 = np.array([np.nan], np.float32).astype(ml_dtypes.float8_e5m2).view(np.uint8).tolist()
print("float8_e4m3fn of 448, 464, 465, inf:", e4m3, "float8_e5m2 of NaN:", e5m2)
# PyTorch: 126, 126, 126, 126 and 127
assert (e4m3, e5m2) == ([126, 126, 127, 127], [126]), "the conversions have changed"
END
