"""The Python array API standard, 2025.12: what `Tensor.__array_namespace__` gives, over lineal's tensors.

Names, signatures and promotion are the standard's (https://data-apis.org/array-api/2025.12), so that SciPy, scikit-learn and
others compute with tensors by it; the functions are those of `lineal`, with their derivatives. Operators are PyTorch's, in
which a tensor without dimensions promotes like a number.
"""

from math import e, inf, nan, pi

from lineal.array_api import creation as _creation
from lineal.array_api import datatypes as _datatypes
from lineal.array_api import elementwise as _elementwise
from lineal.array_api import fft, linalg
from lineal.array_api import manipulation as _manipulation
from lineal.array_api import searching as _searching
from lineal.array_api import statistics as _statistics
from lineal.array_api.creation import *
from lineal.array_api.datatypes import *
from lineal.array_api.elementwise import *
from lineal.array_api.inspection import Info
from lineal.array_api.linalg import matmul, matrix_transpose, tensordot, vecdot
from lineal.array_api.manipulation import *
from lineal.array_api.searching import *
from lineal.array_api.statistics import *
from lineal.base.dtypes import bool_ as bool
from lineal.base.dtypes import complex64, complex128, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64

__array_api_version__ = "2025.12"
newaxis = None


_categories = (_creation, _datatypes, _elementwise, _manipulation, _searching, _statistics)
__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    *(name for each in _categories for name in each.__all__),
    *("bool", "complex64", "complex128", "e", "fft", "float32", "float64", "inf", "int8", "int16", "int32", "int64"),
    *("linalg", "matmul", "matrix_transpose", "nan", "newaxis", "pi", "tensordot", "uint8", "uint16", "uint32", "uint64"),
    "vecdot",
]


def __array_namespace_info__() -> Info:  # noqa: N807 - the standard's name
    """Return what answers questions about this namespace."""
    return Info()
