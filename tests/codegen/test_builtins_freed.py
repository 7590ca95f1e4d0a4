"""Builtins of native code in reference cycles: a garbage collection frees them in any order."""

import os
import subprocess
import sys

PROGRAM = """
import gc
from lineal.codegen.cpython.entry import builtin

def cycle():
    made = builtin(1, print, None, "kernel")
    made.__self__.keep = [made]

for _ in range(20):
    cycle()
print(gc.collect() > 0)
"""


def test_a_builtin_in_a_cycle_is_freed_whatever_goes_first():
    # glibc overwrites what has been freed, so that whoever reads it is seen to
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "255"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
