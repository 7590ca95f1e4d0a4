"""Python's `multiprocessing`, and `spawn`, which starts a function in several processes, as in `torch.multiprocessing`.

Tensors are sent by value: there is no shared memory of tensors, whatever the sharing strategy says.
"""

from multiprocessing import *  # pyright: ignore[reportWildcardImportFromLibrary]

from lineal.multiprocessing.processes import *
from lineal.multiprocessing.processes import __all__ as __all__
