"""Calls as users write them: PyTorch takes and refuses the same names, orders, numbers, formats and `out=`."""

import warnings

import pytest
from reference import subject, torch

pytestmark = pytest.mark.parity

CALLS = """
t.cat([a, a], axis=1)
t.stack([a, a], axis=0)
t.squeeze(a[None], axis=0)
a.unsqueeze(axis=1)
t.chunk(a, 2, axis=1)
t.tensor_split(a, 2, axis=1)
t.index_select(a, axis=0, index=i)
a.select(axis=0, index=1)
t.narrow(a, axis=0, start=0, length=1)
t.renorm(a, p=2, axis=0, maxnorm=1.0)
t.linalg.norm(a, axis=1, keepdims=True)
t.linalg.matrix_norm(a, keepdims=True)
t.sum(x=a, axis=0)
t.diagonal(x=a)
t.sum(a, dim=0, axis=0)
t.squeeze(a, 0, axis=0)
t.add(v, 2, v)
v.add_(2, v)
v.sub(2, v)
t.addcmul(v, 2, v, v)
t.addcmul(v, v, v, 2)
v.addcdiv_(2, v, v)
t.addmm(2, a, 3, a, a)
a.addmm(2, a, a)
t.addmv(2, v, a, v)
t.addr(2, a, 3, v, v)
t.addbmm(2, a, b, b)
t.baddbmm(2, b, 3, b, b)
v.add(v, 3)
t.add(v, v, alpha=t.tensor(2.0))
t.add(v, v, alpha=t.tensor([2.0]))
t.addcdiv(v, v, v, value=t.tensor(2))
t.addmm(a, a, a, beta=t.tensor(2.0), alpha=t.tensor(3))
v.new(t.Size([2, 3])).shape
v.new((2, 3))
v.new(1.5)
v.type(t.DoubleTensor)
v.type(t.Tensor)
v.type('torch.HalfTensor')
v.type('torch.foo')
v.to(t.uint16).type()
t.FloatTensor([1, 2], device='cpu')
t.FloatTensor(2, 3, device='cpu').shape
t.FloatTensor(None)
t.vander(v)
t.vander(v, N=2, increasing=True)
t.vander(a)
t.range(0, 1, 0.25)
t.range(3, 1, -1)
t.range(3, 1)
t.typename(v)
t.typename(1)
t.clamp_(v.clone(), 0.5, 0.7)
t.exp_(v.clone())
t.celu_(-v)
t.cosine_similarity(a, a)
t.embedding(a, i)
t.finfo(t.float16).resolution
t.finfo(t.bfloat16)
t.finfo(t.float32)
t.iinfo(t.uint8)
t.can_cast(t.int64, t.uint8)
t.can_cast(t.int64, t.bool)
t.set_grad_enabled(True)
x.contiguous(memory_format=t.channels_last).stride()
x.clone(memory_format=t.channels_last).stride()
x.to(t.float64, memory_format=t.channels_last).stride()
t.zeros_like(x, memory_format=t.channels_last).stride()
t.empty(2, 3, 4, 5, memory_format=t.channels_last).stride()
x.contiguous(memory_format=t.channels_last).is_contiguous(memory_format=t.channels_last)
a.contiguous(memory_format=t.channels_last)
x.contiguous(memory_format=t.preserve_format)
t.abs(a, out=t.zeros(2, 2, dtype=t.float64))
t.exp(a, out=t.zeros(2, 2, dtype=t.float16))
t.exp(a, out=t.zeros(2, 2, dtype=t.int64))
t.gcd(i, i, out=t.zeros(2, dtype=t.uint8))
t.matmul(a, a, out=t.zeros(2, 2, dtype=t.float64))
t.cat([a, a], out=t.zeros(1, dtype=t.int64))
t.all(a, out=t.zeros((), dtype=t.uint8))
t.argmax(a, out=t.zeros((), dtype=t.int32))
t.exp(a, out=t.zeros(7))
t.zeros(2, 2, out=t.zeros(7))
t.arange(3, out=t.zeros(7))
t.exp(m[:-1], out=m[1:])
t.exp(m[:-1], out=m[:-1])
t.add(m[:-1], 1, out=m[1:])
t.exp(a, out=t.zeros(1, 2).expand(2, 2))
t.exp(a, out=t.zeros(2, 2, requires_grad=True))
t.zeros(2, out=3)
t.squeeze(None)
t.transpose(None, 0, 1)
t.reshape('a', (1,))
t.outer(v, 1.5)
t.cdist(None, a)
t.tril(a, 'a')
t.nn.functional.cross_entropy(None, i)
t.nn.functional.layer_norm(None, (2,))
t.linalg.solve(a, None)
t.kron(a, [1])
t.zeros_like(1.5)
t.chunk(a, None)
t.narrow(a, None, 0, 1)
t.sum(a, 'a')
t.renorm(a, None, 0, 1.0)
""".strip().splitlines()


def told(library, call):
    """Return the value of a call, and the kinds of warnings that came with it, or the type of its error."""
    names = {
        "t": library,
        "a": library.tensor([[4.0, 1.0], [2.0, 3.0]]),
        "b": library.ones(2, 2, 2),
        "i": library.tensor([1, 0]),
        "m": library.linspace(0.1, 0.9, 6).reshape(3, 2),
        "v": library.tensor([1.0, 2.0]),
        "x": library.zeros(2, 3, 4, 5),
    }
    if "addbmm" in call:
        names["v"] = library.ones(2)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            found = eval(call, names)
        except Exception as error:
            return type(error).__name__
    resized = any("resized" in str(each.message) for each in heard)
    return repr(found), resized


@pytest.mark.parametrize("call", CALLS)
def test_a_call_is_taken_or_refused_as_in_pytorch(call):
    assert told(subject, call) == told(torch, call)
