"""Python's `multiprocessing`, with tensors in shared memory, and `spawn`, as in `torch.multiprocessing`.

From the import of this module on, a tensor or parameter that is sent to another process moves to memory that both see.
"""

from multiprocessing import *  # pyright: ignore[reportWildcardImportFromLibrary]

from lineal.multiprocessing.processes import *
from lineal.multiprocessing.processes import __all__ as __all__
from lineal.multiprocessing.reductions import init_reductions

init_reductions()
