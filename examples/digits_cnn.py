"""Handwritten digits by a convolutional network that sees each of them a little elsewhere every time.

Run it: python examples/digits_cnn.py [picture.png]
"""

import importlib.util
import sys

import lineal as torch
from lineal import nn, optim
from lineal.data import DataLoader, digits
from lineal.nn import functional as F


class Network(nn.Module):
    """Two blocks of convolutions between 8×8 pixels and ten scores."""

    def __init__(self, width=32):
        super().__init__()
        self.first = self.block(1, width)
        self.second = self.block(width, 2 * width)
        self.dropout = nn.Dropout(0.3)
        self.scores = nn.Linear(2 * width * 4, 10)

    def block(self, before, after):
        """Return a convolution that halves height and width."""
        convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, images):
        h = self.second(self.first(images[:, None]))
        return self.scores(self.dropout(h.flatten(1)))


def shifted(images):
    """Return the images moved by up to one pixel, all of a batch alike."""
    down, right = torch.randint(0, 3, (2,)).tolist()
    return F.pad(images, (1, 1, 1, 1))[:, down : down + 8, right : right + 8].contiguous()


def train(model, data, epochs, compiled):
    """Train the model on the pairs (image, label); return the mean loss of each epoch."""
    loader = DataLoader(data, batch_size=64, shuffle=True, drop_last=True)
    optimizer = optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)

    def step(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = torch.compile(step) if compiled else step
    history = []
    model.train()
    for _ in range(epochs):
        losses = [step(shifted(images), labels).item() for images, labels in loader]
        schedule.step()
        history.append(sum(losses) / len(losses))
    return history


def guesses(model, images):
    """Return the digit that the model takes each image for."""
    model.eval()
    with torch.no_grad():
        return model(images).argmax(dim=1)


def draw(path, history, images, labels, guessed):
    """Draw the losses, and the digits that are taken for others, into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.semilogy(range(1, len(history) + 1), history, marker=".")
    left.set(xlabel="epoch", title="loss")
    wrong = (guessed != labels).nonzero()[:6, 0].tolist()
    right.imshow(torch.cat([images[place] for place in wrong] or [images[0]], dim=1).numpy(), cmap="gray_r")
    names = ", ".join(f"{labels[place]} for {guessed[place]}" for place in wrong)
    right.set(title=f"taken wrongly: {names or 'none'}", xticks=[], yticks=[])
    figure.savefig(path)


def main(path=None, epochs=30, compiled=True):
    """Train, print the accuracy on digits not trained on, and return it; draw a picture if asked to."""
    torch.manual_seed(0)
    training, test = digits()
    model = Network()
    history = train(model, training, epochs, compiled)
    images, labels = test.tensors
    guessed = guesses(model, images)
    accuracy = (guessed == labels).float().mean().item()
    print(f"{sum(each.numel() for each in model.parameters())} parameters, loss {history[0]:.3f} → {history[-1]:.3f}")
    print(f"accuracy {accuracy:.4f} on {len(labels)} digits not seen before")
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, history, images, labels, guessed)
    return {"history": history, "accuracy": accuracy}


if __name__ == "__main__":
    main(*sys.argv[1:])
