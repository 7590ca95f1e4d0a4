"""A density fitted by maximum likelihood: distributions, transforms of parameters, divergences."""

import numpy as np
import torch
import torch.distributions as D
from torch.distributions import Categorical, Normal, kl_divergence, transform_to
from torch.distributions.constraints import positive

rng = np.random.RandomState(3)
x = torch.from_numpy(np.concatenate([rng.normal(-2, 0.5, 40), rng.normal(1, 1.0, 60)])).float()
logits, loc, raw = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
optimizer = torch.optim.Adam([logits, loc, raw], lr=0.1)
losses = []
for _ in range(40):
    scale = transform_to(positive)(raw)
    mixture = D.MixtureSameFamily(Categorical(logits=logits), Normal(loc, scale))
    prior = kl_divergence(D.Independent(Normal(loc, scale), 1), D.Independent(Normal(0.0, torch.full((2,), 3.0)), 1))
    loss = -mixture.log_prob(x).mean() + 0.01 * prior
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
log_scale = D.TransformedDistribution(D.Laplace(0.0, 1.0), [D.transforms.AffineTransform(loc=1.0, scale=2.0)])
assert mixture.sample((5,)).shape == (5,) and D.Beta(2.0, 3.0).mean.item() == 0.4000000059604645
print(loc.tolist(), log_scale.log_prob(torch.tensor(1.0)).item(), Categorical(probs=torch.ones(4)).entropy().item())
