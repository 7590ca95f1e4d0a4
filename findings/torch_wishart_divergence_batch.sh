#!/usr/bin/env bash
# PyTorch 2.13.0: kl_divergence of a batch of Wishart distributions is not that of each. The term of the degrees of freedom is summed over
# the whole batch and then added to every member, so divergences depend on what else is in the batch, and may be negative.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'END'
import torch
from torch.distributions import Wishart, kl_divergence

eye = torch.eye(2)
freedom = torch.tensor([4.0, 6.0])
alone = torch.stack([kl_divergence(Wishart(df, eye), Wishart(torch.tensor(5.0), 2 * eye)) for df in freedom])
batch = kl_divergence(Wishart(freedom, eye.expand(2, 2, 2)), Wishart(torch.full((2,), 5.0), 2 * eye.expand(2, 2, 2)))
print(f"each alone {alone.tolist()}, as a batch {batch.tolist()}")
assert (alone > 0).all()
assert batch.min() < 0 and not torch.allclose(batch, alone), "PyTorch has changed"
END
