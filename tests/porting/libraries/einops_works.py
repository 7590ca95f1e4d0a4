"""einops on lineal: layers, packing, contractions."""

from __future__ import annotations

import torch  # isort: skip
from einops import einsum, pack, rearrange, reduce, repeat, unpack  # isort: skip
from einops.layers.torch import EinMix, Rearrange  # isort: skip

x = torch.randn(2, 3, 4, 4, requires_grad=True)
assert rearrange(x, "b c (h p) w -> b (c p) h w", p=2).shape == (2, 6, 2, 4)
means = reduce(x, "b c h w -> b c", "mean")
assert torch.allclose(means, x.mean((2, 3)))
packed, shapes = pack([means, repeat(means, "b c -> b c k", k=3)], "b *")
assert [each.shape for each in unpack(packed, shapes, "b *")] == [(2, 3), (2, 3, 3)]
assert torch.allclose(einsum(means, means, "b c, d c -> b d"), means @ means.T)
net = torch.nn.Sequential(EinMix("b c h w -> b h w d", weight_shape="c d", c=3, d=5), Rearrange("b h w d -> b (h w d)"))
net(x).sum().backward()
assert x.grad.shape == x.shape
print("einops works")
