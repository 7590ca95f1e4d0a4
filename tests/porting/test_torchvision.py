"""`import torchvision` in programs for PyTorch, where it is not installed."""

import importlib.util
import subprocess
import sys

import pytest

PROGRAM = """
import importlib.util
import lineal.as_torch
import torch, torchvision
import torchvision.transforms as T
from torchvision import datasets, models, transforms
from torchvision.transforms import Compose, ToTensor, functional as F, v2

assert T.Compose is Compose is v2.Compose is transforms.Compose
assert isinstance(T.Normalize([0.5], [0.5])(torch.ones(1, 2, 2)), torch.Tensor)
assert F.hflip(torch.tensor([[[1, 2]]])).tolist() == [[[2, 1]]]
assert issubclass(datasets.MNIST, torch.utils.data.Dataset)
assert importlib.util.find_spec("torchvision.ops") is None
try:
    import torchvision.io
except ImportError:
    print("without io")
try:
    models.resnet18
except AttributeError as error:
    print(error)
try:
    T.AutoAugment
except AttributeError as error:
    print(error)
"""


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is not None, reason="torchvision is installed")
def test_a_program_finds_transforms_and_data_sets(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stderr
    assert lines[0] == "without io"
    assert lines[1].startswith("torchvision.models.resnet18 is not in lineal")
    assert lines[2].startswith("torchvision.transforms.AutoAugment is not in lineal")
