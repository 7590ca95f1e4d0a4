"""Names where PyTorch's programs look for them: import paths, switches, limits of number types, older constructors."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings

import pytest

import lineal

PATHS = {
    "autograd.function": ["Function"],
    "autograd.grad_mode": ["no_grad", "enable_grad", "set_grad_enabled", "inference_mode"],
    "autograd.variable": ["Variable"],
    "nn.modules": [
        "Linear",
        "Module",
        "ReLU",
        "MSELoss",
        "LayerNorm",
        "BatchNorm1d",
        "Embedding",
        "Flatten",
        "CosineSimilarity",
    ],
    "nn.modules.activation": ["ReLU", "GELU", "Softmax", "LeakyReLU"],
    "nn.modules.batchnorm": ["BatchNorm1d"],
    "nn.modules.container": ["Sequential", "ModuleList", "ModuleDict", "ParameterList"],
    "nn.modules.distance": ["CosineSimilarity", "PairwiseDistance"],
    "nn.modules.dropout": ["Dropout"],
    "nn.modules.flatten": ["Flatten", "Unflatten"],
    "nn.modules.linear": ["Linear", "Bilinear", "Identity"],
    "nn.modules.loss": ["MSELoss", "CrossEntropyLoss", "NLLLoss"],
    "nn.modules.module": ["Module"],
    "nn.modules.normalization": ["LayerNorm"],
    "nn.modules.rnn": ["LSTM", "GRUCell", "RNNBase"],
    "nn.modules.sparse": ["Embedding"],
    "nn.modules.transformer": ["Transformer", "TransformerEncoderLayer"],
    "nn.modules.utils": ["consume_prefix_in_state_dict_if_present"],
    "nn.parameter": ["Parameter", "Buffer", "UninitializedParameter", "is_lazy"],
    "nn.utils.clip_grad": ["clip_grad_norm_", "clip_grad_value_"],
    "nn.utils.convert_parameters": ["parameters_to_vector", "vector_to_parameters"],
    "nn.utils.init": ["skip_init"],
    "nn.utils.spectral_norm": ["SpectralNorm", "spectral_norm", "remove_spectral_norm"],
    "nn.utils.weight_norm": ["WeightNorm", "weight_norm", "remove_weight_norm"],
    "optim.adam": ["Adam"],
    "optim.adamw": ["AdamW"],
    "optim.lr_scheduler": ["StepLR", "LRScheduler"],
    "optim.optimizer": ["Optimizer"],
    "optim.sgd": ["SGD"],
    "utils.data.dataloader": ["DataLoader", "default_collate"],
    "utils.data.dataset": ["Dataset", "TensorDataset", "Subset", "random_split"],
    "utils.data.distributed": ["DistributedSampler"],
    "utils.data.sampler": ["Sampler", "BatchSampler", "RandomSampler"],
    "utils.hooks": ["RemovableHandle"],
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_pytorchs_leads_to_the_same_object(path):
    module = importlib.import_module(f"lineal.{path}")
    home = {"nn": lineal.nn, "optim": lineal.optim, "utils": lineal.utils.data, "autograd": lineal.autograd}[path.split(".")[0]]
    for name in PATHS[path]:
        found = getattr(module, name)
        elsewhere = getattr(home, name, getattr(lineal.nn.utils, name, None))
        assert elsewhere is None or found is elsewhere


def test_what_is_seldom_named_is_not_imported_before():
    seldom = ["lineal.nn.modules", "lineal.nn.functional.native", "lineal.tensors.older", "lineal.tensors.inplace"]
    code = f"import sys, lineal, lineal.nn; print([each for each in {seldom} if each in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


IN_PLACE = "abs_ ceil_ clamp_ cos_ exp_ floor_ log_ neg_ reciprocal_ relu_ round_ sin_ sqrt_ tanh_ trunc_".split()


@pytest.mark.parametrize("name", IN_PLACE)
def test_an_in_place_function_is_the_method(name):
    x, more = lineal.tensor([0.25, 0.5]), (0.3, 0.4) if name == "clamp_" else ()
    y = x.clone()
    assert getattr(lineal, name)(y, *more) is y
    assert lineal.equal(y, getattr(x.clone(), name)(*more))


def test_functions_of_layers_at_top_level():
    x, w = lineal.randn(4, 3), lineal.randn(3)
    functional = lineal.nn.functional
    assert lineal.equal(lineal.cosine_similarity(x, x + 1), functional.cosine_similarity(x, x + 1))
    assert lineal.equal(lineal.pairwise_distance(x, x + 1), functional.pairwise_distance(x, x + 1))
    assert lineal.equal(lineal.layer_norm(x, (3,), w, w, 1e-5, True), functional.layer_norm(x, (3,), w, w))
    mean, variance = lineal.zeros(3), lineal.ones(3)
    wanted = functional.batch_norm(x, mean, variance, w, w)
    assert lineal.equal(lineal.batch_norm(x, w, w, mean, variance, False, 0.1, 1e-5, True), wanted)
    table = lineal.randn(5, 2)
    assert lineal.equal(lineal.embedding(table, lineal.tensor([1, 3])), table[[1, 3]])
    assert lineal.equal(lineal.dropout(x, 0.5, False), x)
    for name in ("celu", "selu"):
        y = x.clone()
        assert getattr(lineal, f"{name}_")(y) is y and lineal.equal(y, getattr(lineal, name)(x))


FLOATS = {
    "float16": (16, 0.0009765625, 65504.0, 6.103515625e-05, 0.001),
    "bfloat16": (16, 0.0078125, 3.3895313892515355e38, 1.1754943508222875e-38, 0.01),
    "float32": (32, 1.1920928955078125e-07, 3.4028234663852886e38, 1.1754943508222875e-38, 1e-06),
    "float64": (64, 2.220446049250313e-16, 1.7976931348623157e308, 2.2250738585072014e-308, 1e-15),
}


@pytest.mark.parametrize("name", FLOATS)
def test_limits_of_floating_types(name):
    info = lineal.finfo(getattr(lineal, name))
    assert (info.bits, info.eps, info.max, info.tiny, info.resolution) == FLOATS[name]
    assert (info.min, info.smallest_normal, info.dtype) == (-info.max, info.tiny, name)


def test_switches_that_scripts_set():
    backends = lineal.backends
    before = backends.cuda.matmul.allow_tf32
    backends.cuda.matmul.allow_tf32 = True
    assert backends.cuda.matmul.allow_tf32 and before is False
    backends.cuda.matmul.allow_tf32 = before
    assert backends.cudnn.version() is None and not backends.mkl.is_available()
    with backends.cudnn.flags(benchmark=True):
        assert backends.cudnn.benchmark
    assert not backends.cudnn.benchmark
    backends.cuda.enable_flash_sdp(False)
    assert not backends.cuda.flash_sdp_enabled()
    backends.cuda.enable_flash_sdp(True)
    assert lineal.version.cuda is None and lineal.get_default_device().type == "cpu"


def test_constructors_of_older_programs():
    x = lineal.ones(2, dtype=lineal.float64)
    assert x.new(lineal.Size([2, 3])).shape == (2, 3) and x.new(2, 3).dtype is lineal.float64
    assert x.new((2, 3)).tolist() == [2.0, 3.0] and x.new([1], device="cpu").tolist() == [1.0]
    assert lineal.FloatTensor(2, 3, device="cpu").shape == lineal.Tensor(lineal.Size([2, 3])).shape == (2, 3)
    assert lineal.FloatTensor([1, 2], device="cpu").tolist() == [1.0, 2.0]
    with pytest.raises(RuntimeError, match="not available"):
        lineal.FloatTensor(2, device="cuda")
    for wrong in (None, 1.5, "a"):
        with pytest.raises(TypeError, match="sequence"):
            lineal.FloatTensor(wrong)
    assert x.type(lineal.Tensor).dtype is lineal.float32
    assert x.type("torch.HalfTensor").type() == "torch.HalfTensor"
    with pytest.raises(ValueError, match="invalid type"):
        x.type("torch.Foo")
    assert lineal.typename(x) == "torch.DoubleTensor" and lineal.typename(1) == "int"


def test_ranges_with_their_end_and_powers_of_a_vector():
    assert lineal.range(0, 1, 0.25).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert lineal.range(3, 1, -1).tolist() == [3.0, 2.0, 1.0]
    with pytest.raises(RuntimeError, match="sign"):
        lineal.range(3, 1)
    x = lineal.tensor([1, 2, 3])
    assert lineal.vander(x).tolist() == [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    assert lineal.vander(x, 2, increasing=True).tolist() == [[1, 1], [1, 2], [1, 3]]
    assert lineal.vander(x, 0).shape == (3, 0)


@pytest.mark.parametrize("with_module", [False, True])
def test_a_hook_before_loading_by_its_older_name(with_module):
    layer, seen = lineal.nn.Linear(2, 2), []
    handle = layer._register_load_state_dict_pre_hook(lambda *args: seen.append(args), with_module=with_module)
    layer.load_state_dict(layer.state_dict())
    assert len(seen) == 1 and len(seen[0]) == 7 + with_module and (seen[0][0] is layer) is with_module
    assert isinstance(handle, lineal.utils.hooks.RemovableHandle)
    handle.remove()
    layer.load_state_dict(layer.state_dict())
    assert len(seen) == 1


def test_a_module_takes_a_memory_format():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = lineal.nn.Linear(2, 2).to(memory_format=lineal.channels_last)
    assert layer.weight.is_contiguous()
    assert repr(lineal.set_grad_enabled(True)) == "torch.autograd.grad_mode.set_grad_enabled(mode=True)"


def test_data_pipes_are_refused_with_what_to_write_instead():
    with pytest.raises(AttributeError, match=r"IterDataPipe: data pipes are not in lineal.*write a Dataset"):
        lineal.utils.data.IterDataPipe  # noqa: B018
    assert not hasattr(lineal.utils.data, "absent")
