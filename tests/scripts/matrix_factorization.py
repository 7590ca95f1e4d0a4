"""Ratings from factors: embeddings, biases, a loss with penalties written out, arrays in and out."""

import numpy as np
import torch
from torch import nn


class MF(nn.Module):
    def __init__(self, num_users, num_items, emb_size=5):
        super(MF, self).__init__()
        self.user_emb, self.item_emb = nn.Embedding(num_users, emb_size), nn.Embedding(num_items, emb_size)
        self.user_bias, self.item_bias = nn.Embedding(num_users, 1), nn.Embedding(num_items, 1)
        self.offset = nn.ParameterList([nn.Parameter(torch.zeros(1))])
        self.user_emb.weight.data.uniform_(0, 0.5)
        self.item_emb.weight.data.uniform_(0, 0.5)

    def forward(self, u, v):
        dot = (self.user_emb(u) * self.item_emb(v)).sum(1)
        return dot + self.user_bias(u).squeeze(-1) + self.item_bias(v).squeeze(-1) + self.offset[0]


rng = np.random.RandomState(0)
users, items = rng.randint(0, 15, 200), rng.randint(0, 12, 200)
ratings = (np.sin(users) * np.cos(items) + 3).astype(np.float32)
u, v, r = torch.LongTensor(users), torch.LongTensor(items), torch.FloatTensor(ratings)
model = MF(15, 12)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
losses = []
for epoch in range(30):
    model.train()
    prediction = model(u, v)
    penalty = sum(p.pow(2).sum() for p in model.parameters())
    loss = nn.functional.mse_loss(prediction, r) + 1e-4 * penalty
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
model.eval()
error = np.abs(model(u, v).detach().cpu().numpy() - ratings).mean()
scores, best = model(torch.zeros(12, dtype=torch.int64), torch.arange(12)).topk(3)
print("mean error", float(error), "best for the first", best.tolist())
