#!/usr/bin/env bash
# PyTorch 2.13.0 and NumPy: the sign of NaN. Seen: torch.sign gives 0, and torch.sgn too; np.sign gives NaN. A check that multiplies by
# the sign, or asks whether a sign is 0, loses the NaN in the one and keeps it in the other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import math

import numpy as np
import torch

x = torch.tensor([math.nan, -2.0])
found = torch.sign(x).tolist(), torch.sgn(x).tolist(), np.sign(x.numpy()).tolist()
print(torch.__version__, np.__version__, found)
assert found[:2] == ([0.0, -1.0], [0.0, -1.0]), "PyTorch's sign has changed"
assert math.isnan(found[2][0]), "NumPy's sign has changed"
END
