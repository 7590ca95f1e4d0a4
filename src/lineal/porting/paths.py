"""The one table of paths: what `torch`, and each module below it, is served from."""

from __future__ import annotations

import functools
from importlib import import_module
from types import ModuleType
from typing import Any

import lineal

__all__ = ["PATHS", "RENAMED", "STANDING", "below", "find", "has", "public", "sources"]

SAME = """
accelerator amp amp.autocast_mode amp.grad_scaler
autograd autograd.forward_ad autograd.function autograd.functional autograd.grad_mode autograd.graph autograd.variable
cpu cuda distributed fft func futures hub jit library linalg mps multiprocessing multiprocessing.reductions
nn nn.attention nn.attention.bias nn.attention.flex_attention nn.common_types nn.functional nn.grad nn.init nn.modules
nn.modules.activation nn.modules.adaptive nn.modules.batchnorm nn.modules.channelshuffle nn.modules.container nn.modules.conv
nn.modules.distance nn.modules.dropout nn.modules.flatten nn.modules.fold nn.modules.instancenorm nn.modules.lazy
nn.modules.linear nn.modules.linear_cross_entropy_options nn.modules.loss nn.modules.module nn.modules.normalization
nn.modules.padding nn.modules.pixelshuffle nn.modules.pooling nn.modules.rnn nn.modules.sparse nn.modules.transformer
nn.modules.upsampling nn.modules.utils nn.parallel nn.parameter nn.utils nn.utils.clip_grad nn.utils.convert_parameters
nn.utils.fusion nn.utils.init nn.utils.memory_format nn.utils.parametrizations nn.utils.parametrize nn.utils.prune
nn.utils.rnn nn.utils.spectral_norm nn.utils.stateless nn.utils.weight_norm
onnx onnx.errors
optim optim.adadelta optim.adagrad optim.adam optim.adamax optim.adamw optim.asgd optim.lbfgs optim.lr_scheduler optim.nadam
optim.radam optim.rmsprop optim.rprop optim.sgd optim.sparse_adam optim.swa_utils
overrides profiler quasirandom random serialization signal signal.windows sparse special testing types
utils utils.benchmark utils.checkpoint utils.data utils.data.dataloader utils.data.dataset utils.data.distributed
utils.flop_counter
utils.data.sampler utils.dlpack utils.hooks utils.tensorboard
xpu
_higher_order_ops _higher_order_ops.associative_scan _higher_order_ops.cond _higher_order_ops.map _higher_order_ops.scan
_higher_order_ops.while_loop
"""
"""What has the same path in lineal."""

FAMILIES = """
bernoulli beta binomial categorical cauchy chi2 constraint_registry constraints continuous_bernoulli dirichlet distribution
exp_family exponential fishersnedecor gamma generalized_pareto geometric gumbel half_cauchy half_normal independent
inverse_gamma kl kumaraswamy laplace lkj_cholesky log_normal logistic_normal lowrank_multivariate_normal
mixture_same_family multinomial multivariate_normal negative_binomial normal one_hot_categorical pareto poisson
relaxed_bernoulli relaxed_categorical transformed_distribution transforms uniform utils von_mises weibull wishart
"""
"""What has the same path below `distributions`."""

PATHS: dict[str, str] = {
    **{path: path for path in SAME.split()},
    **{f"distributions.{path}": f"distributions.{path}" for path in FAMILIES.split()},
    "": ". porting.toplevel porting.sizes porting.absent_dtypes tensors.foreach tensors.typedstorages",
    "_C": "porting.internals",
    "_C._functorch": "porting.levels",
    "_C._nn": "porting.parsing",
    "__config__": "porting.configuration",
    "_dynamo": "porting.dynamo compiler",
    "_dynamo.config": "",
    "_dynamo.eval_frame": "porting.dynamo",
    "_inductor": "porting.dynamo compiler",
    "_inductor.config": "",
    "_tensor": "tensors",
    "autograd.profiler": "profiler.legacy",
    "autograd.profiler_legacy": "profiler.legacy",
    "autograd.profiler_util": "profiler.legacy",
    "backends": "backends",
    "cpu.amp": "amp.cpu",
    "cuda.amp": "amp.cuda",
    "cuda.amp.autocast_mode": "amp.cuda",
    "cuda.amp.common": "amp.cuda",
    "cuda.amp.grad_scaler": "amp.cuda",
    "compiler": "compiler porting.dynamo",
    "compiler.config": "",
    "distributed.algorithms": "",
    "distributed.algorithms.ddp_comm_hooks": "",
    "distributed.algorithms.ddp_comm_hooks.debugging_hooks": "nn.compressing",
    "distributed.algorithms.ddp_comm_hooks.default_hooks": "nn.compressing",
    "distributed.checkpoint": "serialization.sharded",
    "distributed.checkpoint.state_dict": "nn.sharded.states",
    "distributed.device_mesh": "distributed.meshes",
    "distributed.distributed_c10d": "distributed",
    "distributed.elastic": "",
    "distributed.elastic.multiprocessing": "",
    "distributed.elastic.multiprocessing.errors": "distributed.launched",
    "distributed.fsdp": "nn.sharded",
    "distributed.fsdp.fully_sharded_data_parallel": "nn.sharded",
    "distributed.fsdp.wrap": "nn.sharded",
    "distributed.optim": "optim.redundancy",
    "distributions": "distributions",
    "distributions.studentT": "distributions.student_t",
    "_utils": "porting.flattening",
    "functional": ".",
    "distributed.tensor": "porting.placements",
    "distributed.tensor.parallel": "nn.sharded.tensorparallel",
    "distributed.tensor.placement_types": "porting.placements",
    "fx": "fx",
    "fx._symbolic_trace": "fx.tracing",
    "fx.graph": "fx.graph",
    "fx.graph_module": "fx.modules",
    "fx.interpreter": "fx.interpreting",
    "fx.node": "fx.nodes",
    "fx.proxy": "fx.symbols",
    "ops": "porting.operators",
    "nn.parallel.data_parallel": "nn.parallel",
    "nn.parallel.distributed": "nn.parallel",
    "optim._adafactor": "optim.adafactor",
    "optim._muon": "optim.muon",
    "optim._stateless": "optim.stateless",
    "optim.optimizer": "optim.optimizer porting.optimizers",
    "return_types": "base.results",
    "storage": "tensors.storages tensors.typedstorages",
    "torch_version": "porting.version",
    "utils._pytree": "utils.pytree utils.treepaths",
    "utils.weak": "porting.weak",
    "utils.data._utils": "utils.data",
    "utils.data._utils.collate": "data.collate",
    "utils.data._utils.worker": "data.workers",
    "version": "porting.version",
}
"""Where the names of each path are looked for: modules of lineal, "." for itself, in this order; "" for mere switches."""

STANDING = {
    "functorch": "lineal.porting.functorch",
    "safetensors": "lineal.porting.safetensors",
    "safetensors.torch": "lineal.porting.safetensors.torch",
}
"""Modules of other packages that lineal stands for, and what it has in their place."""

RENAMED = {
    "": "BFloat16Tensor Size Tensor device dtype finfo iinfo layout memory_format",
    "autograd.function": "Function",
    "autograd.grad_mode": "*",
    "storage": "*",
    "nn.modules": "",
    "nn.parameter": "*",
    "nn.utils.rnn": "PackedSequence",
    "utils.data.dataloader": "DataLoader",
    "utils.data.dataset": "*",
    "utils.data.distributed": "*",
    "utils.data.sampler": "*",
    **{path: "*" for path in PATHS if path.startswith(("nn.modules.", "distributions.", "optim."))},
    "optim": "Adafactor Muon",
    "optim._adafactor": "",
    "optim._muon": "",
    "optim.optimizer": "Optimizer",
}
"""Whose public classes say that they are of this path: all of them, or those of these names."""


@functools.cache
def sources(path: str) -> tuple[ModuleType, ...]:
    """Return the modules that serve a path."""
    return tuple(lineal if each == "." else import_module(f"lineal.{each}") for each in PATHS[path].split())


def find(path: str, name: str) -> Any:
    """Return what the module of this path has under a name; AttributeError if nothing.

    At top level lineal's private names, and everywhere its modules, are no names of PyTorch's.
    """
    for source in sources(path):
        if source is lineal and name.startswith("_"):
            continue
        found = getattr(source, name, None)
        if found is None and not hasattr(source, name):
            continue
        if not isinstance(found, ModuleType):
            return found
    raise AttributeError(name)


def has(path: str, name: str) -> bool:
    """Return whether a path has a module or something else of this name."""
    if f"{path}.{name}".lstrip(".") in PATHS:
        return True
    try:
        find(path, name)
    except AttributeError:
        return False
    return True


def public(path: str) -> list[str]:
    """Return the public names of a path that are no modules."""
    names = {name for source in sources(path) for name in getattr(source, "__all__", dir(source)) if name[0] != "_"}
    return sorted(name for name in names if f"{path}.{name}".lstrip(".") not in PATHS and has(path, name))


def below(path: str) -> list[str]:
    """Return the names of the modules right below a path."""
    start = f"{path}." if path else ""
    return sorted(each[len(start) :] for each in PATHS if each.startswith(start) and "." not in each[len(start) :] and each)
