"""A time series and what comes next: an LSTM forecasts a curve of two rhythms and noise, many steps ahead.

Run it: python examples/lstm_series.py [picture.png]
"""

import importlib.util
import sys

import numpy as np

import lineal as torch
from lineal import nn, optim
from lineal.nn import functional as F

LENGTH, SEEN, AHEAD, BATCH = 1400, 60, 24, 32


def series(seed=0):
    """Return a day's and a week's rhythm, the one within the other, with noise that lasts: float32 (LENGTH,)."""
    random, hours = np.random.default_rng(seed), np.arange(LENGTH)
    week = 1 + 0.5 * np.sin(2 * np.pi * hours / 168)
    noise = np.zeros(LENGTH)
    for hour in range(1, LENGTH):
        noise[hour] = 0.7 * noise[hour - 1] + 0.08 * random.standard_normal()
    return torch.from_numpy((week * np.sin(2 * np.pi * hours / 24) + noise).astype(np.float32))


class Forecast(nn.Module):
    """Reads what was seen and says the next AHEAD values, as changes to the last."""

    def __init__(self, width=32):
        super().__init__()
        self.lstm = nn.LSTM(1, width, batch_first=True)
        self.values = nn.Linear(width, AHEAD)

    def forward(self, seen):
        states, _ = self.lstm(seen[..., None])
        return seen[:, -1:] + self.values(states[:, -1])


def windows(values):
    """Return all stretches of SEEN + AHEAD values, as rows."""
    return values.unfold(0, SEEN + AHEAD, 1)


def train(model, rows, epochs, compiled):
    """Train on the rows in random order; return the mean loss of each epoch."""
    optimizer = optim.Adam(model.parameters(), lr=5e-3)

    def step(batch):
        optimizer.zero_grad()
        loss = F.mse_loss(model(batch[:, :SEEN]), batch[:, SEEN:])
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = torch.compile(step) if compiled else step
    history = []
    for _ in range(epochs):
        order = torch.randperm(len(rows))[: len(rows) // BATCH * BATCH].view(-1, BATCH)
        losses = [step(rows[places]).item() for places in order]
        history.append(sum(losses) / len(losses))
    return history


def draw(path, row, forecast):
    """Draw a stretch of the series and its forecast into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(8, 3), layout="constrained")
    ax = figure.subplots()
    ax.plot(range(SEEN), row[:SEEN].numpy(), label="seen")
    ax.plot(range(SEEN, SEEN + AHEAD), row[SEEN:].numpy(), "k", label="what came")
    ax.plot(range(SEEN, SEEN + AHEAD), forecast.numpy(), "--", label="forecast")
    ax.set(xlabel="hour")
    ax.legend(frameon=False)
    figure.savefig(path)


def main(path=None, epochs=15, compiled=True):
    """Train, print the error on the end of the series beside that of yesterday's values, and return both."""
    torch.manual_seed(0)
    values = series()
    training, test = windows(values[:1000]), windows(values[1000:])
    model = Forecast()
    history = train(model, training, epochs, compiled)
    with torch.no_grad():
        forecast = model(test[:, :SEEN])
    error = F.mse_loss(forecast, test[:, SEEN:]).sqrt().item()
    yesterday = F.mse_loss(test[:, SEEN - 24 : SEEN], test[:, SEEN:]).sqrt().item()
    print(f"loss {history[0]:.3f} → {history[-1]:.3f}")
    print(f"error {AHEAD} hours ahead: {error:.3f}; of yesterday's values {yesterday:.3f}")
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, test[100], forecast[100])
    return {"history": history, "error": error, "yesterday": yesterday}


if __name__ == "__main__":
    main(*sys.argv[1:])
