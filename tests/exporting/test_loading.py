"""`onnx.load`: a file as a module that computes what the file says, learns, and is compiled; what is refused."""

import warnings

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
import onnx.backend.test.case.node as node_cases
from onnx import TensorProto, helper
from test_models import MODELS

import lineal as torch
from lineal.onnx import ONNXModule, export, load
from lineal.onnx.kernels import OPERATORS
from lineal.onnx.loading import module_of
from lineal.serialization import CheckpointError


@pytest.mark.parametrize("name", MODELS)
def test_what_export_writes_is_a_module_again(name):
    make, shape, axes, _ = MODELS[name]
    model = make().eval()
    program = export(model, torch.randn(shape), input_names=["x"], dynamic_axes={"x": axes}, verify=False)
    found = load(program.model_proto.SerializeToString())
    assert isinstance(found, ONNXModule) and not found.training
    assert model.state_dict().keys() & dict(found.named_parameters()).keys() == dict(model.named_parameters()).keys()
    x = torch.randn([size + 2 if axis in axes else size for axis, size in enumerate(shape)]).requires_grad_()
    wanted, given = model(x), found(x)
    wanted, given = (each[0] if isinstance(each, tuple) else each for each in (wanted, given))
    torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-5)
    wanted.square().sum().backward()
    given.square().sum().backward()
    grads = {key: p.grad for key, p in found.named_parameters()}
    for key, p in model.named_parameters():
        torch.testing.assert_close(grads[key], p.grad, rtol=1e-3, atol=1e-4)


def model_of(nodes, inputs, outputs, arrays=(), version=20):
    """Return the bytes of a file of nodes; inputs and outputs are float32 of any shape."""
    ends = [[helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in names] for names in (inputs, outputs)]
    graph = helper.make_graph(
        nodes, "graph", *ends, [onnx.numpy_helper.from_array(a, name) for name, a in dict(arrays).items()]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=10).SerializeToString()


def test_inputs_by_order_and_by_name_and_several_outputs(tmp_path):
    nodes = [helper.make_node("Sub", ["a", "b"], ["c"]), helper.make_node("Mul", ["c", "scale"], ["d"])]
    path = tmp_path / "model.onnx"
    path.write_bytes(model_of(nodes, ["a", "b"], ["d", "c"], {"scale": np.float32([2.0])}))
    model = load(path)
    a, b = torch.tensor([3.0]), torch.tensor([1.0])
    for found in (model(a, b), model(b=b, a=a), model(a, b=b), torch.compile(model)(a, b)):
        assert [each.item() for each in found] == [4.0, 2.0]
    assert repr(model) == "ONNXModule(a, b -> d, c, 2 nodes)" and [*model.state_dict()] == ["scale"]
    assert not any(p.requires_grad for p in load(path, trainable=False).parameters())
    for wrong in (
        lambda: model(a),
        lambda: model(a, b, a),
        lambda: model(a, a=b),
        lambda: model(a, b.double()),
        lambda: model(a, 1),
    ):
        with pytest.raises(TypeError, match="ONNXModule: expected"):
            wrong()


def test_names_of_arrays_that_no_module_can_have():
    arrays = {"": None, "a.b": 1.0, "a": 2.0, "x..y": 3.0, "forward": 4.0, "/n/w": 5.0, "a.b.c": 6.0}
    arrays = {name: np.float32([value]) for name, value in arrays.items() if value}
    nodes = [helper.make_node("Sum", ["input", *arrays], ["y"])]
    model = load(model_of(nodes, ["input"], ["y"], arrays))
    assert model(torch.zeros(1)).item() == 21.0 and len(model.state_dict()) == 6


def test_what_is_no_model_and_what_is_missing_is_told(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"no model")
    with pytest.raises(CheckpointError, match="damaged or no model of ONNX"):
        load(tmp_path / "a.onnx")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.onnx")
    nodes = [helper.make_node("NonMaxSuppression", ["x", "x"], ["y"]), helper.make_node("Relu", ["x"], ["z"])]
    with pytest.raises(torch.UnsupportedError, match=r"does not have NonMaxSuppression \(1\)"):
        load(model_of(nodes, ["x"], ["z"]))
    model = load(
        model_of([helper.make_node("Resize", ["x", "", "s"], ["y"], antialias=1)], ["x"], ["y"], {"s": np.float32([2])})
    )
    with pytest.raises(torch.UnsupportedError, match=r"Resize with antialias.*\(of y\)"):
        model(torch.ones(3))
    with pytest.raises(torch.UnsupportedError, match="version 6"):
        load(model_of([helper.make_node("Relu", ["x"], ["y"])], ["x"], ["y"], version=6))


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrent_layers_of_sequences_of_several_lengths_are_those_of_onnxruntime(name, direction):
    runtime = pytest.importorskip("onnxruntime")
    draw, gates, both = np.random.default_rng(0), {"LSTM": 4, "GRU": 3, "RNN": 1}[name], 1 + (direction == "bidirectional")
    arrays = {
        "w": draw.normal(size=(both, gates * 4, 3)),
        "r": draw.normal(size=(both, gates * 4, 4)),
        "b": draw.normal(size=(both, gates * 8)),
        "h": draw.normal(size=(both, 3, 4)),
    }
    arrays = {key: each.astype(np.float32) for key, each in arrays.items()} | {"n": np.int32([2, 5, 2])}
    outputs = ["y", "last", "cells"][: 3 if name == "LSTM" else 2]
    node = helper.make_node(name, ["x", "w", "r", "b", "n", "h"], outputs, hidden_size=4, direction=direction)
    data, x = model_of([node], ["x"], outputs, arrays), draw.normal(size=(5, 3, 3)).astype(np.float32)
    wanted = runtime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    for found, each in zip(load(data)(torch.as_tensor(x)), wanted):
        torch.testing.assert_close(found.detach(), torch.as_tensor(each), rtol=1e-4, atol=1e-5)


WHERE_ATTRIBUTES = {
    "Squeeze": (11, {"axes": [0]}, [np.ones((1, 2), np.float32)], (2,)),
    "ReduceMax": (13, {"axes": [1], "keepdims": 0}, [np.ones((3, 2), np.float32)], (3,)),
    "Slice": (9, {"starts": [1], "ends": [9], "axes": [1]}, [np.ones((3, 4), np.float32)], (3, 3)),
    "Clip": (9, {"min": 0.0, "max": 2.0}, [np.ones((3,), np.float32)], (3,)),
    "Pad": (10, {"pads": [1, 0], "value": 3.0}, [np.ones((3,), np.float32)], (4,)),
    "Upsample": (9, {}, [np.ones((1, 2), np.float32), np.float32([1.0, 2.0])], (1, 4)),
    "Softmax": (11, {"axis": 1}, [np.ones((2, 2, 3), np.float32)], (2, 2, 3)),
    "TopK": (9, {"k": 2}, [np.ones((4,), np.float32)], (2,)),
}


@pytest.mark.parametrize("name", WHERE_ATTRIBUTES)
def test_older_versions_have_attributes_where_newer_ones_have_inputs(name):
    version, words, arrays, shape = WHERE_ATTRIBUTES[name]
    if name == "TopK":
        version = 8
    inputs, outputs = [f"x{n}" for n in range(len(arrays))], ["y", "z"] if name == "TopK" else ["y"]
    node = helper.make_node(name, inputs, outputs, **words)
    model = load(model_of([node], inputs, ["y"], version=version))
    y = model(*map(torch.as_tensor, arrays))
    assert tuple(y.shape) == shape
    if name == "Softmax":
        torch.testing.assert_close(y, torch.full(shape, 1 / 6))


LOOSE = ("bf16", "fp16")
"""What the cases for half precisions are called: they round after every step."""


def passes(case):
    """Return whether a case gives what it should."""
    array = lambda given: onnx.numpy_helper.to_array(given) if isinstance(given, TensorProto) else np.asarray(given)
    model = module_of(case.model)
    for given, wanted in case.data_sets:
        found = model(*[torch.as_tensor(array(each).copy()) for each in given])
        for y, each in zip(found if isinstance(found, tuple) else (found,), map(array, wanted)):
            y = y.detach().numpy()
            if (y.shape, y.dtype) != (each.shape, each.dtype):
                return False
            a, b = (x.astype(np.float64) for x in (y, each))
            if not np.allclose(a, b, case.rtol or 1e-3, case.atol or 1e-7, equal_nan=True):
                return False
    return True


@pytest.mark.slow
def test_every_case_of_onnx_for_the_operators_that_are_known():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = node_cases.collect_testcases(None)
    seen, failed = set(), []
    for case in cases:
        try:
            with torch.no_grad():
                failed += [case.name] * (not passes(case))
        except (torch.UnsupportedError, TypeError):
            continue
        seen |= {node.op_type for node in case.model.graph.node}
    assert [name for name in failed if not any(each in name for each in LOOSE)] == []
    assert len(seen & OPERATORS.keys()) >= 130
