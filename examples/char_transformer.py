"""A small language model: a transformer that writes like Python's own help pages, letter by letter.

Run it: python examples/char_transformer.py [picture.png]
"""

import importlib.util
import math
import sys
from pydoc_data.topics import topics

import lineal as torch
from lineal import nn, optim
from lineal.nn import functional as F

CONTEXT, WIDTH, HEADS, LAYERS, BATCH = 64, 64, 4, 2, 32


def read():
    """Return the text, its letters, and the text as numbers: what part of it is trained on, and what is not."""
    lines = "\n".join(topics[name] for name in sorted(topics)).encode("ascii", "ignore").decode().splitlines()
    text = "\n".join(line for line in lines if not set(line) & set("=|+"))  # no tables
    letters = sorted(set(text))
    places = {letter: place for place, letter in enumerate(letters)}
    numbers = torch.tensor([places[letter] for letter in text[:200_000]])
    return letters, numbers[:180_000], numbers[180_000:]


class Block(nn.Module):
    """Attention to what came before, then a perceptron, each added to what it was given (Vaswani et al. 2017)."""

    def __init__(self):
        super().__init__()
        self.before_attention, self.before_perceptron = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.queries_keys_values, self.joined = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.perceptron = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        batch, length, _ = x.shape
        parts = self.queries_keys_values(self.before_attention(x)).view(batch, length, 3, HEADS, WIDTH // HEADS)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.joined(attended.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.perceptron(self.before_perceptron(x))


class Writer(nn.Module):
    """Scores of the next letter, for each place of a text."""

    def __init__(self, letters):
        super().__init__()
        self.letter, self.place = nn.Embedding(letters, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.scores = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, letters))

    def forward(self, numbers):
        places = torch.arange(numbers.shape[1])
        return self.scores(self.blocks(self.letter(numbers) + self.place(places)))


def loss_of(model, windows):
    """Return the mean of -log p of each letter of (n, CONTEXT + 1) but the first, given those before it."""
    return F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def train(model, numbers, steps, compiled):
    """Train on windows at random places; return the losses."""
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, cycle_momentum=False)

    def step(windows):
        optimizer.zero_grad()
        loss = loss_of(model, windows)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    step = torch.compile(step) if compiled else step
    losses = []
    for _ in range(steps):
        starts = torch.randint(0, len(numbers) - CONTEXT, (BATCH, 1))
        losses.append(step(numbers[starts + torch.arange(CONTEXT + 1)]).item())
        schedule.step()
    return losses


@torch.no_grad()
def write(model, letters, count):
    """Return a text that the model goes on with, each letter drawn by the chance that it gives it."""
    numbers = torch.tensor([[letters.index(letter) for letter in "The "]])
    for _ in range(count):
        chances = torch.softmax(model(numbers[:, -CONTEXT:])[0, -1] / 0.8, 0)
        numbers = torch.cat([numbers, torch.multinomial(chances, 1)[None]], 1)
    return "".join(letters[number] for number in numbers[0].tolist())


def main(path=None, steps=600, compiled=True):
    """Train, print the loss on text not trained on and a text of the model's own; return them. Draw a picture if asked to."""
    torch.manual_seed(0)
    letters, training, test = read()
    model = Writer(len(letters))
    losses = train(model, training, steps, compiled)
    windows = test[: len(test) // (CONTEXT + 1) * (CONTEXT + 1)].view(-1, CONTEXT + 1)
    with torch.no_grad():
        bits = loss_of(model, windows).item() / math.log(2)
    sample = write(model, letters, 160)
    print(f"{len(letters)} letters, loss {losses[0]:.2f} → {losses[-1]:.2f}; {bits:.2f} bits a letter of text not seen before")
    print(" ".join(sample.split()))
    if path and importlib.util.find_spec("matplotlib"):
        figure = importlib.import_module("matplotlib.figure").Figure(figsize=(6, 3), layout="constrained")
        ax = figure.subplots()
        ax.plot(losses, linewidth=0.7)
        ax.set(xlabel="step", ylabel="loss", title="nats a letter")
        figure.savefig(path)
    return {"losses": losses, "bits": bits, "sample": sample}


if __name__ == "__main__":
    main(*sys.argv[1:])
