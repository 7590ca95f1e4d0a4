#!/usr/bin/env bash
# PyTorch 2.13.0: LKJCholesky.sample draws from another distribution than the one whose log_prob it has, for 3 dimensions and more. Each
# correlation of LKJ(η) in d dimensions has the variance 1 / (2 η + d - 1) (Lewandowski, Kurowicka and Joe 2009): 1/4 for d = 3 and
# η = 1. Samples have 0.25 for the first two variables, and 0.30 where the third takes part; in 2 dimensions they are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import torch
from torch.distributions import LKJCholesky

torch.manual_seed(0)
for dim, pairs in ((2, [(1, 0)]), (3, [(1, 0), (2, 0), (2, 1)])):
    factor = LKJCholesky(dim, 1.0).sample((200_000,))
    correlations = factor @ factor.mT
    found = [correlations[:, i, j].var().item() for i, j in pairs]
    exact = 1 / (2 * 1.0 + dim - 1)
    print(f"{dim} dimensions: variances {[round(each, 3) for each in found]}, exactly {exact:.3f}")
    assert abs(found[0] - exact) < 0.005
    assert all(each > exact + 0.03 for each in found[1:]), "PyTorch has changed"
END
