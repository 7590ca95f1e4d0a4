"""Run scripts written for PyTorch and print their loss curves as JSON: `driver.py [--same] [--torch] SCRIPT …`.

`torch` is lineal, or with `--torch` PyTorch itself. `--same` takes chance out, so that two libraries can be compared:
parameters that an optimizer is given, and what random functions draw, come from NumPy.
"""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SCRIPTS = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "driver")


def fill(torch: Any, parameters: list[Any]) -> None:
    """Set parameters to numbers that their places and shapes decide."""
    with torch.no_grad():
        for n, p in enumerate(parameters):
            bound = 1 / np.sqrt(np.prod(p.shape[1:]) if p.dim() > 1 else max(p.numel(), 1))
            numbers = np.random.RandomState(1000 + n).uniform(-bound, bound, tuple(p.shape))
            p.copy_(torch.from_numpy(np.asarray(numbers)).to(p.dtype))


def replacements(torch: Any) -> dict[tuple[Any, str], Any]:
    """Return what stands for the functions that draw numbers, and for the first step of optimizers."""
    rng = np.random.RandomState(7)
    begin = torch.optim.Optimizer.__init__

    def first(self: Any, params: Any, defaults: Any) -> None:
        begin(self, params, defaults)
        fill(torch, [p for group in self.param_groups for p in group["params"]])

    def normal(*size: Any, **options: Any) -> Any:
        shape = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
        return torch.from_numpy(rng.standard_normal(tuple(shape))).float()

    return {
        (torch.optim.Optimizer, "__init__"): first,
        (torch, "randn"): normal,
        (torch, "randn_like"): lambda x: normal(*x.shape),
        (torch, "randint"): lambda high, size: torch.from_numpy(rng.randint(0, high, size)),
        (torch.nn.Dropout, "forward"): lambda self, x: x,
        (torch.utils.data.RandomSampler, "__iter__"): lambda self: iter(rng.permutation(len(self.data_source)).tolist()),
    }


@contextlib.contextmanager
def without_chance(torch: Any) -> Iterator[None]:
    """Replace what draws numbers within a block."""
    changes = replacements(torch)
    before = {(home, name): getattr(home, name) for home, name in changes}
    for (home, name), value in changes.items():
        setattr(home, name, value)
    try:
        yield
    finally:
        for (home, name), value in before.items():
            setattr(home, name, value)


def curve(torch: Any, script: str, same: bool) -> list[float]:
    """Run a script, whose prints are not shown, and return its losses."""
    argv, sys.argv = sys.argv, [script]
    try:
        with contextlib.redirect_stdout(io.StringIO()), without_chance(torch) if same else contextlib.nullcontext():
            return runpy.run_path(str(Path(__file__).with_name(f"{script}.py")), run_name="__main__")["losses"]
    finally:
        sys.argv = argv


if __name__ == "__main__":
    if "--torch" not in sys.argv:
        import lineal.as_torch  # noqa: F401 - so that the next line gives lineal
    import torch

    for each in [word for word in sys.argv[1:] if word[0] != "-"] or SCRIPTS:
        print(json.dumps([each, curve(torch, each, "--same" in sys.argv)]), flush=True)
