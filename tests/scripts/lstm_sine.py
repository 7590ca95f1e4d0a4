"""A recurrent network that continues a wave, its state carried by hand."""

import numpy as np
import torch
import torch.nn as nn


class Forecaster(nn.Module):
    def __init__(self, hidden_size=12, num_layers=2):
        super(Forecaster, self).__init__()
        self.hidden_size, self.num_layers = hidden_size, num_layers
        self.lstm = nn.LSTM(1, hidden_size, num_layers, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def init_hidden(self, batch):
        weight = next(self.parameters()).data
        shape = self.num_layers, batch, self.hidden_size
        return weight.new(*shape).zero_(), weight.new(*shape).zero_()

    def forward(self, x, hidden):
        out, hidden = self.lstm(x, hidden)
        return self.head(out), hidden


t = np.linspace(0, 8 * np.pi, 161, dtype=np.float32)
waves = np.stack([np.sin(t + phase) for phase in (0.0, 1.0, 2.0)])
series = torch.from_numpy(waves).unsqueeze(-1)
model = Forecaster()
criterion, optimizer = nn.MSELoss(), torch.optim.RMSprop(model.parameters(), lr=5e-3)
losses = []
for epoch in range(3):
    hidden = model.init_hidden(series.size(0))
    for start in range(0, 160, 20):
        hidden = tuple(h.detach() for h in hidden)
        out, hidden = model(series[:, start : start + 20], hidden)
        loss = criterion(out, series[:, start + 1 : start + 21])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
with torch.no_grad():
    value, hidden = series[:, -1:], model.init_hidden(3)
    for _ in range(5):
        value, hidden = model(value, hidden)
print("ahead:", value.flatten().shape)
