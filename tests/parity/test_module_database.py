"""Every module class against the samples of PyTorch's own database: text, state, outputs, gradients, copies, refusals."""

import warnings

import pytest
from convert import copied, to_subject, translate
from modules import Pair, counterpart, samples
from reference import seed, subject, torch

common_modules = pytest.importorskip("torch.testing._internal.common_modules", reason="its samples are the oracle")
pytestmark = pytest.mark.parity

CLASSES = common_modules.module_db
REFUSING = [info for info in CLASSES if info.module_error_inputs_func is not None]
DTYPES = {torch.float64: "float64", torch.float32: "float32", torch.bfloat16: "bfloat16", torch.complex128: "complex128"}
CASES = [(info, dtype) for info in CLASSES for dtype in DTYPES if dtype in info.dtypes]


def named(value):
    return DTYPES.get(value) or getattr(value, "formatted_name", None)


@pytest.mark.parametrize(("info", "dtype"), CASES, ids=named)
def test_module_agrees(info, dtype):
    failed, tried = [], 0
    for training in (True, False):
        for sample in samples(info, dtype, training):
            tried += 1
            try:
                check(info, sample, dtype, training)
            except Exception as error:
                made = sample.constructor_input
                failed.append(f"{made.args} {made.kwargs} {sample.desc}: {type(error).__name__}: {error}")
    assert not failed, f"{len(failed)} of {tried}: " + "\n".join(failed[:6])
    assert tried, "no sample of this module ran"


def check(info, sample, dtype, training):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pair = Pair(info, sample, dtype, training)
        pair.ready()
        pair.compare_forward()
        pair.compare_copies(training)


@pytest.mark.parametrize("info", REFUSING, ids=named)
def test_module_refuses(info):
    seed()
    given = {"device": "cpu", "dtype": torch.float64, "requires_grad": True}
    failed = []
    for training in (True, False):
        for case in info.module_error_inputs_func(info, training=training, **given):
            told = refusal(info.module_cls, case, training)
            if told is not None:
                failed.append(told)
    assert not failed, "\n".join(failed[:6])


def refusal(made, case, training):
    """Return what is wrong with our answer to inputs that PyTorch refuses, if anything is."""
    sample = case.module_error_input
    given = [] if sample.forward_input is None else [(sample.forward_input.args, sample.forward_input.kwargs)]
    arguments = sample.constructor_input.args, sample.constructor_input.kwargs
    theirs = told(made, copied(arguments), copied(given), training)
    ours = told(getattr(subject.nn, made.__name__), translate(arguments, counterpart), to_subject(given), training)
    if theirs is None or isinstance(ours, type(theirs)):
        return None
    return f"{made.__name__}{arguments}: expected {type(theirs).__name__}: {theirs}, got {ours!r}"


def told(made, arguments, given, training):
    """Return the error of making and calling a module, or None."""
    args, kwargs = arguments
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = made(*args, **kwargs).train(training)
            for inputs, options in given:
                module(*inputs, **options)
    except Exception as error:
        return error
    return None
