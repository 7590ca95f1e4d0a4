"""assert_close: nests of tensors, arrays and numbers that agree within tolerances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lineal.base import dtypes
from lineal.base.devices import CPU, device_of
from lineal.base.platforms import HOST, moved
from lineal.core import AbstractTensor

__all__ = ["assert_allclose", "assert_close"]

TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5),
    dtypes.bfloat16: (1.6e-2, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
    dtypes.complex64: (1.3e-6, 1e-5),
    dtypes.complex128: (1e-7, 1e-7),
}
NUMBERS = (bool, int, float, complex, np.number, np.bool_)


class Rules(NamedTuple):
    """What counts as close."""

    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_stride: bool
    allow_subclasses: bool
    msg: str | Callable[[str], str] | None

    def fail(self, text: str, where: str) -> AssertionError:
        """Return the error, in the caller's words if given."""
        text += f"\n\nThe failure occurred for item {where}" if where else ""
        return AssertionError(text if self.msg is None else self.msg(text) if callable(self.msg) else self.msg)

    def tolerances(self, *kinds: dtypes.dtype) -> tuple[float, float]:
        """Return the relative and absolute tolerance, by default the widest of those of the dtypes."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        found = [TOLERANCES.get(kind, (0.0, 0.0)) for kind in kinds]
        return max(each[0] for each in found), max(each[1] for each in found)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless |actual - expected| <= atol + rtol |expected| everywhere, in sequences and mappings too.

    The default tolerances depend on the dtype: 1.3e-6 and 1e-5 for float32, 1e-7 for float64, none for integers. Shapes must
    agree, and dtypes unless `check_dtype` is off.
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"assert_close: rtol and atol must both be specified or both be unspecified, got {rtol} and {atol}")
    compare(actual, expected, Rules(rtol, atol, equal_nan, check_device, check_dtype, check_stride, allow_subclasses, msg), "")


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None, equal_nan: bool = True, msg: str = ""
) -> None:
    """Raise AssertionError unless the numbers agree; dtypes may differ, and NaN equals NaN."""
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)


def compare(actual: Any, expected: Any, rules: Rules, where: str) -> None:
    """Compare two nests."""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if actual.keys() != expected.keys():
            missing, extra = (
                sorted(map(str, expected.keys() - actual.keys())),
                sorted(map(str, actual.keys() - expected.keys())),
            )
            raise rules.fail(f"The keys of the mappings do not match: missing {missing}, additional {extra}", where)
        for key in expected:
            compare(actual[key], expected[key], rules, f"{where}[{key!r}]")
    elif is_sequence(actual) and is_sequence(expected):
        if len(actual) != len(expected):
            raise rules.fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", where)
        for place, (one, other) in enumerate(zip(actual, expected)):
            compare(one, other, rules, f"{where}[{place}]")
    elif actual is None and expected is None:
        return
    elif isinstance(actual, NUMBERS) and isinstance(expected, NUMBERS):
        compare_numbers(actual, expected, rules, where)
    else:
        compare_tensors(actual, expected, rules, where)


def is_sequence(x: Any) -> bool:
    """Return whether `x` is compared item by item."""
    return isinstance(x, Sequence) and not isinstance(x, (str, bytes))


def compare_numbers(actual: Any, expected: Any, rules: Rules, where: str) -> None:
    """Compare two numbers."""
    kinds = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}
    one, other = (each.item() if isinstance(each, np.generic) else each for each in (actual, expected))
    if rules.check_dtype and type(one) is not type(other):
        raise rules.fail(f"The (d)types do not match: {type(one)} != {type(other)}.", where)
    rtol, atol = rules.tolerances(kinds[type(one)], kinds[type(other)])
    if not np.isclose(one, other, rtol=rtol, atol=atol, equal_nan=rules.equal_nan):
        difference = abs(one - other)
        raise rules.fail(
            f"Scalars are not close!\n\nExpected {other} but got {one}.\nAbsolute difference: {difference} (up "
            f"to {atol} allowed)\n"
            f"Relative difference: {difference / abs(other) if other else np.inf} (up to {rtol} allowed)",
            where,
        )


def array_of(x: Any, other: Any) -> np.ndarray:
    """Return the array of a tensor or an array; TypeError for anything else."""
    if isinstance(x, AbstractTensor):
        return moved(x.value, HOST)
    if isinstance(x, np.ndarray):
        return x
    raise TypeError(f"assert_close: No comparison pair was able to handle inputs of type {type(x)} and {type(other)}.")


def compare_tensors(actual: Any, expected: Any, rules: Rules, where: str) -> None:
    """Compare two tensors or arrays."""
    a, b = array_of(actual, expected), array_of(expected, actual)
    one, other = (device_of(x.value) if isinstance(x, AbstractTensor) else CPU for x in (actual, expected))
    if rules.check_device and one != other:
        raise rules.fail(f"The values for attribute 'device' do not match: {one} != {other}.", where)
    if not rules.allow_subclasses and type(actual) is not type(expected):
        raise TypeError(f"assert_close: expected inputs of one type, got {type(actual)} and {type(expected)}")
    if a.shape != b.shape:
        raise rules.fail(f"The values for attribute 'shape' do not match: {list(a.shape)} != {list(b.shape)}.", where)
    if rules.check_dtype and a.dtype != b.dtype:
        raise rules.fail(f"The values for attribute 'dtype' do not match: {dtypes.of(a.dtype)} != {dtypes.of(b.dtype)}.", where)
    if rules.check_stride and a.strides != b.strides:
        raise rules.fail(f"The values for attribute 'stride()' do not match: {a.strides} != {b.strides} (bytes).", where)
    rtol, atol = rules.tolerances(dtypes.of(a.dtype), dtypes.of(b.dtype))
    a, b = wide(a), wide(b)
    with np.errstate(all="ignore"):
        close = np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=rules.equal_nan)
        if not close.all():
            raise rules.fail(describe(a, b, close, rtol, atol), where)


def wide(x: np.ndarray) -> np.ndarray:
    """Return an array in the widest dtype of its kind, so that the comparison does not round."""
    if x.dtype.kind in "iub":
        return x
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def describe(a: np.ndarray, b: np.ndarray, close: np.ndarray, rtol: float, atol: float) -> str:
    """Return how many elements differ, and where they differ most."""
    wrong, count = int((~close).sum()), close.size
    distance = np.where(close, 0, np.abs(np.subtract(a, b, dtype=np.complex128 if a.dtype.kind == "c" else np.float64)))
    relative = distance / np.abs(b)
    relative = np.where(close, 0, relative)
    lines = [
        "Tensor-likes are not close!" if rtol or atol else "Tensor-likes are not equal!",
        "",
        f"Mismatched elements: {wrong} / {count} ({100 * wrong / count:.1f}%)",
    ]
    for word, values, allowed in (("absolute", distance, atol), ("relative", relative, rtol)):
        values = np.where(np.isnan(values), np.inf, values)
        place = np.unravel_index(int(np.argmax(values)), values.shape)
        index = f" at index {tuple(int(each) for each in place)}" if values.ndim else ""
        lines.append(f"Greatest {word} difference: {values[place]}{index} (up to {allowed} allowed)")
    return "\n".join(lines)
