"""Softmax regression on handwritten digits with what `nn`, `optim` and `data` bring.

Run it: python examples/softmax_regression_concise.py
"""

import lineal as torch
from lineal import nn
from lineal.data import DataLoader, digits


def train(model, data, epochs=25, rate=0.5):
    """Change the model so that it fits the pairs (image, label)."""
    loader = DataLoader(data, batch_size=64, shuffle=True)
    criterion = nn.CrossEntropyLoss()  # it takes scores, and so needs no softmax in the model
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for _ in range(epochs):
        for images, labels in loader:
            loss = criterion(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def evaluate(model, data):
    """Return the mean loss and the accuracy over all pairs."""
    images, labels = data.tensors
    with torch.no_grad():
        scores = model(images)
        loss = nn.functional.cross_entropy(scores, labels)
    return {"loss": loss.item(), "accuracy": (scores.argmax(dim=1) == labels).float().mean().item()}


def main():
    """Train, print the loss and the accuracy on digits not trained on, and return them."""
    torch.manual_seed(0)
    training, test = digits()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    train(model, training)
    result = evaluate(model, test)
    print(f"softmax regression with nn: test loss {result['loss']:.3f}, accuracy {result['accuracy']:.3f}")
    return result


if __name__ == "__main__":
    main()
