"""Tensors that are to be one number, and are not."""

import pytest

import lineal as torch


def test_several_numbers_are_not_one_in_pytorchs_words_and_numpys():
    for kind in (RuntimeError, TypeError):
        with pytest.raises(kind, match="a Tensor with 2 elements cannot be converted to Scalar"):
            float(torch.rand(2))


def test_columns_are_plotted():
    plot = pytest.importorskip("matplotlib.figure").Figure().subplots().plot
    assert len(plot(torch.arange(5), torch.rand(5, 2))) == len(plot(torch.rand(5, 2))) == 2
