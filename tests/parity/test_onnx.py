"""`onnx.export` takes PyTorch's arguments, in its order; what its defaults are where they differ."""

import inspect
import io
import warnings

import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity
OTHERS = {"verify": (True, False)}
"""The defaults that differ: lineal's and PyTorch's."""


def defaults(function):
    """Return the parameters of a function with their defaults; of enumerations the number."""
    found = inspect.signature(function).parameters
    number = lambda each: getattr(each, "value", each) if hasattr(type(each), "__members__") else each
    return {name: number(each.default) for name, each in found.items()}


def test_export_has_the_parameters_of_pytorch():
    own, wanted = defaults(lineal.onnx.export), defaults(torch.onnx.export)
    assert [*own] == [*wanted]
    differ = {name: (own[name], wanted[name]) for name in own if own[name] is not wanted[name] and own[name] != wanted[name]}
    assert {name: pair for name, pair in differ.items() if name not in ("training", "operator_export_type")} == OTHERS


MODELS = {
    "images": (
        lambda: torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3, padding=1),
            torch.nn.BatchNorm2d(4),
            torch.nn.ReLU6(),
            torch.nn.MaxPool2d(3, 2, 1, ceil_mode=True),
            torch.nn.ConvTranspose2d(4, 4, 3, 2, 1, 1),
            torch.nn.Upsample(scale_factor=2, mode="bilinear"),
            torch.nn.GroupNorm(2, 4),
            torch.nn.Hardswish(),
            torch.nn.PixelShuffle(2),
        ),
        (2, 3, 9, 8),
    ),
    "lstm": (lambda: torch.nn.LSTM(3, 4, 2, bidirectional=True), (5, 2, 3)),
    "gru": (lambda: torch.nn.GRU(3, 4, batch_first=True), (2, 5, 3)),
    "rows": (
        lambda: torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.GELU(), torch.nn.LayerNorm(4), torch.nn.ELU()),
        (2, 4),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_files_of_pytorchs_exporter_are_modules(name):
    make, shape = MODELS[name]
    model, x, stream = make().eval(), torch.randn(shape), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), stream, dynamo=False, opset_version=17)
    found, wanted = lineal.onnx.load(stream.getvalue())(lineal.as_tensor(x.numpy())), model(x)
    found, wanted = (each[0] if isinstance(each, tuple) else each for each in (found, wanted))
    lineal.testing.assert_close(found.detach(), lineal.as_tensor(wanted.detach().numpy()), rtol=1e-4, atol=1e-5)
