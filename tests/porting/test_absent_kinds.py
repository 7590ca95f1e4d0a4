"""Names of PyTorch's that programs use in tables, comparisons and checks: dtypes and symbols that no tensor or size is of."""

from __future__ import annotations

import copy
import gc
import pickle

import pytest

import lineal
from lineal.base.errors import UnsupportedError
from lineal.porting import functorch, sizes, weak
from lineal.porting.paths import find, has
from lineal.porting.usage import types_named

TYPES = """
def f(x: torch.A.B, y):
    if isinstance(x, (int, torch.C)) or issubclass(y, torch.D.E):
        return torch.F
"""


def test_types_are_found_in_annotations_and_in_questions(tmp_path):
    path = tmp_path / "types_of_program.py"
    path.write_text(TYPES)
    assert {name for _, name in types_named(str(path))} >= {"B", "C", "E"}
    assert "F" not in {name for _, name in types_named(str(path))}


@pytest.mark.parametrize(
    ("name", "itemsize", "floating", "is_complex", "signed"),
    [
        ("complex32", 4, False, True, True),
        ("float8_e4m3fnuz", 1, True, False, True),
        ("float8_e8m0fnu", 1, True, False, False),
        ("int4", 1, False, False, True),
        ("uint3", 1, False, False, False),
    ],
)
def test_absent_dtypes_say_what_they_are(name, itemsize, floating, is_complex, signed):
    found = find("", name)
    assert isinstance(found, lineal.dtype) and repr(found) == f"torch.{name}" and not hasattr(lineal, name)
    given = found.itemsize, found.is_floating_point, found.is_complex, found.is_signed
    assert given == (itemsize, floating, is_complex, signed)
    assert pickle.loads(pickle.dumps(found)) is copy.deepcopy(found) is found
    assert found not in (lineal.float32, lineal.int8) and lineal.ones(1).dtype != found


@pytest.mark.parametrize(
    "use",
    [
        lambda dtype: lineal.zeros(2, dtype=dtype),
        lambda dtype: lineal.ones(2).to(dtype),
        lambda dtype: lineal.tensor([1], dtype=dtype),
        lambda dtype: lineal.empty(2, dtype=dtype, device="meta"),
        lambda dtype: lineal.ones(2).sum(dtype=dtype),
        lambda dtype: lineal.ones(2).view(dtype),
    ],
)
@pytest.mark.parametrize("name", ["qint8", "chalf", "float4_e2m1fn_x2"])
def test_numbers_of_absent_dtypes_are_refused(use, name):
    with pytest.raises(UnsupportedError, match=f"{find('', name)} is not in lineal"):
        use(find("", name))


def test_sizes_are_no_symbols():
    assert not isinstance(3, (sizes.SymInt, sizes.SymFloat, sizes.SymBool))
    with pytest.raises(UnsupportedError, match="SymInt"):
        sizes.SymInt(3)
    given = [sizes.sym_max(2, 3.0), sizes.sym_max(3, 2.0), sizes.sym_min(True, 2), sizes.sym_int(-2.7), sizes.sym_not(1)]
    assert given == [3.0, 3.0, True, -2, False] and type(given[1]) is float
    assert [sizes.sym_sum([1, 2]), sizes.sym_ite(False, 1, 2), sizes.sym_sqrt(4), sizes.sym_float(2)] == [3, 2, 2.0, 2.0]


@pytest.mark.parametrize(
    ("check", "error"),
    [
        (lambda: sizes._check(False, lambda: "seen"), RuntimeError),
        (lambda: sizes._check_index(False, lambda: "seen"), IndexError),
        (lambda: sizes._check_value(False, lambda: "seen"), ValueError),
        (lambda: sizes._check_type(False, lambda: "seen"), TypeError),
        (lambda: sizes._check_not_implemented(False, lambda: "seen"), NotImplementedError),
        (lambda: sizes._check_with(KeyError, False, lambda: "seen"), KeyError),
        (lambda: sizes._check_is_size(-1, lambda: "seen"), RuntimeError),
        (lambda: sizes._check_is_size(3, lambda: "seen", max=2), RuntimeError),
        (lambda: sizes._check_tensor_all(lineal.tensor([True, False]), lambda: "seen"), RuntimeError),
        (lambda: sizes._check_tensor_all_with(ValueError, lineal.tensor([False]), lambda: "seen"), ValueError),
        (lambda: sizes._assert_async(lineal.tensor(0.0), "seen"), RuntimeError),
        (lambda: sizes._check(lineal.tensor(True)), TypeError),
        (lambda: sizes._check(False, "seen"), TypeError),
        (lambda: sizes._assert_async(True, "seen"), TypeError),
    ],
)
def test_checks_raise_their_errors(check, error):
    with pytest.raises(error, match=r"seen|must be"):
        check()


def test_checks_that_hold_are_silent_in_programs_too():
    def positive(x):
        sizes._assert_async(x.amin() > 0, "not positive")
        return x.log()

    program, x = lineal.compile(positive), lineal.tensor([1.0, 2.0])
    for _ in range(3):
        assert lineal.equal(program(x), x.log())
    with pytest.raises(RuntimeError, match="not positive"):
        program(x - 2)


def test_functorch_makes_functions_of_modules():
    model, x = lineal.nn.Sequential(lineal.nn.Linear(2, 3), lineal.nn.Tanh()), lineal.randn(5, 2)
    f, params = functorch.make_functional(model)
    assert lineal.equal(f(params, x), model(x)) and all(each.requires_grad for each in params)
    grads = functorch.vmap(functorch.grad(lambda params, x: f(params, x).sum()), (None, 0))(params, x)
    assert [tuple(each.shape) for each in grads] == [(5, 3, 2), (5, 3)]
    _, frozen = functorch.make_functional(model, disable_autograd_tracking=True)
    assert not any(each.requires_grad for each in frozen)
    models = [lineal.nn.BatchNorm1d(2).eval() for _ in range(3)]
    f, params, buffers = functorch.combine_state_for_ensemble(models)
    y = functorch.vmap(f, (0, 0, None))(params, buffers, x)
    assert lineal.allclose(y, lineal.stack([each(x) for each in models]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: functorch.make_functional(lineal.nn.BatchNorm1d(2)), "has buffers"),
        (lambda: functorch.combine_state_for_ensemble([]), "at least one model"),
        (lambda: functorch.combine_state_for_ensemble([lineal.nn.ReLU(), lineal.nn.Tanh()]), "same class"),
        (lambda: functorch.combine_state_for_ensemble([lineal.nn.ReLU(), lineal.nn.ReLU().eval()]), "same training/eval mode"),
    ],
)
def test_functorch_refuses_what_no_function_can_be_made_of(make, said):
    with pytest.raises(RuntimeError, match=said):
        make()


def test_weak_mappings_go_by_identity_and_forget():
    x, y = lineal.ones(2), lineal.ones(2)
    known = weak.WeakTensorKeyDictionary({x: 1, y: 2})
    assert known[x] == 1 and known[y] == 2 and x in known and len(known.copy()) == 2
    reference = weak.WeakIdRef(y)
    assert reference() is y and reference == weak.WeakIdRef(y) and reference != weak.WeakIdRef(x)
    assert weak.TensorWeakRef(x)() is x
    del y
    gc.collect()
    assert list(known) == [x] and reference() is None


def test_compiled_names_say_that_nothing_is_wrapped():
    active, wrapped = find("_C", "_are_functorch_transforms_active"), find("_C._functorch", "is_batchedtensor")
    seen = []
    lineal.vmap(lambda x: (seen.append((active(), wrapped(x))), x)[1])(lineal.ones(2))
    assert seen[0] == (True, False) and not active()
    assert find("nn.modules.module", "_EXTRA_STATE_KEY_SUFFIX") == "_extra_state"
    assert find("_C", "_get_accelerator")().type == "cpu" and has("utils.weak", "WeakIdKeyDictionary")
