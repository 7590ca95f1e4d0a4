"""Softmax regression on handwritten digits from tensors alone: no module, no optimizer, no ready-made loss.

Run it: python examples/softmax_regression_scratch.py
"""

import lineal as torch
from lineal.data import digits

PIXELS, CLASSES = 64, 10
EPOCHS, BATCH, RATE = 25, 64, 0.5


def softmax(scores):
    """Return the scores' exponentials as parts of their row's sum."""
    # The greatest score is taken off first: it cancels, but exp can then not overflow.
    raised = torch.exp(scores - scores.max(dim=1, keepdim=True).values)
    return raised / raised.sum(dim=1, keepdim=True)


def cross_entropy(probabilities, labels):
    """Return the mean of -log of the probability that each row gave to the true label."""
    rows = torch.arange(len(labels))
    return -torch.log(probabilities[rows, labels]).mean()


def batches(images, labels, size):
    """Yield the pairs in random order, `size` at a time."""
    order = torch.randperm(len(labels))
    for start in range(0, len(labels), size):
        chosen = order[start : start + size]
        yield images[chosen], labels[chosen]


def descend(parameters, rate):
    """Take one step against the gradients, and clear them."""
    with torch.no_grad():
        for each in parameters:
            each -= rate * each.grad
            each.grad.zero_()


def accuracy(probabilities, labels):
    """Return the part of the rows whose greatest probability is at the label."""
    return (probabilities.argmax(dim=1) == labels).float().mean().item()


def main():
    """Train, print the loss and the accuracy on digits not trained on, and return them."""
    torch.manual_seed(0)
    (train_images, train_labels), (test_images, test_labels) = (part.tensors for part in digits())
    train_images, test_images = train_images.reshape(-1, PIXELS), test_images.reshape(-1, PIXELS)
    W = (0.01 * torch.randn(PIXELS, CLASSES)).requires_grad_(True)
    b = torch.zeros(CLASSES, requires_grad=True)

    for _ in range(EPOCHS):
        for images, labels in batches(train_images, train_labels, BATCH):
            loss = cross_entropy(softmax(images @ W + b), labels)
            loss.backward()
            descend([W, b], RATE)

    with torch.no_grad():
        predicted = softmax(test_images @ W + b)
    result = {"loss": cross_entropy(predicted, test_labels).item(), "accuracy": accuracy(predicted, test_labels)}
    print(f"softmax regression from scratch: test loss {result['loss']:.3f}, accuracy {result['accuracy']:.3f}")
    return result


if __name__ == "__main__":
    main()
