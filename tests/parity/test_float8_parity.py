"""float8 as in PyTorch: conversions bit by bit, printing, exchange, and which functions take it."""

import numpy as np
import pytest
from reference import subject, torch

pytestmark = pytest.mark.parity

BOTH = pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
NUMBERS = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "uint8", "bool", "complex64"]
BYTES = np.arange(256, dtype=np.uint8)


def pair(name, bits=BYTES):
    return [library.tensor(bits.tolist(), dtype=library.uint8).view(getattr(library, name)) for library in (torch, subject)]


def drawn(name):
    """Return numbers of a dtype, of PyTorch's: all of them where there are 16 bits, else many bit patterns."""
    dtype = getattr(torch, name)
    if name in ("float16", "bfloat16"):
        return torch.arange(-(1 << 15), 1 << 15).to(torch.int16).view(dtype)
    bits = np.arange(0, 1 << 32, 65521, dtype=np.uint64).astype(np.uint32)
    numbers = torch.from_numpy(np.concatenate([bits, (np.arange(1 << 16) << 16).astype(np.uint32)]).view(np.int32)).view(
        torch.float32
    )
    if dtype.is_floating_point:
        return numbers.to(dtype)
    if dtype.is_complex:
        return torch.complex(numbers, numbers.flip(0)).to(dtype)
    return torch.arange(-70000, 70000).to(dtype)


@BOTH
@pytest.mark.parametrize("target", NUMBERS)
def test_bits_become_numbers(name, target):
    finite = BYTES[torch.tensor(BYTES).view(getattr(torch, name)).float().isfinite().numpy()]
    whole = not (getattr(torch, target).is_floating_point or getattr(torch, target).is_complex)
    # casts to integers that do not hold the number are left to the processor
    bits = finite[np.abs(pair(name, finite)[0].float().numpy()) < 127] if whole else BYTES
    if target == "uint8":
        bits = bits[bits < 128]
    theirs, ours = (x.to(getattr(library, target)) for library, x in zip((torch, subject), pair(name, bits)))
    assert repr(ours.tolist()) == repr(theirs.tolist())


@BOTH
@pytest.mark.filterwarnings("ignore:Casting complex values")
@pytest.mark.parametrize("source", NUMBERS)
def test_numbers_become_bits(name, source):
    x = drawn(source)
    flat = x.view(torch.int16) if source == "bfloat16" else x
    y = subject.from_numpy(flat.numpy().copy())
    y = y.view(subject.bfloat16) if source == "bfloat16" else y
    ours = y.to(getattr(subject, name)).view(subject.uint8).numpy()
    assert (ours == x.to(getattr(torch, name)).view(torch.uint8).numpy()).all()


@BOTH
def test_limits_and_texts(name):
    ours, theirs = subject.finfo(getattr(subject, name)), torch.finfo(getattr(torch, name))
    for word in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution"):
        assert getattr(ours, word) == getattr(theirs, word)
    assert repr(ours) == repr(theirs)
    for bits in (BYTES, BYTES[48:80], BYTES[:3], BYTES[56:58].reshape(2, 1), BYTES[:0]):
        theirs, ours = pair(name, bits)
        assert repr(ours) == repr(theirs)


@BOTH
def test_dlpack_both_ways(name):
    theirs, ours = pair(name)
    assert torch.from_dlpack(ours).dtype is theirs.dtype
    assert torch.from_dlpack(ours).view(torch.uint8).tolist() == BYTES.tolist()
    assert subject.from_dlpack(theirs).dtype is ours.dtype
    assert subject.from_dlpack(theirs).view(subject.uint8).tolist() == BYTES.tolist()


CALLS = {
    "x + x": lambda t, x: x + x,
    "x * 2.0": lambda t, x: x * 2.0,
    "-x": lambda t, x: -x,
    "x + float32": lambda t, x: x + t.ones(x.shape),
    "x == x": lambda t, x: x == x,
    "x == 1": lambda t, x: x == 1,
    "x < x": lambda t, x: x < x,
    "exp": lambda t, x: x.exp(),
    # PyTorch's |-0| is -0 here, in float8 alone
    "abs": lambda t, x: x.abs().float(),
    "isnan": lambda t, x: x.isnan(),
    "sum": lambda t, x: x.sum(),
    "sum in float32": lambda t, x: x[:9].sum(dtype=t.float32),
    "mean": lambda t, x: x.mean(),
    "max": lambda t, x: x.max(),
    "argmax": lambda t, x: x.argmax(),
    "sort": lambda t, x: x.sort(),
    "any": lambda t, x: x.any(),
    "all": lambda t, x: x.all(),
    "cat": lambda t, x: t.cat([x, x]),
    "where": lambda t, x: t.where(x == 1, x, x),
    "index": lambda t, x: x[t.tensor([3, 9])],
    "mask": lambda t, x: x[x == 1],
    "mm": lambda t, x: x[:12].view(3, 4) @ x[20:32].view(4, 3),
    "linear": lambda t, x: t.nn.functional.linear(x[:12].view(3, 4), x[20:32].view(3, 4), x[40:43]),
    "bmm": lambda t, x: t.bmm(x[:12].view(1, 3, 4), x[20:32].view(1, 4, 3)),
    "dot": lambda t, x: x.dot(x),
    "cumsum": lambda t, x: x.cumsum(0),
    "softmax": lambda t, x: x.softmax(0),
    "clamp": lambda t, x: x.clamp(0, 1),
    "flip": lambda t, x: x.flip(0),
    "roll": lambda t, x: x.roll(3),
    "gather": lambda t, x: x.gather(0, t.tensor([0, 1])),
    "nonzero": lambda t, x: x.nonzero(),
    "arange": lambda t, x: t.arange(3, dtype=x.dtype),
    "rand": lambda t, x: t.rand(3, dtype=x.dtype),
    "eye": lambda t, x: t.eye(2, dtype=x.dtype),
    "full": lambda t, x: t.full((3,), 0.3, dtype=x.dtype),
    "full of too much": lambda t, x: t.full((3,), 1e6, dtype=x.dtype),
    "fill_": lambda t, x: x.clone().fill_(3.3),
    "copy_": lambda t, x: x.clone().copy_(t.full(x.shape, 0.3)),
    "promote": lambda t, x: str(t.promote_types(x.dtype, t.float16)),
    "result_type": lambda t, x: str(t.result_type(x, 1.5)),
    "can_cast": lambda t, x: [t.can_cast(x.dtype, t.float32), t.can_cast(x.dtype, t.int8), t.can_cast(t.int8, x.dtype)],
    "default": lambda t, x: t.set_default_dtype(x.dtype),
    "type": lambda t, x: x.type(),
}


def outcome(call, library, x):
    try:
        y = call(library, x)
    except (RuntimeError, TypeError) as error:
        return type(error).__name__
    if not isinstance(y, library.Tensor):
        return y
    bits = y.view(library.uint8) if y.dtype is x.dtype else y
    return str(y.dtype), tuple(y.shape), bits.tolist()


@BOTH
@pytest.mark.parametrize("call", CALLS)
def test_the_same_calls_are_taken_and_refused(name, call):
    theirs, ours = pair(name, BYTES[(BYTES & 0x7F) < 0x7C])
    assert outcome(CALLS[call], subject, ours) == outcome(CALLS[call], torch, theirs)
