"""Classes that programs derive from add no names to PyTorch's but `_sunder_` ones, which no program's attribute meets."""

from __future__ import annotations

from importlib import import_module

import pytest

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.parity

PATHS = ("nn", "optim", "optim.lr_scheduler", "distributions", "distributions.transforms", "utils.data")
OF_INSTANCES = {
    "_binomial", "_categorical", "_flat_weights", "_flat_weights_names", "_new", "_opt_called", "_param", "_params",
    "_schedulers", "_unbroadcasted_scale_tril", "activation", "bias", "mode", "num_batches_tracked", "param_shape",
    "pos_weight", "running_mean", "running_var", "weight",
}  # fmt: skip
"""What PyTorch's instances have, and its classes do not announce."""
OF_TENSORS = {"_repr_html_", "bucketize", "derivative", "isin", "memory", "node", "origin", "to_device", "to_scipy", "value"}
"""What tensors have of their own."""


def names(kind: type) -> set[str]:
    """Return the names that a class and its bases define or announce."""
    bases = [each for each in kind.__mro__ if each is not object]
    return {name for each in bases for name in (*vars(each), *vars(each).get("__annotations__", ()))}


def is_private(name: str) -> bool:
    """Return whether a name is one of Python's, or one that programs give to nothing."""
    return name.startswith("_") and name.endswith("_")


@pytest.mark.parametrize("path", PATHS)
def test_bases_have_pytorchs_names_alone(path):
    import_module(f"lineal.{path}")
    theirs = import_module(f"torch.{path}")
    extra = {}
    for name in dir(theirs):
        kind, own = getattr(theirs, name), getattr(import_module(f"lineal.{path}"), name, None)
        if name[0] != "_" and isinstance(kind, type) and isinstance(own, type):
            found = {each for each in names(own) - names(kind) - OF_INSTANCES if not is_private(each)}
            found -= OF_TENSORS if issubclass(kind, torch.Tensor) or "Uninitialized" in name else set()
            if found:
                extra[name] = sorted(found)
    assert not extra
