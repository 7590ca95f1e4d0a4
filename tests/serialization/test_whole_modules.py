"""Whole modules and plain objects in files: made again of classes that the program has, and only where it asks for that."""

import argparse
import os
import subprocess

import numpy as np
import pytest

import lineal
from lineal import nn
from lineal.serialization import CheckpointError, UnpicklingError


class Options:
    """What programs keep beside their models."""

    def __init__(self, **options):
        vars(self).update(options)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
        self.layers[2].weight = self.layers[0].weight
        self.activation, self.norm, self.options = lineal.nn.functional.relu, nn.LayerNorm, Options(depth=2)
        self.register_buffer("scale", lineal.tensor(2.0), persistent=False)
        self.holder = [self]

    def forward(self, x):
        return self.activation(self.layers(x)) * self.scale


def saved(value, tmp_path):
    lineal.save(value, tmp_path / "whole.pt")
    return tmp_path / "whole.pt"


def test_a_whole_module_comes_back_with_its_ties_and_attributes(tmp_path):
    net, x = Net(), lineal.randn(4, 3)
    found = lineal.load(saved(net, tmp_path), weights_only=False)
    assert found.layers[0].weight is found.layers[2].weight and found.holder == [found]
    assert (found.activation, found.norm, found.options.depth) == (net.activation, net.norm, 2)
    assert lineal.equal(net(x), found(x))
    assert repr(found) == repr(net) and found.state_dict().keys() == net.state_dict().keys()


def test_a_loaded_module_is_trained_and_hooked_like_any_other(tmp_path):
    found = lineal.load(saved(nn.Linear(2, 1), tmp_path), weights_only=False)
    seen = []
    handle = found.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    found(lineal.ones(3, 2)).sum().backward()
    handle.remove()
    found.extra = nn.Parameter(lineal.ones(1))
    assert found.weight.grad.tolist() == [[3.0, 3.0]] and seen == [(3, 1)] and "extra" in found.state_dict()


def test_plain_objects_stand_beside_tensors(tmp_path):
    path = saved({"args": argparse.Namespace(lr=0.1), "more": Options(x=lineal.ones(2))}, tmp_path)
    found = lineal.load(path, weights_only=False)
    assert found["args"] == argparse.Namespace(lr=0.1) and found["more"].x.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("options", [{}, {"weights_only": True}, {"weights_only": None}])
def test_without_a_word_no_class_of_a_program_is_made(tmp_path, options):
    with pytest.raises(UnpicklingError, match=r"Unsupported global: GLOBAL .*weights_only=False"):
        lineal.load(saved(Options(a=1), tmp_path), **options)


def test_a_class_without_a_name_cannot_be_saved(tmp_path):
    class Local(nn.Module):
        pass

    with pytest.raises(TypeError, match=r"got Local at obj; save its state_dict\(\) instead"):
        lineal.save(Local(), tmp_path / "whole.pt")


@pytest.mark.parametrize("thing", [os.getcwd, subprocess.Popen, print, np.savetxt, lineal.save])
def test_what_a_file_names_of_the_standard_library_or_another_is_refused(tmp_path, thing):
    with pytest.raises(CheckpointError, match="Unsupported global"):
        lineal.load(saved({"f": thing}, tmp_path), weights_only=False)


@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.ones((2, 3), ">i2").T, np.array(["a", "bc"]), np.zeros((0, 2))]
)
def test_arrays_of_numpy_come_back_where_a_program_asks_for_objects(tmp_path, array):
    path = saved({"x": array, "again": [array]}, tmp_path)
    found = lineal.load(path, weights_only=False)
    assert found["x"].dtype == array.dtype.newbyteorder("=") and np.array_equal(found["x"], array)
    assert found["again"][0] is found["x"]
    with pytest.raises(UnpicklingError, match="weights_only=False"):
        lineal.load(path)
