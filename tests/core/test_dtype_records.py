"""The records of dtypes: every field of every dtype, against what their numbers and other libraries say."""

import copy
import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest

import lineal
from lineal.base import dtypes
from lineal.base.dtypes import ALL, COMPLEX, FLOATING, INTEGERS, NARROW, STORED_ONLY, computing, promote_types
from lineal.base.platforms import UNUSUAL
from lineal.codegen import kinds
from lineal.core.op import Op
from lineal.core.precision import widened
from lineal.serialization import tensorfile
from lineal.tensors.capsules import place_of

HALVES = {"float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"}
BY_NAME = pytest.mark.parametrize("dtype", ALL, ids=lambda dtype: dtype.name)


@BY_NAME
def test_every_field_says_something(dtype):
    missing = [name for name in type(dtype).__slots__ if name != "__weakref__" and not hasattr(dtype, name)]
    assert missing == []
    assert dtype.bits == 8 * dtype.itemsize == 8 * dtype.numpy.itemsize
    assert dtype.computes_in.computes_in is dtype.computes_in
    assert dtype.extension == (type(np.zeros(1, dtype.numpy)[0]).__module__ == "ml_dtypes")
    assert dtype.constructor.endswith("Tensor")
    assert dtype.rank >= 0


@BY_NAME
def test_a_dtype_is_one_object_that_is_shown_by_its_name(dtype):
    assert repr(dtype) == f"torch.{dtype.name}"
    assert pickle.loads(pickle.dumps(dtype)) is dtype
    assert copy.copy(dtype) is dtype
    assert copy.deepcopy([dtype]) == [dtype]
    assert dtypes.of(dtype.numpy) is dtypes.as_dtype(dtype.numpy) is dtypes.named(dtype.name) is dtype
    assert getattr(lineal, dtype.name) is dtype


@BY_NAME
def test_digits_are_those_of_the_whole_numbers_it_holds(dtype):
    if dtype.category is COMPLEX:
        assert dtype.digits == dtype.to_real().digits
        return

    def holds(number):
        with np.errstate(all="ignore"):
            try:
                return int(np.array([float(number) if dtype.extension else number]).astype(dtype.numpy)[0]) == number
            except (OverflowError, ValueError):
                return False

    largest = 1 << dtype.digits
    assert holds(largest - 1)
    assert holds(largest) == (dtype.category is FLOATING)
    assert not holds(largest + 1)


@BY_NAME
def test_only_narrow_dtypes_are_computed_in_another_dtype(dtype):
    assert dtype.computes_in is (dtypes.float32 if dtype.name in HALVES else dtype)
    assert computing(dtype.numpy) == dtype.computes_in.numpy
    assert (dtype.numpy in NARROW) == (dtype.computes_in is not dtype)
    x = np.zeros(3, dtype.numpy)
    assert widened(x).dtype == dtype.computes_in.numpy
    assert (widened(x) is x) == (dtype.computes_in is dtype)


def test_storages_that_no_tensor_has_are_computed_as_they_are():
    for storage in map(np.dtype, ("g", "O", "M8[s]")):
        assert computing(storage) is storage
        with pytest.raises(TypeError, match=r"dtype: expected one of bool, .* convert it"):
            dtypes.of(storage)


@BY_NAME
def test_what_is_only_stored_is_known_as_soon_as_there_is_an_array(dtype):
    assert (dtype.numpy in STORED_ONLY) == (dtype.rank == 0)
    assert (dtype.conversion is None) == (dtype.rank > 0)
    assert dtype.array([0, 1]).dtype == dtype.stored(np.array([0.5, 1])).dtype == dtype.numpy
    assert dtype.array(1).shape == dtype.stored(np.array(1)).shape == ()


def test_names_in_files_and_of_constructors_are_distinct():
    assert tensorfile.STORAGE == {each.file: each.name for each in ALL if each.file}
    assert {each.name for each in ALL if each.file is None} == {"complex128"}
    assert len({each.constructor for each in ALL}) == len(ALL)


@BY_NAME
def test_kinds_of_numbers_in_emitted_code_come_from_the_record(dtype):
    if dtype.llvm is None:
        assert dtype.name not in kinds.BY_NAME
        return
    kind = kinds.kind_of(dtype)
    assert (kind.llvm, kind.itemsize, kind.computed.name) == (dtype.llvm, dtype.itemsize, dtype.computes_in.name)
    assert kind.memory == (dtype.llvm if dtype.computes_in is dtype and dtype.name != "bool" else f"i{dtype.bits}")
    assert kind.family == {"f": "f", "V": "f", "i": "i", "u": "u", "b": "b"}[dtype.numpy.kind]


def test_dlpack_codes_are_those_that_exporters_write():
    for dtype in ALL:
        assert place_of(lineal.zeros(2, dtype=dtype).__dlpack__()).value == dtype.dlpack, dtype


@pytest.mark.parametrize(("one", "other"), list(itertools.product(ALL, ALL)), ids=lambda dtype: dtype.name)
def test_promotion_is_symmetric_and_holds_both(one, other):
    try:
        found = promote_types(one, other)
    except RuntimeError:
        stored = not one.rank or not other.rank
        assert stored or {one, other} <= set(INTEGERS)
        with pytest.raises(RuntimeError, match="Float8" if stored else "no common dtype"):
            promote_types(other, one)
        return
    assert found is promote_types(other, one)
    assert found.category is max(one.category, other.category)
    for each in (one, other):
        if each.category is found.category:
            assert found.digits >= each.digits
            assert found is each or found.bits > each.bits
    assert (found in (one, other)) or {one.name, other.name} in (
        {"float16", "bfloat16"},
        {"int8", "uint8"},
        {"float64", "complex64"},
    )


def test_an_op_that_says_so_sees_half_precision_wide_and_rounds_once():
    seen = []

    class Third(Op):
        wide = True

        def eager(self, xp, x, *others):
            seen.append((x.dtype.name, *[each.dtype.name for each in others]))
            return x / 3

        def vjp(self, needs, g, y, *xs):
            return (g,)

    places = np.arange(2)
    for name in ("float16", "bfloat16"):
        x = np.array([1.0, 2.0], dtypes.named(name).numpy)
        y = Third().eager(np, x, x, places)
        assert y.dtype == x.dtype
        assert y.tolist() == (x.astype(np.float32) / 3).astype(x.dtype).tolist()
    assert seen == [("float32", "float32", "int64")] * 2
    assert Third().eager(np, np.ones(2)).dtype == np.float64
    assert Third().eager(np, np.ones(2, np.float32)).dtype == np.float32


def test_importing_lineal_and_computing_in_float32_loads_no_ml_dtypes():
    text = (
        "import sys, lineal as L; x = L.ones(3, 3); (x @ x).sum().item(); x.half().sigmoid(); x.sort(); "
        "assert 'ml_dtypes' not in sys.modules; L.ones(1, dtype=L.bfloat16); assert 'ml_dtypes' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", text], check=True)


def test_a_dtype_that_is_only_stored_is_moved_and_converted_but_not_computed_with(monkeypatch):
    """What a new record needs is the record and a conversion: here bfloat16's storage is said to be only stored."""
    record = dtypes.bfloat16
    monkeypatch.setattr(record, "rank", 0)
    monkeypatch.setattr(record, "conversion", lambda numbers, storage: np.minimum(numbers, 2).astype(storage))
    STORED_ONLY.add(record.numpy)
    UNUSUAL.add(record.numpy)
    try:
        x = lineal.tensor([1.0, 5.0]).to(record)
        assert x.tolist() == lineal.tensor([1.0, 5.0], dtype=record).tolist() == [1.0, 2.0]
        assert lineal.full((2,), 1.5, dtype=record).tolist() == [1.5, 1.5]
        assert lineal.cat([x, x[:1]]).tolist() == [1.0, 2.0, 1.0]
        assert (x == x).tolist() == [True, True]
        for name, call in {
            "exp": x.exp,
            "Sum": x.sum,
            "Sort": x.sort,
            "arange": lambda: lineal.arange(3, dtype=record),
        }.items():
            with pytest.raises(NotImplementedError, match=f"(?i)^{name}: not implemented for torch.bfloat16"):
                call()
        with pytest.raises(RuntimeError, match=r"attempted to promote torch.bfloat16 and torch.float32"):
            lineal.add(x, lineal.ones(2))
    finally:
        STORED_ONLY.discard(record.numpy)
        UNUSUAL.discard(record.numpy)
