"""array-api-compat knows tensors by their namespace."""

from __future__ import annotations

import array_api_compat

import lineal

x = lineal.ones(10)
assert array_api_compat.array_namespace(x) is lineal.array_api
assert array_api_compat.is_array_api_obj(x)
assert (array_api_compat.size(x), str(array_api_compat.device(x))) == (10, "cpu")
print("all of it went")
