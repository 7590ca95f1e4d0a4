"""Attention written out with einsum: masks, positions as a buffer, an encoder trained to reverse."""

import math

import torch
import torch.nn as nn
from torch import Tensor, einsum


class PositionalEncoding(nn.Module):
    def __init__(self, d_model: int, max_len: int = 64):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.pe[: x.size(1), 0]


class Attention(nn.Module):
    def __init__(self, dim, heads=2, dim_head=8):
        super().__init__()
        self.heads, self.scale = heads, dim_head**-0.5
        self.norm = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, heads * dim_head * 3, bias=False)
        self.to_out = nn.Linear(heads * dim_head, dim)

    def forward(self, x, mask=None):
        b, n, _ = x.shape
        qkv = self.to_qkv(self.norm(x)).chunk(3, dim=-1)
        q, k, v = (each.reshape(b, n, self.heads, -1).permute(0, 2, 1, 3) for each in qkv)
        dots = einsum("b h i d, b h j d -> b h i j", q, k) * self.scale
        if mask is not None:
            dots = dots.masked_fill(~mask[:, None, None, :], -torch.finfo(dots.dtype).max)
        out = torch.einsum("bhij,bhjd->bhid", dots.softmax(dim=-1), v)
        return self.to_out(out.transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    def __init__(self, tokens=10, dim=16, depth=2):
        super().__init__()
        self.embed, self.position = nn.Embedding(tokens, dim), PositionalEncoding(dim)
        self.layers = nn.ModuleList([])
        for _ in range(depth):
            feed = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
            self.layers.append(nn.ModuleList([Attention(dim), feed]))
        self.to_logits = nn.Linear(dim, tokens)

    def forward(self, x, mask):
        x = self.position(self.embed(x))
        for attn, ff in self.layers:
            x = attn(x, mask=mask) + x
            x = ff(x) + x
        return self.to_logits(x)


numbers = (torch.arange(16)[:, None] * torch.arange(1, 9) * 7 + torch.arange(16)[:, None]) % 9 + 1
mask = torch.ones_like(numbers, dtype=torch.bool)
mask[::4, 6:] = False
model = Transformer()
optim = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
losses = []
for _ in range(25):
    logits = model(numbers, mask)
    loss = nn.functional.cross_entropy(logits[mask], numbers.flip(1)[mask])
    optim.zero_grad()
    loss.backward()
    optim.step()
    losses.append(loss.item())
assert "position.pe" not in model.state_dict()
print(losses[-1])
