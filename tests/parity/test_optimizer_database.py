"""PyTorch's own list of optimizers, options and refusals: the same steps, and the same kinds of errors."""

import functools
import inspect
import warnings

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytest.importorskip("expecttest", reason="PyTorch's list needs it")
database = pytest.importorskip("torch.testing._internal.common_optimizers").optim_db
pytestmark = pytest.mark.parity

SPARSE = "SparseAdam"
PATHS = {"optim": torch.optim.__all__, "optim.lr_scheduler": torch.optim.lr_scheduler.__all__}
PATHS["optim.swa_utils"] = torch.optim.swa_utils.__all__
NAMES = [info.optim_cls.__name__ for info in database]
INPUTS = [(info.optim_cls.__name__, each.desc, each.kwargs) for info in database for each in info.optim_inputs_func("cpu")]
SHAPES = {"Muon": [(4, 3), (2, 5)]}


def parameters(thing):
    """Return the parameters of a function or class, and their defaults."""
    return [str(each.replace(annotation=each.empty)) for each in inspect.signature(thing).parameters.values()]


@pytest.mark.parametrize("path", PATHS)
def test_names_and_signatures(path):
    for name in PATHS[path]:
        mine, theirs = (functools.reduce(getattr, [*path.split("."), name], library) for library in (lineal, torch))
        if callable(theirs):
            assert parameters(mine) == parameters(theirs), name


def carried(value, known):
    """Return tensors of PyTorch's, in nests, as lineal's; one that comes twice is one tensor."""
    if isinstance(value, torch.Tensor):
        if id(value) not in known:
            known[id(value)] = lineal.from_numpy(value.detach().numpy().copy()).requires_grad_(value.requires_grad)
        return known[id(value)]
    if isinstance(value, dict):
        return {key: carried(each, known) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(carried(each, known) for each in value)
    return value


def trained(library, name, options, dtype):
    random = np.random.default_rng(0)
    draw = lambda shape: library.from_numpy(random.normal(size=shape).astype(dtype))
    shapes = SHAPES.get(name, [(4, 3), (5,), ()])
    parameters, goals = [draw(shape).requires_grad_() for shape in shapes], [draw(shape) for shape in shapes]
    optimizer = getattr(library.optim, name)(parameters, **options)

    def closure():
        optimizer.zero_grad()
        loss = sum(((each - goal) ** 4).sum() for each, goal in zip(parameters, goals))
        loss.backward()
        return loss

    for _ in range(50):
        optimizer.step(closure)
    return [each.detach().numpy() for each in parameters]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-4)])
@pytest.mark.parametrize(("name", "what", "options"), [each for each in INPUTS if each[0] != SPARSE])
def test_fifty_steps(name, what, options, dtype, tolerance):
    mine, theirs = trained(lineal, name, carried(options, {}), dtype), trained(torch, name, options, dtype)
    tolerance = {"Muon": 2e-2}.get(name, tolerance)
    for found, wanted in zip(mine, theirs):
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_refusals(name):
    info = next(each for each in database if each.optim_cls.__name__ == name)
    for given in info.optim_error_inputs_func(device="cpu", dtype=torch.float32):
        bad, known = given.optimizer_error_input, {}
        if "dense params required" in bad.desc:
            # there are no sparse tensors
            continue
        with pytest.raises(given.error_type), warnings.catch_warnings():
            warnings.simplefilter("error")
            parameters = [lineal.ones(2, 2)] if bad.params is None else carried(bad.params, known)
            optimizer = getattr(lineal.optim, name)(parameters, **carried(bad.kwargs, known))
            for each in parameters:
                each.grad = lineal.rand_like(each)
            optimizer.step()
