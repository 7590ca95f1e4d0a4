"""A multilayer perceptron on handwritten digits from tensors alone.

Run it: python examples/mlp_scratch.py
"""

from itertools import pairwise

import lineal as torch
from lineal.data import digits

SIZES = (64, 96, 10)
EPOCHS, BATCH, RATE = 25, 64, 0.2


def relu(x):
    """Return x where it is positive, and 0 elsewhere."""
    return torch.max(x, torch.zeros_like(x))


def made(fan_in, fan_out):
    """Return a layer's weight and bias; the weight is small enough that signals keep their size (He et al. 2015)."""
    weight = torch.zeros(fan_in, fan_out).normal_(std=(2 / fan_in) ** 0.5)
    return weight.requires_grad_(True), torch.zeros(fan_out, requires_grad=True)


def forward(layers, images):
    """Return ten scores for each image."""
    h = images.reshape(len(images), -1)
    for W, b in layers[:-1]:
        h = relu(h @ W + b)
    W, b = layers[-1]
    return h @ W + b


def negative_log_likelihood(scores, labels):
    """Return the mean cross-entropy of the softmax of the scores."""
    # log softmax in one piece: the probability itself may be too small for float32, its logarithm is not.
    logs = scores - torch.logsumexp(scores, dim=1, keepdim=True)
    return -logs.gather(1, labels[:, None]).mean()


def epoch(layers, images, labels):
    """Go through all images once, in random order, with a step after each batch."""
    for chosen in torch.split(torch.randperm(len(labels)), BATCH):
        negative_log_likelihood(forward(layers, images[chosen]), labels[chosen]).backward()
        with torch.no_grad():
            for parameter in (each for layer in layers for each in layer):
                parameter -= RATE * parameter.grad
                parameter.grad = None


def main():
    """Train, print the loss and the accuracy on digits not trained on, and return them."""
    torch.manual_seed(0)
    training, test = (part.tensors for part in digits())
    layers = [made(fan_in, fan_out) for fan_in, fan_out in pairwise(SIZES)]
    for _ in range(EPOCHS):
        epoch(layers, *training)

    images, labels = test
    with torch.no_grad():
        scores = forward(layers, images)
        loss = negative_log_likelihood(scores, labels)
    result = {"loss": loss.item(), "accuracy": (scores.argmax(dim=1) == labels).float().mean().item()}
    print(f"perceptron from scratch: test loss {result['loss']:.3f}, accuracy {result['accuracy']:.3f}")
    return result


if __name__ == "__main__":
    main()
