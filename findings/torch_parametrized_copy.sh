#!/usr/bin/env bash
# PyTorch 2.13.0 (CPU): a deep copy of a parametrized module shares the class that parametrize has made for the first one. The
# parametrized weight is a property of that class, and remove_parametrizations deletes it there: so removing the parametrization
# of a module takes the weight away from its copies, which then raise AttributeError when they are called. Whoever copies a model to
# keep its best state, or to average weights, and then makes the original plain, has lost the copy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import copy

import torch
from torch import nn
from torch.nn.utils import parametrize


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT


layer = nn.Linear(3, 3)
parametrize.register_parametrization(layer, "weight", Symmetric())
kept = copy.deepcopy(layer)
print("one class:", type(kept) is type(layer))
assert type(kept) is type(layer), "PyTorch has changed"
kept(torch.ones(3))
parametrize.remove_parametrizations(layer, "weight")
try:
    kept(torch.ones(3))
except AttributeError as error:
    print("the copy:", error)
else:
    raise AssertionError("PyTorch has changed")
END
