"""Digits nobody wrote: a variational autoencoder finds two numbers for each image, and draws images of any two numbers.

Run it: python examples/vae_digits.py [picture.png]
"""

import importlib.util
import sys

import lineal as torch
from lineal import nn, optim
from lineal.data import DataLoader, digits
from lineal.nn import functional as F

LATENT = 2


class Autoencoder(nn.Module):
    """An image gives mean and spread of its place in the plane, a place gives an image (Kingma and Welling 2014)."""

    def __init__(self, width=128):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2 * LATENT))
        deeper = (nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 64))
        self.decoder = nn.Sequential(nn.Linear(LATENT, width), nn.ReLU(), *deeper)

    def forward(self, images):
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        place = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(place), mean, log_variance


def bound(model, images):
    """Return what is to become small: -log p of the pixels, and how far places are from a standard normal, in nats an image."""
    logits, mean, log_variance = model(images)
    pixels = F.binary_cross_entropy_with_logits(logits, images.flatten(1), reduction="sum")
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
    return (pixels + divergence) / len(images)


def train(model, data, epochs, compiled):
    """Train the model on the images; return the mean bound of each epoch."""
    loader = DataLoader(data, batch_size=64, shuffle=True, drop_last=True)
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)

    def step(images):
        optimizer.zero_grad()
        loss = bound(model, images)
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = torch.compile(step) if compiled else step
    history = []
    for _ in range(epochs):
        losses = [step(images).item() for images, _ in loader]
        schedule.step()
        history.append(sum(losses) / len(losses))
    return history


@torch.no_grad()
def draw(path, model, images, labels):
    """Draw images of places all over the plane, and the places of images, into a PNG file."""
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    count = 16
    quantiles = torch.special.ndtri(torch.linspace(0.02, 0.98, count))
    places = torch.stack(torch.meshgrid(-quantiles, quantiles, indexing="ij"), dim=-1).flip(-1)
    made = model.decoder(places.view(-1, LATENT)).sigmoid().view(count, count, 8, 8)
    left.imshow(made.permute(0, 2, 1, 3).reshape(8 * count, 8 * count).numpy(), cmap="gray_r")
    left.set(title="digits that nobody wrote", xticks=[], yticks=[])
    x, y = model.encoder(images)[:, :LATENT].T.numpy()
    points = right.scatter(x, y, c=labels.numpy(), s=4, cmap="tab10")
    right.set(title="the places of the digits")
    figure.colorbar(points, ax=right)
    figure.savefig(path)


def main(path=None, epochs=60, compiled=True):
    """Train, print the bound on digits not trained on and how often neighbours agree, and return both; draw if asked to."""
    torch.manual_seed(0)
    training, test = digits()
    model = Autoencoder()
    history = train(model, training, epochs, compiled)
    images, labels = training.tensors
    with torch.no_grad():
        unseen = bound(model, test.tensors[0]).item()
        places, known = (model.encoder(each)[:, :LATENT] for each in (test.tensors[0], images))
        nearest = torch.cdist(places, known).argmin(dim=1)
    agreed = (labels[nearest] == test.tensors[1]).float().mean().item()
    print(f"bound {history[0]:.2f} → {history[-1]:.2f} nats an image; {unseen:.2f} for images not seen before")
    print(f"{agreed:.1%} of these lie, of two numbers, nearest to an image of the same digit")
    if path and importlib.util.find_spec("matplotlib"):
        draw(path, model, images, labels)
    return {"history": history, "unseen": unseen, "agreed": agreed}


if __name__ == "__main__":
    main(*sys.argv[1:])
