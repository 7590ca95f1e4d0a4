"""What programs set, probe and decorate before they begin; what is not there is imported, and not used."""

import importlib.metadata
import importlib.util
import random
import sys
from typing import Dict, Optional, Tuple

import numpy as np
import torch
import torch.fx
import torch.jit as jit
import torch.nn as nn
import torch.nn.functional as F
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import Parameter
from torch.types import Number

try:
    from torch.utils.no_such_module import Writer
except ImportError:
    Writer = None

if hasattr(torch, "set_float32_matmul_precision"):
    torch.set_float32_matmul_precision("high")
torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
torch._dynamo.config.suppress_errors = True
torch._inductor.config.coordinate_descent_tuning = True
assert torch.__version__ >= "1.10" and tuple(int(each) for each in torch.__version__.split("+")[0].split(".")) >= (2, 0)
assert importlib.util.find_spec("torch") is not None and importlib.metadata.version("torch").startswith("2.")
assert importlib.util.find_spec("torch.no_such_module") is None and not hasattr(torch, "no_such_name")
assert torch.version.cuda is None or torch.cuda.is_available()
assert torch.cuda.memory_allocated() == 0 or torch.cuda.is_available()


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)


@torch.jit.script
def fused_gelu(x: torch.Tensor) -> torch.Tensor:
    return x * 0.5 * (1.0 + torch.erf(x / 1.41421))


class Body(nn.Module):
    __constants__ = ["width"]
    width: torch.jit.Final[int]

    def __init__(self, width: int):
        super().__init__()
        self.width, self.scale = width, Parameter(torch.ones(width))
        self.lin = nn.Linear(width, width)

    @torch.jit.ignore
    def note(self) -> Dict[str, Number]:
        return {"width": self.width}

    @torch.jit.export
    def twice(self, x: torch.Tensor) -> Tuple[torch.Tensor, Optional[int]]:
        return self.forward(x) * 2, None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.jit.is_scripting():
            return x
        return fused_gelu(self.lin(x)) * self.scale


seed_everything(1)
model = Body(6)
assert not isinstance(model, FullyShardedDataParallel) and not isinstance(model, _ConvNd)
assert type(model.lin).__module__.startswith("torch.nn") and type(model.scale.data).__module__ == "torch"
assert "torch" in sys.modules and jit.annotate(int, 3) == 3 and not torch.jit.is_tracing()
traced = torch.jit.trace(nn.Linear(6, 6).eval(), torch.ones(2, 6))
assert traced(torch.ones(2, 6)).shape == (2, 6)
step_fn = torch.compile(model, backend="eager", fullgraph=False, dynamic=False)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
x = torch.cos(torch.arange(60.0)).view(10, 6)
losses = []
for _ in range(15):
    loss = F.huber_loss(step_fn(x), x.sin())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(model.note(), Writer)
