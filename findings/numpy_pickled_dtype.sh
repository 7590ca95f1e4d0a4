#!/usr/bin/env bash
# NumPy 2.4.6: the dtype of an unpickled array is equal to NumPy's, and is another object; so are those of its copies and of sums with
# it. Seen: == is True, `is` is False, for the array, its copy and its sum. Whoever tells dtypes by identity, as code that keeps one
# program for each does, takes arrays that came from another process for arrays of a dtype that it does not know.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import pickle

import numpy as np

x, known = pickle.loads(pickle.dumps(np.ones(3, np.float32))), np.dtype(np.float32)
found = {"array": x.dtype, "copy": x.copy().dtype, "sum": (x + x).dtype}
print(np.__version__, {name: (dtype == known, dtype is known) for name, dtype in found.items()})
assert np.ones(3, np.float32).dtype is known
assert all(dtype == known and dtype is not known for dtype in found.values()), "unpickled dtypes have changed"
END
