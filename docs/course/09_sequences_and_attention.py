r"""
Sequences: a recurrent network and an attention map
===================================================

A sentence, a melody, a series of measurements: what comes next depends on what was before. A recurrent network carries a
memory from step to step. Attention looks back at all steps at once and says where it looks.
"""

# %%
# A memory that is carried along
# ------------------------------
#
# At each step a recurrent net makes a new state of the old one and of the input,
# :math:`h_t = \tanh(W x_t + U h_{t-1} + b)`. A GRU adds gates that say how much of the old state is kept, so that gradients
# survive many steps. Here one predicts the next value of two mixed waves, after ten values to find its place.

import matplotlib.pyplot as plt

import lineal as torch
from lineal import nn, optim
from lineal.nn import functional as F

plt.style.use("tableau-colorblind10")
torch.manual_seed(1)


class Forecast(nn.Module):
    """A GRU and a linear layer that reads the next value from its state."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 32, batch_first=True)
        self.read = nn.Linear(32, 1)

    def forward(self, series, state=None):
        states, state = self.gru(series, state)
        return self.read(states), state


time = torch.arange(0, 300) * 0.2
wave = (0.6 * time.sin() + 0.4 * (2.3 * time).sin())[:, None]
known, future = wave[:220], wave[220:]
windows = known.unfold(0, 61, 1)[::4].transpose(1, 2)  # 40 windows of 61 values

model = Forecast()
optimizer = optim.Adam(model.parameters(), lr=0.02)
schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 1000)


@torch.compile
def step(windows):
    optimizer.zero_grad()
    predicted, _ = model(windows[:, :-1])
    loss = F.mse_loss(predicted[:, 10:], windows[:, 11:])  # at first it cannot know where in the wave it is
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss


losses = []
for _ in range(1000):
    losses.append(step(windows).item())
    schedule.step()
print(f"loss at first {losses[0]:.4f}, at the end {losses[-1]:.1e}")

# %%
# To forecast, the net hears the known values, then its own predictions. Errors feed on themselves: the forecast is better at
# first than later.

with torch.no_grad():
    predicted, state = model(known[None])
    value, forecast = predicted[:, -1:], []
    for _ in range(len(future)):
        forecast.append(value.item())
        value, state = model(value, state)

figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(time[150:], wave[150:], color="gray", label="true")
ax.plot(time[220:], forecast, "--", color="C1", lw=2, label="forecast")
ax.axvline(time[220], color="black", lw=0.8)
ax.set_xlabel("time")
ax.legend(loc="upper left")
figure.set_label(
    "Two mixed waves; after a vertical line the forecast of the network lies on the true values, nearly so at the end."
)
plt.show()

# %%
# Where does it look?
# -------------------
#
# *Scaled dot-product attention* compares a query with the keys of all steps and mixes their values by how well they fit:
# :math:`\operatorname{softmax}(Q K^\top / \sqrt d)\, V`. The task here: a row of digits, one of them marked; say which digit
# it is. A layer of attention can only solve it by looking at the marked place.

steps, kinds, width = 10, 8, 16


def examples(count):
    """Return rows of digits with one place marked, one-hot with the mark as a last feature; the places; the right digits."""
    digits, places = torch.randint(0, kinds, (count, steps)), torch.randint(0, steps, (count,))
    marks = F.one_hot(places, steps).float()
    rows = torch.cat([F.one_hot(digits, kinds).float(), marks[:, :, None]], 2)
    return rows, places, digits[torch.arange(count), places]


class Look(nn.Module):
    """One query, learned, over the keys and values of all steps."""

    def __init__(self):
        super().__init__()
        self.query = nn.Parameter(torch.randn(1, width) * 0.3)
        self.keys, self.values = nn.Linear(kinds + 1, width), nn.Linear(kinds + 1, width)
        self.scores = nn.Linear(width, kinds)

    def weights(self, rows):
        return (self.query @ self.keys(rows).mT / width**0.5).softmax(-1)

    def forward(self, rows):
        return self.scores((self.weights(rows) @ self.values(rows))[:, 0])


look = Look()
optimizer = optim.Adam(look.parameters(), lr=0.02)


@torch.compile
def learn(rows, answers):
    optimizer.zero_grad()
    loss = F.cross_entropy(look(rows), answers)
    loss.backward()
    optimizer.step()
    return loss


for _ in range(300):
    rows, _, answers = examples(128)
    learn(rows, answers)

rows, places, answers = examples(12)
with torch.no_grad():
    weights = look.weights(rows)[:, 0]
    right = (look(rows).argmax(1) == answers).float().mean()
print(
    f"{right:.0%} right; the largest weight is at the marked place in", int((weights.argmax(1) == places).sum()), "of 12 rows"
)

figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
image = ax.imshow(weights, cmap="cividis", vmin=0, vmax=1)
ax.plot(places, range(12), "s", mfc="none", mec="red", ms=17, label="marked")
ax.set(xlabel="step looked at", ylabel="example", xticks=range(steps))
figure.colorbar(image, label="attention")
figure.set_label(
    "An attention map of twelve rows and ten steps: in each row the bright square lies in the frame of the marked step."
)
plt.show()

# %%
# A transformer asks such questions at every step, several at once (*heads*), without looking ahead: ``is_causal=True``
# leaves out what comes later. ``nn.MultiheadAttention`` and ``nn.TransformerEncoderLayer`` are made of it.

Q = torch.randn(1, 5, 8)
mixed = F.scaled_dot_product_attention(Q, Q, Q, is_causal=True)
print("the first step sees only itself:", torch.allclose(mixed[0, 0], Q[0, 0]))
