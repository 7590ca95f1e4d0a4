r"""
From regression to networks
===========================

All of supervised learning in one shape: a function with parameters, a loss that says how wrong it is, and the loop of the last
chapter. This chapter goes from a straight line to a convolutional network on handwritten digits.
"""

# %%
# Linear regression
# -----------------
#
# One layer, ``nn.Linear``, and the mean squared error. The loop has four lines that every loop has: clear the grads, compute
# the loss, walk back, take a step.

import matplotlib.pyplot as plt

import lineal as torch
from lineal import nn, optim
from lineal.data import DataLoader, TensorDataset, digits
from lineal.nn import functional as F

plt.style.use("tableau-colorblind10")
torch.manual_seed(0)

true_weight, true_bias = torch.tensor([2.0, -3.4]), 4.2
features = torch.randn(1000, 2)
targets = features @ true_weight + true_bias + 0.01 * torch.randn(1000)

model = nn.Linear(2, 1)
optimizer = optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    for x, y in DataLoader(TensorDataset(features, targets), batch_size=20, shuffle=True):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x)[:, 0], y)
        loss.backward()
        optimizer.step()
print("weight", model.weight.data, "bias", model.bias.data)

# %%
# Softmax: scores become chances
# ------------------------------
#
# A classifier gives a score for each class. ``softmax`` makes chances of them, positive and of sum one; the loss is minus
# the logarithm of the chance of the right class. ``cross_entropy`` does both at once, from the scores, and does not
# overflow.

scores = torch.tensor([1.0, 2.0, 4.0])
print("softmax:", scores.softmax(0), " loss if the last is right:", F.cross_entropy(scores, torch.tensor(2)))
print(
    "softmax by hand of large scores:",
    torch.exp(100 * scores) / torch.exp(100 * scores).sum(),
    " by softmax:",
    (100 * scores).softmax(0),
)


def train(model, epochs, rate):
    """Train on the digits with Adam; return the share of test images that is right after every epoch."""
    optimizer = optim.Adam(model.parameters(), lr=rate)

    @torch.compile
    def step(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    right = []
    for _ in range(epochs):
        model.train()
        for images, labels in DataLoader(training, batch_size=64, shuffle=True, drop_last=True):
            step(images, labels)
        model.eval()
        with torch.no_grad():
            right.append((model(test.tensors[0]).argmax(1) == test.tensors[1]).float().mean().item())
    return right


training, test = digits()
print(len(training), "images to learn from,", len(test), "to test,", list(training.tensors[0].shape[1:]), "pixels each")

# %%
# Three networks
# --------------
#
# Softmax regression is one linear layer. A multilayer perceptron (MLP) has a layer and an activation before it: without the
# activation two linear layers would be one. A convolutional network slides small filters over the image, so that an edge is
# an edge wherever it stands. ``torch.compile`` turns the whole step into one native program.

networks = {
    "softmax regression": nn.Sequential(nn.Flatten(), nn.Linear(64, 10)),
    "MLP": nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)),
    "CNN": nn.Sequential(
        nn.Unflatten(1, (1, 8)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)
    ),
}
curves = {name: train(network, 25, 3e-3) for name, network in networks.items()}

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for (name, curve), marker in zip(curves.items(), "os^"):
    size = sum(parameter.numel() for parameter in networks[name].parameters())
    ax.plot(curve, marker + "-", ms=4, label=f"{name}, {size} parameters")
    print(f"{name:20} {curve[-1]:.1%} of the test images right")
ax.set(xlabel="epoch", ylabel="right on the test images", ylim=(0.8, 1))
ax.legend()
figure.set_label(
    "Share of test images that are right over 25 epochs, for softmax regression, an MLP and a CNN; all rise above 90 %."
)
plt.show()

# %%
# What the filters look for
# -------------------------
#
# A filter gives a large number where the image looks like it. Below are the sixteen filters of the first layer, and where
# the six that one image excites most find what they look for.

cnn = networks["CNN"]
filters = cnn[1].weight.detach()[:, 0]
image = test.tensors[0][:1]
with torch.no_grad():
    seen = cnn[:3](image)[0]

figure, grid = plt.subplots(2, 13, figsize=(11, 2.2), layout="constrained")
for ax in grid.flat:
    ax.set(xticks=[], yticks=[])
    ax.set_frame_on(False)
for ax, one in zip([*grid[0, :8], *grid[1, :8]], filters):
    ax.imshow(one, cmap="PuOr", vmin=-filters.abs().max(), vmax=filters.abs().max())
grid[0, 9].imshow(image[0], cmap="gray")
grid[0, 9].set_title("image", fontsize=9)
strongest = seen.flatten(1).sum(1).argsort(descending=True)[:6].tolist()
for ax, index in zip([*grid[0, 10:], *grid[1, 10:]], strongest):
    ax.imshow(seen[index], cmap="viridis")
    ax.set_title(f"filter {index}", fontsize=9)
figure.set_label(
    "Sixteen filters of 3 by 3 weights; a digit; and where the six filters that it excites most find what they look for."
)
plt.show()

# %%
# Freezing layers
# ---------------
#
# A network that has learned one thing can be taught another by its last layer alone. Parameters with ``requires_grad`` false
# are frozen: no grad is computed for them, and the optimizer leaves them alone.

for parameter in cnn[1].parameters():
    parameter.requires_grad = False
before = cnn[1].weight.clone()
optimizer = optim.SGD([parameter for parameter in cnn.parameters() if parameter.requires_grad], lr=0.1)
F.cross_entropy(cnn(test.tensors[0]), test.tensors[1]).backward()
optimizer.step()
print("the frozen filters are as they were:", torch.equal(before, cnn[1].weight))
