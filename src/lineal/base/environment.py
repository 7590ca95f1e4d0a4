"""What has to be said before NumPy is loaded, so this is imported first.

After a product, OpenBLAS's idle threads look for more work with open eyes for a tenth of a second (2²⁸ ticks), and on a machine
with few processors whatever runs next has half of it: a compiled training step took twice as long after an eager one. 2²⁰ ticks
(a third of a millisecond) bridge the pauses between products. A user's own setting, or NumPy loaded first, goes before this.
"""

import os
import sys

if sys.implementation.name != "cpython":
    raise ImportError(
        f"lineal runs on CPython only, this is {sys.implementation.name}: it reads frames and counts references as CPython does"
    )

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
