"""Initialisation of every kind, counts of parameters, a loop of evaluation without gradients."""

import torch
import torch.nn as nn
import torch.nn.init as init
from torch.utils.data import DataLoader, TensorDataset


def weights_init(m):
    if isinstance(m, nn.Linear):
        init.xavier_uniform_(m.weight.data, gain=init.calculate_gain("relu"))
        init.constant_(m.bias.data, 0)
    elif isinstance(m, nn.Conv1d):
        init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        if m.bias is not None:
            init.zeros_(m.bias)
    elif isinstance(m, (nn.BatchNorm1d, nn.GroupNorm)):
        init.ones_(m.weight)
        init.zeros_(m.bias)


class SignalNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 6, kernel_size=3, padding=1),
            nn.BatchNorm1d(6),
            nn.ReLU(inplace=True),
            nn.MaxPool1d(2),
            nn.Conv1d(6, 8, kernel_size=3, padding=1),
            nn.GroupNorm(2, 8),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool1d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(p=0.2), nn.Linear(16, 3))
        self.apply(weights_init)

    def forward(self, x):
        return self.classifier(self.features(x))


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    hits = sum((model(x).argmax(dim=-1) == y).sum().item() for x, y in loader)
    return 100.0 * hits / len(loader.dataset)


time = torch.arange(32.0)
signals = torch.stack([torch.sin(time * (0.2 + 0.4 * (n % 3)) + n) for n in range(60)]).unsqueeze(1)
labels = torch.arange(60) % 3
training = DataLoader(TensorDataset(signals[:48], labels[:48]), batch_size=16, shuffle=True, drop_last=True)
testing = DataLoader(TensorDataset(signals[48:], labels[48:]), batch_size=6)
model = SignalNet()
total = sum(p.numel() for p in model.parameters() if p.requires_grad)
print(f"{total:,} parameters, {len(list(model.buffers()))} buffers")
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
losses = []
for epoch in range(8):
    model.train()
    running = 0.0
    for inputs, targets in training:
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(model(inputs), targets)
        loss.backward()
        optimizer.step()
        running += loss.item() * inputs.size(0)
    losses.append(running / 48)
print("accuracy", evaluate(model, testing))
