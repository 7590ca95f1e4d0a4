"""`torch.save`, `torch.load` and `safetensors.torch` in a program that finds lineal under `torch`."""

import json
import subprocess
import sys

import numpy as np
import safetensors.numpy

PROGRAM = """
import json, sys
import lineal.as_torch
import torch
from safetensors import safe_open, SafetensorError
from safetensors.torch import load, load_file, load_model, save, save_file, save_model
import safetensors.numpy, safetensors.torch

told, folder = {}, sys.argv[1]
def error(call):
    try:
        return str(call())
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"

x = torch.arange(6.0).reshape(2, 3)
parts = {"x": x, "half": torch.ones(2, dtype=torch.bfloat16), "small": torch.ones(3).to(torch.float8_e4m3fn)}
save_file(parts, f"{folder}/a.safetensors", metadata={"by": "hand"})
found = load_file(f"{folder}/a.safetensors")
told["equal"] = [torch.equal(found[name].float(), x.float()) and found[name].dtype == x.dtype for name, x in parts.items()]
told["equal"] += [torch.equal(load(save(parts))["x"], x), torch.equal(torch.load(f"{folder}/a.safetensors")["x"], x)]
with safe_open(f"{folder}/a.safetensors", framework="pt", device="cpu") as file:
    told["file"] = [file.keys(), file.metadata(), file.get_slice("x")[:, 1:].tolist(), file.get_slice("x").get_shape()]
    told["errors"] = [error(lambda: file.get_tensor("y"))]
told["errors"] += [error(file.keys), error(lambda: load(b"abc")), error(lambda: save([x])), error(lambda: save({"a": 1}))]
told["errors"] += [error(lambda: save({"a": x.t()})), error(lambda: save({"a": x.to(torch.complex128)}))]
told["errors"] += [error(lambda: save({"a": x, "b": x[1:]})), error(lambda: safe_open(f"{folder}/a.safetensors", "pt", "cuda"))]
told["apart"] = len(load(save({"a": x[0], "b": x[1]})))

layer = torch.nn.Linear(2, 2)
model = torch.nn.ModuleDict({"one": layer, "two": layer})
save_model(model, f"{folder}/tied.safetensors")
with torch.no_grad():
    layer.weight.zero_()
told["tied"] = [sorted(load_file(f"{folder}/tied.safetensors"))]
told["tied"].append([*map(list, load_model(model, f"{folder}/tied.safetensors"))])
told["tied"].append(bool(layer.weight.any()))
told["errors"].append(error(lambda: load_model(layer, f"{folder}/tied.safetensors")))
told["numpy"] = sorted(safetensors.numpy.load_file(f"{folder}/tied.safetensors"))

torch.save({"model": model.state_dict(), "x": x}, f"{folder}/a.pt")
torch.save(model.state_dict(), f"{folder}/b.pth", _use_new_zipfile_serialization=False)
told["pt"] = [torch.equal(torch.load(f"{folder}/a.pt", weights_only=only)["x"], x) for only in (True, False, None)]
told["pt"].append(open(f"{folder}/b.pth", "rb").read(2).decode())
torch.save(model, f"{folder}/whole.pt")
told["errors"].append(error(lambda: torch.load(f"{folder}/whole.pt")).partition("whole.pt")[2])
told["whole"] = str(torch.load(f"{folder}/whole.pt", weights_only=False))
told["model"] = str(model)
json.dump(told, sys.stdout)
"""
ERRORS = [
    "SafetensorError: File does not contain tensor y",
    "SafetensorError: File is closed",
    "SafetensorError: Error while deserializing: it has 3 bytes",
    "ValueError: Expected a dict of [str, torch.Tensor] but received <class 'list'>",
    "ValueError: Key `a` is invalid, expected torch.Tensor but received <class 'int'>",
    "ValueError: You are trying to save a non contiguous tensor",
    "KeyError: 'torch.complex128",
    "RuntimeError: Some tensors share memory",
    "SafetensorError: device cuda is invalid",
    "RuntimeError: Error(s) in loading state_dict for Linear:",
    ": Unsupported global: GLOBAL torch.nn.modules.container.ModuleDict was not an allowed global by default",
]


def test_files_of_weights_in_a_program_for_pytorch(tmp_path):
    ran = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["equal"] == [True] * 5 and told["apart"] == 2
    assert told["file"] == [["half", "small", "x"], {"by": "hand"}, [[1.0, 2.0], [4.0, 5.0]], [2, 3]]
    assert [found for found, wanted in zip(told["errors"], ERRORS, strict=True) if not found.startswith(wanted)] == []
    assert told["tied"] == [["one.bias", "one.weight"], [[], []], True] and told["numpy"] == ["one.bias", "one.weight"]
    assert told["pt"] == [True, True, True, "PK"] and told["whole"] == told["model"]
    np.testing.assert_array_equal(safetensors.numpy.load_file(tmp_path / "tied.safetensors")["one.bias"].shape, [2])
