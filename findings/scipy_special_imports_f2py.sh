#!/usr/bin/env bash
# numpy 2.4.6 and scipy 1.17.1: what `import scipy.special` loads.
# Seen: NumPy loads numpy.f2py (a Fortran parser) and numpy.testing (which needs unittest) only when somebody names them, but the import of
# scipy.special names them all: SciPy's copy of array_api_compat repeats NumPy's namespace attribute by attribute. So a first call of
# erf through SciPy loads some 240 modules, none of which computes erf, in about a quarter of a second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1
"$folder/env/bin/python" - <<'END'
import sys

import numpy as np

lazy = {"numpy.f2py", "numpy.testing", "unittest"}
before = set(sys.modules)
assert not lazy & before, "NumPy loads them itself"
import scipy.special

loaded = set(sys.modules) - before
print(f"import scipy.special: {len(loaded)} modules, among them {sorted(lazy & loaded)}")
assert lazy <= loaded, "SciPy no longer loads them"
assert scipy.special.erf(np.float64(0)) == 0
END
