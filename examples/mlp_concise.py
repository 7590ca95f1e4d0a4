"""A multilayer perceptron on handwritten digits: a module of one's own, Adam, and dropout against overfitting.

Run it: python examples/mlp_concise.py
"""

import lineal as torch
from lineal import nn, optim
from lineal.data import DataLoader, digits


class Perceptron(nn.Module):
    """Two hidden layers between 8×8 pixels and ten scores."""

    def __init__(self, width=96):
        super().__init__()
        self.flatten = nn.Flatten()
        self.hidden = nn.Linear(64, width)
        self.deeper = nn.Linear(width, width)
        self.dropout = nn.Dropout(0.2)
        self.scores = nn.Linear(width, 10)

    def forward(self, images):
        h = torch.relu(self.hidden(self.flatten(images)))
        h = torch.relu(self.deeper(self.dropout(h)))
        return self.scores(self.dropout(h))


def train(model, data, epochs=20):
    """Train the model on the pairs (image, label) and return the mean loss of each epoch."""
    loader = DataLoader(data, batch_size=64, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    history = []
    model.train()
    for _ in range(epochs):
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        history.append(total / len(data))
    return history


def accuracy(model, data):
    """Return the part of the images that the model names rightly."""
    images, labels = data.tensors
    model.eval()  # dropout is for training only
    with torch.no_grad():
        return (model(images).argmax(dim=1) == labels).float().mean().item()


def main():
    """Train, print the losses and the accuracy on digits not trained on, and return them."""
    torch.manual_seed(0)
    training, test = digits()
    model = Perceptron()
    history = train(model, training)
    result = {"history": history, "accuracy": accuracy(model, test)}
    print(f"{sum(each.numel() for each in model.parameters())} parameters")
    print(f"loss {history[0]:.3f} in the first epoch, {history[-1]:.3f} in the last; accuracy {result['accuracy']:.3f}")
    return result


if __name__ == "__main__":
    main()
