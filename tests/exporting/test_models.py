"""Models of the usual kinds as files: what operators they become, at which sizes they run, and what is refused and why."""

import numpy as np
import pytest

import lineal as torch
import lineal.nn.functional as F
from lineal import nn
from lineal.onnx import OnnxExporterError, ONNXProgram, TrainingMode, export, is_in_onnx_export

onnx = pytest.importorskip("onnx")


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, image):
        return F.relu(image + self.second(F.relu(self.norm(self.first(image)))))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def encoder():
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)


BATCH = {0: "batch"}
TIMED = {0: "batch", 1: "time"}
IMAGE = {0: "batch", 2: "height", 3: "width"}
MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)), (3, 4), BATCH, "Gemm Relu Gemm"),
    "one example": (lambda: nn.Linear(4, 5), (1, 4), BATCH, "Gemm"),
    "rows of sequences": (lambda: nn.Linear(4, 5), (2, 3, 4), TIMED, "Transpose MatMul Add"),
    "lenet": (lenet, (2, 1, 8, 8), BATCH, "Conv BatchNormalization Relu MaxPool Conv AveragePool Reshape Gemm"),
    "residual": (Residual, (2, 4, 5, 6), IMAGE, "Conv BatchNormalization Relu Conv Add Relu"),
    "decoder": (
        lambda: nn.Sequential(nn.ConvTranspose2d(2, 4, 3, 2, 1, output_padding=1), nn.GELU(), nn.Upsample(scale_factor=2)),
        (2, 2, 3, 4),
        IMAGE,
        "ConvTranspose Gelu Resize",
    ),
    "encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
        (2, 5, 8),
        TIMED,
        None,
    ),
    "lstm": (lambda: nn.LSTM(3, 4, 2, bidirectional=True), (3, 2, 3), {0: "time", 1: "batch"}, None),
    "gru": (lambda: nn.GRU(3, 4, bidirectional=True, batch_first=True), (2, 3, 3), TIMED, None),
    "rnn": (lambda: nn.RNN(3, 4, nonlinearity="relu", bias=False), (3, 2, 3), {0: "time", 1: "batch"}, None),
    "activations": (
        lambda: nn.Sequential(nn.ELU(0.5), nn.SELU(), nn.CELU(2.0), nn.Softplus(), nn.LogSigmoid(), nn.Hardswish()),
        (3, 4),
        BATCH,
        "Elu Selu Celu Softplus Neg Softplus Neg HardSwish",
    ),
    "patches": (
        lambda: nn.Sequential(nn.Unfold((2, 3), padding=(0, 1)), nn.Fold((4, 5), (2, 3), padding=(0, 1))),
        (2, 3, 4, 5),
        BATCH,
        "Conv Reshape Concat Reshape ConvTranspose",
    ),
    "no weights": (lambda: nn.Sequential(nn.LayerNorm(4, bias=False), nn.LayerNorm(4, 1e-5, False)), (3, 4), BATCH, None),
    "norms": (
        lambda: nn.Sequential(nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.LayerNorm(5), nn.RMSNorm(5)),
        (2, 4, 3, 5),
        BATCH,
        None,
    ),
}


def operators(program):
    return " ".join(node.op_type for node in program.model_proto.graph.node)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_a_file_that_does_the_same_at_any_size(name, tmp_path):
    make, shape, axes, wanted = MODELS[name]
    model, path = make().eval(), tmp_path / "model.onnx"
    program = export(model, torch.randn(shape), path, input_names=["x"], dynamic_axes={"x": axes})
    assert wanted is None or operators(program) == wanted
    graph = onnx.load(path).graph
    assert [each.name for each in graph.input] == ["x"]
    assert {each.name for each in graph.initializer if not each.name.startswith("constant")} <= model.state_dict().keys()
    assert all(node.input[-1] for node in graph.node if node.input)
    x = torch.randn([size + 3 if axis in axes else size for axis, size in enumerate(shape)])
    wanted = model(x)
    wanted = wanted[0] if isinstance(wanted, tuple) else wanted
    torch.testing.assert_close(program(x)[0], wanted.detach(), rtol=1e-4, atol=1e-5)


def cropped(x):
    return x[:, -1:] + x[:, 1:].sum(1, keepdim=True), x[:, -1], x.flip(1)[:, :-1], x.view(x.shape[0], -1)


def written(x):
    y = torch.zeros(x.shape[0], 3, 4)
    y[:, 1] = x
    y[:, 2, :2] += 1
    y[0] *= 2
    return y


SIZES = {
    "parts": (cropped, (2, 6, 4), TIMED),
    "a divisor": (lambda x: x.sum(0) / x.shape[0], (3, 4), BATCH),
    "positions": (lambda x: x + torch.arange(x.shape[1]), (3, 4), {1: "time"}),
    "writes": (written, (3, 4), BATCH),
    "heads": (lambda x: x.view(*x.shape[:2], 2, 2).transpose(1, 2).reshape(-1, x.shape[1], 2), (3, 5, 4), TIMED),
    "causal": (lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), (2, 5, 4), TIMED),
    "distances": (lambda x: torch.cdist(x, x + 1), (3, 4), BATCH),
    "classes": (lambda x: F.one_hot((x > 0).long() + 1, 4), (2, 5), TIMED),
    "places": (lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True), (2, 3, 8, 9), IMAGE),
    "halves after strides": (lambda x: F.conv1d(x, torch.ones(2, 2, 3), stride=2).reshape(x.shape[0], -1), (2, 2, 9), {2: "n"}),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_that_python_saw_are_not_baked_in(name):
    function, shape, axes = SIZES[name]
    program = export(function, torch.rand(shape), dynamic_axes={"x": axes})
    x = torch.rand([size + 5 if axis in axes else size for axis, size in enumerate(shape)])
    wanted = function(x)
    for found, each in zip(program(x), wanted if isinstance(wanted, tuple) else (wanted,)):
        torch.testing.assert_close(found, each)


def test_numbers_are_told_from_tensors_however_many_have_been_met():
    x = torch.ones(3, 4)
    for n in range(5000):
        x * (n + 0.5)
    x / 19
    program = export(lambda x: x / x.shape[0], x, dynamic_axes={"x": {0: "batch"}})
    assert program(torch.ones(19, 4))[0][0, 0] == torch.tensor(1 / 19)


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen += 1
        return x * self.seen


REFUSED = {
    "a branch": (lambda x: x if x.sum() > 0 else -x, (3, 4), {}, r"reads a tensor.*test_models"),
    "a loop over time": (lambda x: sum(x[:, n] for n in range(x.shape[1])), (2, 3), {1: "time"}, r"another"),
    "a number that is not whole": (lambda x: x / x.shape[0] ** 0.5, (3, 4), BATCH, r"not whole.*test_models"),
    "a rounded size": (lambda x: x[:, : x.shape[1] // 2], (3, 6), {1: "time"}, r"`SliceItems`: cannot tell.*test_models"),
    "a count of ops": (lambda x: x * 2 if x.shape[0] > 4 else x, (3, 4), BATCH, r"ops at one size"),
    "a length that is cut": (lambda x: x[:, :5000] * 1, (2, 3), {1: "time"}, r"of a longer one.*test_models"),
    "what is done in pieces": (
        lambda x: sum(x[:, n:].sum(1) for n in range(0, x.shape[1], 99)),
        (2, 3),
        {1: "time"},
        r"differs",
    ),
    "no operator": (lambda x: torch.special.i0(x), (3,), {}, r"ONNX has no such function.*test_models"),
    "numbers that decide a shape": (lambda x: x[x > 0], (3,), {}, r"depends on numbers"),
    "a buffer that changes": (Counting(), (3,), {}, r"writes to seen"),
    "axes that are one": (lambda x: x @ x, (3, 3), BATCH, r"takes neither size"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_file_could_not_do_is_refused_by_op_and_line(name):
    function, shape, axes, why = REFUSED[name]
    with pytest.raises(OnnxExporterError, match=f"(?s){why}"):
        export(function, torch.ones(shape), input_names=["x"], dynamic_axes={"x": axes})


def test_dropout_is_left_out_in_eval_mode_and_refused_in_training():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    assert operators(export(model, torch.randn(3, 4))) == "Gemm" and model.training
    with pytest.raises(OnnxExporterError, match="random numbers"):
        export(model, torch.randn(3, 4), training=TrainingMode.TRAINING)


def test_a_model_of_near_sizes_only_is_exported_with_a_warning():
    table = torch.randn(7, 4)
    with pytest.warns(UserWarning, match="refuses sizes"):
        export(lambda x: x + table[: x.shape[0]].view(x.shape), torch.randn(4, 4), dynamic_shapes=({0: "n"},))


def test_a_file_that_does_something_else_is_noticed():
    program = export(lambda x: x * 2, torch.ones(3), verify=False)
    program.model_proto.graph.node[0].op_type = "Add"
    again = ONNXProgram(program.model_proto)
    assert not np.array_equal(again(torch.ones(3))[0].numpy(), [2, 2, 2]) and "ONNXProgram(x -> output" in repr(again)


def test_names_nests_and_parameters_outside_of_the_file():
    model = nn.Linear(2, 3)
    call = lambda pair, scale: model(pair[0]) * scale["by"] + pair[1]
    xs = ((torch.randn(2, 2), torch.randn(2, 3)), {"by": torch.ones(3)})
    shapes = {"pair": [{0: "n"}, {0: "n"}], "scale": None}
    graph = export(call, xs, output_names=["y"], dynamic_shapes=shapes).model_proto.graph
    assert [each.name for each in (*graph.input, *graph.output)] == ["pair_0", "pair_1", "scale_by", "y"]
    bare = export(model, torch.randn(1, 2), export_params=False, verify=False).model_proto.graph
    assert [each.name for each in bare.input] == ["input", "weight", "bias"] and not bare.initializer
    assert not is_in_onnx_export()


def test_weights_may_lie_in_a_file_beside_the_model(tmp_path):
    model, x = nn.Sequential(nn.Linear(40, 30), nn.Linear(30, 40)), torch.randn(2, 40)
    export(model, x).save(tmp_path / "model.onnx", external_data=True)
    assert (tmp_path / "model.onnx").stat().st_size < 2000 < (tmp_path / "model.onnx.data").stat().st_size
    torch.testing.assert_close(ONNXProgram(onnx.load(tmp_path / "model.onnx"))(x)[0], model(x).detach())
    torch.testing.assert_close(torch.onnx.load(tmp_path / "model.onnx")(x), model(x))


def test_windows_that_reach_beyond_images_of_any_size():
    call = lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)
    program = export(call, torch.rand(1, 2, 9, 8), dynamic_axes={"x": IMAGE})
    assert operators(program) == "MaxPool"
    for height in (5, 6, 10):
        x = torch.rand(2, 2, height, 7)
        torch.testing.assert_close(program(x)[0], call(x))


@pytest.mark.parametrize("opset", range(18, 24))
def test_every_opset(opset):
    program = export(nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.LayerNorm(4)), torch.randn(2, 4), opset_version=opset)
    assert program.model_proto.opset_import[0].version == opset
    assert ("Gelu" in operators(program)) == (opset >= 20)


def test_arguments_that_make_no_sense_are_refused():
    x = torch.ones(3, 4)
    for wrong in (
        {"opset_version": 12},
        {"dynamic_axes": {"y": {0: "n"}}},
        {"dynamic_axes": {"x": {5: "n"}}},
        {"input_names": ["a", "b"]},
        {"output_names": ["a", "b"]},
        {"dynamic_axes": {"x": {0: "n", 1: "n"}}},
    ):
        with pytest.raises(ValueError, match=r"onnx\.export"):
            export(lambda x: x + 1, x, **wrong)
    with pytest.raises(NotImplementedError, match="custom_opsets"):
        export(lambda x: x, x, custom_opsets={"a": 1})
