"""`import lineal.as_torch`: what a process finds under `torch`, and how what is not there fails."""

import ast
import json
import subprocess
import sys

import pytest

import lineal
from lineal.porting.missing import MissingNameError, refuse
from lineal.porting.paths import PATHS, find, public, sources
from lineal.porting.usage import guarded
from lineal.porting.version import TorchVersion

PROGRAM = """
import importlib.metadata, importlib.util, json, pickle, sys
import lineal.as_torch
import torch
import torch.nn.functional as F
from torch import nn, no_such_thing
from torch.no.such.module import Absent, build as make
from torch.nn.modules.linear import Linear
from torch.utils.data.dataloader import DataLoader

told = {}
def error(call):
    try:
        return call()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"

def derive():
    class Mine(Absent):
        pass

def guarded():
    try:
        import torch.none.such
    except ImportError as problem:
        return str(problem)

told["same"] = [nn.Linear is Linear is lineal.nn.Linear, F.relu is lineal.nn.functional.relu, torch.nn is nn,
                sys.modules["torch.nn.functional"] is F, torch.utils.data.DataLoader is DataLoader]
from torch.nn.utils.weight_norm import weight_norm
told["same"] += [torch.ops.aten.add.Tensor(torch.ones(1), 1).item() == 2.0 and torch.torch is torch]
told["same"] += [torch.nn.utils.weight_norm is lineal.nn.utils.weight_norm is weight_norm]
told["probes"] = [hasattr(torch, "no_such_thing"), hasattr(torch, "compile"), isinstance(3, Absent), issubclass(int, Absent),
                  importlib.util.find_spec("torch") is None, importlib.util.find_spec("torch.no_such") is None]
told["version"] = [torch.__version__, importlib.metadata.version("torch"), torch.__version__ >= (2, 0)]
things = torch.ones(1), Linear(1, 1), torch.float32, Linear(1, 1).weight
told["types"] = [f"{type(x).__module__}.{type(x).__name__}" for x in things]
told["guarded"] = [guarded(), error(lambda: importlib.import_module("torch.no.such.module").__name__)]
told["errors"] = [error(lambda: torch.no_such_name), error(lambda: Absent(3)), error(lambda: make.step), error(lambda: nn.Foo),
                  error(derive)]
told["errors"] += [error(lambda: torch.hub.load("a", "b")), error(lambda: torch.jit.load("f"))]
told["annotation"] = str(Absent | None)
import torch.distributed.no_such_mesh
def meshed(mesh: torch.distributed.no_such_mesh.Mesh | None = None):
    pass
def noted(graph: torch.fx.NoSuchGraph, order: torch.LongTensor | None = None) -> nn.NoSuchLayer:
    pass
class Weighed(nn.Parameter):
    def __new__(cls, data, *, weight):
        made = super().__new__(cls, data)
        made.weight = weight
        return made
told["kinds"] = [Weighed(torch.ones(1), weight=3).weight, "Adam" in vars(torch.optim)]
told["kinds"].append("StepLR" in vars(torch.optim.lr_scheduler))
table = {torch.ops.aten.no_such_operator.default: 1}
told["tables"] = [table[torch.ops.aten.no_such_operator.default], error(lambda: torch.ops.aten.no_such_operator.default(1)),
                  error(lambda: torch.fx.NoSuchGraph())]
torch._dynamo.config.cache_size_limit = 64
with torch._dynamo.config.patch(verbose=True):
    told["settings"] = [torch._dynamo.config.cache_size_limit, torch._dynamo.config.verbose]
told["settings"].append(bool(torch._dynamo.config.verbose))
told["pickle"] = repr(pickle.loads(pickle.dumps(Linear(2, 1))))
told["star"] = "Linear" in nn.__all__ and "modules" in dir(nn)
step = torch.compile(lambda x: torch.sin(x).sum() + F.relu(x).sum())
told["compiled"] = [step(torch.ones(3)).item() for _ in range(3)] + [step.eager]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return what a program has found in a process where `torch` is lineal."""
    path = tmp_path_factory.mktemp("porting") / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_names_are_those_of_lineal(told):
    assert told["same"] == [True] * 7
    assert told["star"] and told["pickle"] == "Linear(in_features=2, out_features=1, bias=True)"


def test_probes_get_true_answers(told):
    assert told["probes"] == [False, True, False, False, False, True]
    assert told["version"] == ["2.13.0+lineal", "2.13.0+lineal", True]
    assert told["types"] == ["torch.Tensor", "torch.nn.modules.linear.Linear", "torch.dtype", "torch.nn.parameter.Parameter"]


def test_an_import_that_may_fail_fails_at_once(told):
    assert told["guarded"] == ["No module named 'torch.none'", "torch.no.such.module"]


def test_what_is_missing_fails_when_it_is_used(told):
    name, call, attribute, module, base, hub, jit = told["errors"]
    assert name == f"MissingNameError: torch.no_such_name is not in lineal {lineal.__version__}"
    assert call.endswith(", imported at program.py:7") and "torch.no.such.module.Absent" in call
    assert "torch.no.such.module.build.step" in attribute and "torch.nn.Foo" in module and base == call
    assert hub.startswith("UnsupportedError: hub.load") and jit.startswith("UnsupportedError: jit.load")
    assert told["annotation"] == "typing.Any"


def test_operators_and_types_that_are_only_named_are_no_stop(told):
    named, operator, kind = told["tables"]
    assert named == 1 and "torch.ops.aten.no_such_operator is not in lineal" in operator and "NoSuchGraph" in kind


def test_programs_make_parameters_of_their_own_and_go_through_namespaces(told):
    assert told["kinds"] == [3, True, True]


def test_switches_of_compilers_are_kept(told):
    assert told["settings"] == [64, True, False]


def test_compiled_functions_reach_lineal_through_torch(told):
    first, *others, eager = told["compiled"]
    assert others == pytest.approx([first, first]) and eager is None


def test_nobody_else_is_touched():
    assert not any(type(each).__name__ == "Finder" and type(each).__module__.startswith("lineal") for each in sys.meta_path)
    assert lineal.Tensor.__module__.startswith("lineal")


@pytest.mark.parametrize("path", [each for each in PATHS if PATHS[each]])
def test_every_path_leads_to_modules_of_lineal(path):
    assert sources(path)
    assert [
        name
        for name in public(path)
        if find(path, name) is None and name not in ("cuda", "hip", "xpu", "git_version", "newaxis")
    ] == []


def test_imports_that_a_program_takes_care_of():
    program = "try:\n  import a\nexcept (ImportError, OSError):\n  import b\ntry:\n  import c\nexcept KeyError:\n  pass\n"
    program += "with contextlib.suppress(ImportError):\n  import d\ntry:\n  import e\nexcept:\n  pass\n"
    assert sorted(guarded(ast.parse(program))) == [2, 10, 12]


def test_versions_are_compared_by_their_numbers():
    version = TorchVersion("2.13.0+lineal")
    assert version > "2.9" and version >= (2, 13) and version < "2.14.0a0" and TorchVersion("1.9.0") < "1.10"
    assert version != "2.13.0" and version == "2.13.0+lineal" and hash(version) == hash("2.13.0+lineal")
    assert TorchVersion("2.0.0a0+git") < "2.0" and TorchVersion("2.0") == (2, 0, 0)
    with pytest.raises(ValueError, match="expected a version"):
        version < "none"  # noqa: B015


def test_packages_that_run_code_are_refused_by_a_line_of_their_own():
    with pytest.raises(MissingNameError, match=r"torch\.package\.PackageImporter is refused: it runs code"):
        refuse("torch.package.PackageImporter")
