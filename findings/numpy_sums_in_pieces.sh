#!/usr/bin/env bash
# NumPy 2.1.0 sums a long float32 vector up by pairs only within pieces of 8,192 numbers, whose sums it adds one after the other; NumPy
# 2.4.6 goes by pairs from end to end. So the error of one call depends on the version by a factor of a hundred.
# Seen for 10⁷ times 0.1, in units of 2⁻²⁴ of the exact sum: 177.5 with 2.1.0 and 1.8 with 2.4.6; for 8,192 numbers 2.5 with both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 2.1.0 2.4.6; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet "numpy==$version"
  "$folder/$version/bin/python" - <<'END'
import numpy as np

found = {}
for n in (8_192, 10**7):
    x = np.full(n, 0.1, np.float32)
    exact = float(x[0]) * n
    found[n] = abs(float(x.sum()) - exact) / exact * 2**24
print(np.__version__, found)
assert found[8_192] < 4, "it has changed"
assert (found[10**7] > 100) == (np.__version__ == "2.1.0"), "it has changed"
assert np.__version__ == "2.1.0" or found[10**7] < 10, "it has changed"
END
done
