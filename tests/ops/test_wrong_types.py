"""A call that fails names, in a TypeError, the argument that is of no type its signature speaks of."""

import pytest

import lineal
from lineal.nn import functional as F

a = lineal.ones(4, 4)
CALLS = {
    "sum(): argument 'dim' (position 2) must be tuple of ints, not str": lambda: lineal.sum(a, "a"),
    "nansum(): argument 'dim' (position 2) must be tuple of ints, not bool": lambda: lineal.nansum(a[0], True),
    "fftn(): argument 'norm' must be str, not list": lambda: lineal.fft.fftn(a, norm=[1.0]),
    "unfold(): argument 'kernel_size' (position 2) must be tuple of ints, not str": lambda: F.unfold(a[None, None], "a"),
    "quantile(): argument 'dim' (position 3) must be int, not bool": lambda: lineal.quantile(a[0], 0.5, True),
    "constant_pad_nd(): argument 'pad' (position 2) must be tuple of ints, not str": lambda: lineal.constant_pad_nd(a, "a"),
    "cat(): argument 'tensors' (position 1) must be tuple of Tensors, not float": lambda: lineal.cat(1.5),
    "layer_norm(): argument 'weight' (position 3) must be Tensor, not float": lambda: F.layer_norm(a, (3,), 1.5),
    "cdist(): argument 'p' (position 3) must be float, not str": lambda: lineal.cdist(a, a, "two"),
}


@pytest.mark.parametrize("message", CALLS)
def test_a_wrong_type_is_a_type_error(message):
    with pytest.raises(TypeError) as caught:
        CALLS[message]()
    assert str(caught.value) == message


def test_values_out_of_range_are_no_wrong_types():
    with pytest.raises(IndexError, match="Dimension out of range"):
        lineal.sum(a, 7)
    with pytest.raises(RuntimeError, match="quantile"):
        lineal.quantile(a, 2.0)


def test_asarray_keeps_a_history_unless_it_is_told_not_to():
    x = lineal.ones(2, requires_grad=True) * 2
    assert lineal.asarray(x).requires_grad
    assert not lineal.asarray(x, requires_grad=False).requires_grad
    assert lineal.asarray([1.0], requires_grad=True).is_leaf
