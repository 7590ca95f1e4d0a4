"""Carry values of any nesting from PyTorch to the library under test and back; strides and sharing of one tensor are kept."""

import ml_dtypes
import numpy as np
from reference import subject, torch

BIT_TWIN = {torch.bfloat16: (torch.int16, ml_dtypes.bfloat16)}
NAMED = (torch.dtype, torch.layout, torch.memory_format)

MOST_DIMENSIONS = 64


class UntranslatableError(Exception):
    """The library under test has no counterpart of a value."""


def name_of(word):
    """Return the bare name of a dtype, layout or memory format of either library."""
    return str(word).rpartition(".")[2]


def storage_of(x):
    """Return the elements a strided tensor reaches, as a fresh flat tensor; a broadcast element comes once."""
    if x.numel() == 0:
        return x.new_empty(0)
    span = 1 + sum((size - 1) * step for size, step in zip(x.shape, x.stride()))
    return torch.as_strided(x, (span,), (1,), x.storage_offset()).clone()


def without_bits(x):
    """Return the tensor whose memory is what it says, and whether x is its lazy conjugate."""
    x = x.detach()
    if x.is_neg():
        x = x.resolve_neg()
    return (x.conj(), True) if x.is_conj() else (x, False)


def copy_tensor(x):
    """Return a leaf of PyTorch's with the values, strides and lazy conjugate of x."""
    if x.layout is not torch.strided:
        raise UntranslatableError(f"layout {x.layout}")
    base, conjugate = without_bits(x)
    y = storage_of(base).as_strided(base.shape, base.stride())
    return (y.conj() if conjugate else y).detach().requires_grad_(x.requires_grad)


def to_array(x):
    """Return a NumPy array with the values, dtype and strides of a tensor of PyTorch's, in memory of its own."""
    flat = storage_of(x)
    if x.dtype in BIT_TWIN:
        bits, twin = BIT_TWIN[x.dtype]
        flat = flat.view(bits).numpy().view(twin)
    else:
        flat = flat.numpy()
    steps = [step * flat.itemsize for step in x.stride()]
    return np.lib.stride_tricks.as_strided(flat, tuple(x.shape), steps)


def to_subject_tensor(x):
    if x.ndim > MOST_DIMENSIONS:
        raise UntranslatableError(f"NumPy has at most {MOST_DIMENSIONS} dimensions")
    if x.layout is not torch.strided or x.device.type != "cpu":
        raise UntranslatableError(f"a tensor of layout {x.layout} on {x.device}")
    base, conjugate = without_bits(x)
    try:
        array = to_array(base)
    except TypeError as refusal:
        raise UntranslatableError(str(refusal)) from None
    y = subject.from_numpy(array)
    y = y.conj().detach() if conjugate else y
    return y.requires_grad_() if x.requires_grad else y


def to_subject_leaf(x):
    if isinstance(x, torch.Tensor):
        return to_subject_tensor(x)
    if isinstance(x, NAMED):
        named = getattr(subject, name_of(x), None)
        if named is None:
            raise UntranslatableError(f"no {name_of(x)}")
        return named
    if isinstance(x, torch.device):
        return subject.device(str(x))
    if isinstance(x, torch.nn.PairwiseDistance):
        return subject.nn.PairwiseDistance(x.norm, x.eps, x.keepdim)
    if isinstance(x, torch.Generator):
        raise UntranslatableError("a generator's state means nothing elsewhere")
    return x


def copy_leaf(x):
    return copy_tensor(x) if isinstance(x, torch.Tensor) else x


def translate(tree, leaf, seen=None):
    """Return `tree` with every leaf replaced; a tensor that occurs twice becomes one tensor that occurs twice."""
    seen = {} if seen is None else seen
    if type(tree) in (tuple, list, torch.Size):
        made = [translate(part, leaf, seen) for part in tree]
        return made if type(tree) is list else tuple(made)
    if type(tree) is dict:
        return {key: translate(part, leaf, seen) for key, part in tree.items()}
    if type(tree) is slice:
        return slice(*(translate(part, leaf, seen) for part in (tree.start, tree.stop, tree.step)))
    if not isinstance(tree, torch.Tensor):
        return leaf(tree)
    if id(tree) not in seen:
        seen[id(tree)] = leaf(tree)
    return seen[id(tree)]


def copied(tree):
    return translate(tree, copy_leaf)


def to_subject(tree):
    return translate(tree, to_subject_leaf)


def from_subject(y):
    """Return a tensor of PyTorch's with the values of a tensor of the library under test."""
    y = y.detach()
    if isinstance(y, torch.Tensor):
        return y.resolve_conj().resolve_neg()
    array = np.array(y.numpy(), order="C")
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def leaves(tree):
    """Return the leaves of nested tuples, lists and dicts, in order."""
    if isinstance(tree, (tuple, list)):
        return [leaf for part in tree for leaf in leaves(part)]
    if isinstance(tree, dict):
        return [leaf for part in tree.values() for leaf in leaves(part)]
    if isinstance(tree, slice):
        return leaves((tree.start, tree.stop, tree.step))
    return [tree]


def describe(tree):
    """Return a short text for a value of either library: f64[3,4] for a tensor."""
    if isinstance(tree, (torch.Tensor, subject.Tensor)):
        shape = ",".join(str(size) for size in tree.shape)
        return f"{name_of(tree.dtype)}[{shape}]" + ("ᵍ" if tree.requires_grad else "")
    if isinstance(tree, tuple):
        return f"({', '.join(map(describe, tree))}{',' * (len(tree) == 1)})"
    if isinstance(tree, list):
        return f"[{', '.join(map(describe, tree))}]"
    return name_of(tree) if isinstance(tree, NAMED) else repr(tree)


def describe_call(name, args, kwargs):
    words = [describe(arg) for arg in args] + [f"{key}={describe(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join(words)})"
