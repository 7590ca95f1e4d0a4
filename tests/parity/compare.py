"""When a result of the library under test is PyTorch's: structure, dtype, shape, values."""

from convert import describe, from_subject, leaves, name_of
from reference import subject, torch

TOLERANCE = {"float64": 1e-9, "complex128": 1e-9, "float32": 1e-5, "complex64": 1e-5, "float16": 1e-3, "bfloat16": 1.6e-2}


class MismatchError(AssertionError):
    """A result differs from PyTorch's."""


def demand(truth, what, actual, expected):
    if not truth:
        raise MismatchError(f"{what}: expected {expected}, got {actual}")


def tolerance(dtype, expected, slack):
    """Return (rtol, atol): the coarser of the inputs' and the result's precision, at the scale of the result."""
    unit = max(TOLERANCE.get(dtype, 0), TOLERANCE.get(name_of(expected.dtype), 0)) * slack
    finite = expected[torch.isfinite(expected)] if slack > 1 else expected[:0]
    scale = float(finite.abs().max()) if finite.numel() else 1.0
    return unit, unit * max(1.0, scale)


def compare_values(actual, expected, dtype, slack, what):
    if not (expected.dtype.is_floating_point or expected.dtype.is_complex):
        same = torch.equal(actual, expected)
        demand(same, f"{what}: values", str(actual.flatten()[:8].tolist()), str(expected.flatten()[:8].tolist()))
        return
    rtol, atol = tolerance(dtype, expected.reshape(-1), slack)
    say = lambda text: f"{what}: values: {' '.join(text.split())}"
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=True, msg=say)


def compare_tensor(actual, expected, dtype, slack, arbitrary, what):
    demand(isinstance(actual, subject.Tensor), f"{what}: type", type(actual).__name__, "Tensor")
    demand(tuple(actual.shape) == tuple(expected.shape), f"{what}: shape", tuple(actual.shape), tuple(expected.shape))
    demand(name_of(actual.dtype) == name_of(expected.dtype), f"{what}: dtype", name_of(actual.dtype), name_of(expected.dtype))
    if not arbitrary:
        expected = expected.detach().resolve_conj().resolve_neg()
        compare_values(from_subject(actual), expected, dtype, slack, what)


def compare_plain(actual, expected, what):
    if isinstance(expected, torch.dtype):
        demand(name_of(actual) == name_of(expected), what, actual, expected)
        return
    demand(type(actual) is type(expected), f"{what}: type", type(actual).__name__, type(expected).__name__)
    equal = actual == expected or (actual != actual and expected != expected)
    if isinstance(expected, (float, complex)) and not equal:
        equal = abs(actual - expected) <= 1e-6 * max(1.0, abs(expected))
    demand(equal, what, repr(actual), repr(expected))


def compare(actual, expected, dtype, slack=1, arbitrary=False):
    """Raise MismatchError (or AssertionError) unless the results agree."""
    fields = getattr(type(expected), "__match_args__", ())
    missing = [field for field in fields if not hasattr(actual, field)]
    demand(not missing, "fields", f"{type(actual).__name__} without {missing}", fields)
    ours, theirs = leaves(actual), leaves(expected)
    demand(len(ours) == len(theirs), "structure", describe(actual)[:120], describe(expected)[:120])
    for place, (a, e) in enumerate(zip(ours, theirs)):
        what = f"output {place}" if len(theirs) > 1 else "output"
        if isinstance(e, torch.Tensor):
            compare_tensor(a, e, dtype, slack, arbitrary, what)
        elif not arbitrary:
            compare_plain(a, e, what)


def picks(x, index, dim):
    """Return the elements of x that an index result points at, along `dim`."""
    if x.ndim == 0:
        return x
    index = index if index.ndim == x.ndim else index.unsqueeze(dim)
    return x.gather(dim, index)


def same_picks(actual, expected, x, dim):
    """Say whether two index results point at equal elements of x: ties may be broken either way."""
    ours, theirs = from_subject(leaves(actual)[-1]), leaves(expected)[-1]
    x = x.detach().resolve_conj()
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    a, e = picks(x, ours, dim), picks(x, theirs, dim)
    return bool(((a == e) | ((a != a) & (e != e))).all())
