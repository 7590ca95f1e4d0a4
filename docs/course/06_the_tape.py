r"""
The tape, drawn while it is recorded
====================================

Reverse mode needs two passes. On the way forward each op writes down what it did: a node, with arrows to the nodes of its
inputs. This is called the *tape*, or the graph. On the way back the chain rule is applied node by node, from the result to the
leaves. This chapter draws the tape as it grows, then walks it back by hand.
"""

# %%
# Four ops, four pictures
# -----------------------
#
# ``grad_fn`` is the node that made a tensor; ``next_functions`` are those it leads to.

import matplotlib.pyplot as plt

import lineal as torch

plt.style.use("tableau-colorblind10")


def nodes(result):
    """Return the nodes of a result by their distance from it: rows of nodes, and the arrows between."""
    rows, arrows, row = [], [], [result.grad_fn]
    while row:
        rows.append(row)
        row = []
        for node in rows[-1]:
            for following, _ in node.next_functions:
                if following is not None:
                    arrows.append((node, following))
                    if following not in row:
                        row.append(following)
    return rows, arrows


def draw(ax, result, title):
    """Draw the tape of a result into the axes, the result on top."""
    rows, arrows = nodes(result)
    places = {}
    for depth, row in enumerate(rows):
        for number, node in enumerate(row):
            places[node] = ((number + 1) / (len(row) + 1), -depth)
    for start, end in arrows:
        (x0, y0), (x1, y1) = places[start], places[end]
        ax.annotate("", (x1, y1 + 0.2), (x0, y0 - 0.2), arrowprops={"arrowstyle": "->", "color": "gray"})
    for node, (x, y) in places.items():
        leaf = node.name() == "torch::autograd::AccumulateGrad"
        name = "leaf" if leaf else node.name().removesuffix("Backward0")
        box = {"boxstyle": "round", "facecolor": "#FFBC79" if leaf else "#A2C8EC", "edgecolor": "none"}
        ax.text(x, y, name, ha="center", va="center", bbox=box)
    ax.set(xlim=(0, 1), ylim=(-4.6, 0.6), title=title)
    ax.axis("off")


x = torch.tensor(2.0, requires_grad=True)
w = torch.tensor(3.0, requires_grad=True)

figure, axes = plt.subplots(1, 4, figsize=(10, 4.2), layout="constrained")
product = w * x
draw(axes[0], product, "w · x")
shifted = product + x
draw(axes[1], shifted, "w · x + x")
bent = shifted.sin()
draw(axes[2], bent, "sin(w · x + x)")
loss = bent**2
draw(axes[3], loss, "sin(w · x + x)²")
figure.set_label(
    "Four pictures of a growing graph. First a node Mul above two leaves; then Add above it, which also leads to a leaf;"
    " then Sin on"
    " top of Add; then Pow on top of Sin."
)
plt.show()

# %%
# Nothing but the ops that ran is on the tape: a loop that turns three times leaves three turns, a branch that was not taken
# leaves nothing. That is why a function may use all of Python.
#
# Walking back by hand
# --------------------
#
# The chain rule: the derivative of the loss by an input of a node is the derivative by its output times the node's own.

d_loss = 1.0
d_bent = d_loss * 2 * bent.item()
d_shifted = d_bent * shifted.cos().item()
d_product = d_shifted * 1
d_w = d_product * x.item()
d_x = d_product * w.item() + d_shifted * 1  # x was used twice: what comes back adds up

loss.backward()
print(f"by hand  dw = {d_w:.6f}, dx = {d_x:.6f}")
print(f"by tape  dw = {w.grad:.6f}, dx = {x.grad:.6f}")

# %%
# Grads add up, so they must be set to zero
# -----------------------------------------
#
# ``backward`` *adds* to ``.grad``. A second backward pass doubles what the first has left, unless somebody clears it:
# ``optimizer.zero_grad()`` in a loop of training, or ``x.grad = None``.

a = torch.tensor(1.0, requires_grad=True)
seen = []
for _ in range(3):
    (a**2).backward()
    seen.append(a.grad.item())
print("three passes without clearing:", seen)
a.grad = None
(a**2).backward()
print("after clearing:", a.grad.item())

# %%
# What is not recorded
# --------------------
#
# ``detach`` gives the number without its past; under ``no_grad`` nothing is written down, which saves memory where no
# derivative is wanted; a parameter with ``requires_grad=False`` is frozen: the tape does not lead to it.

with torch.no_grad():
    silent = w * x
print("under no_grad:", silent.requires_grad, " detached:", (w * x).detach().requires_grad)

# %%
# Why backwards?
# --------------
#
# With n inputs and one result, walking back costs a small multiple of the way forward, whatever n is. Going forwards, one
# direction at a time, would take n runs. With one input and many results it is the other way round: ``func.jvp``.

from lineal import func

value, speed = func.jvp(lambda t: torch.stack([t.cos(), t.sin()]), (torch.tensor(0.5),), (torch.tensor(1.0),))
print("a point on the circle", value, "and its velocity", speed)

# %%
# Gradients that vanish
# ---------------------
#
# Walking back through many layers multiplies many factors. The slope of a sigmoid is at most 1/4: after twenty of them
# hardly anything is left. That of a ReLU is 1 where it passes.

depths = range(1, 21)
left = {"sigmoid": [], "tanh": [], "relu": []}
for name, rates in left.items():
    for depth in depths:
        start = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        h = start
        for _ in range(depth):
            h = getattr(torch, name)(h)
        h.backward()
        rates.append(start.grad.item())

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for (name, rates), marker in zip(left.items(), "os^"):
    ax.semilogy(depths, rates, marker + "-", ms=4, label=name)
ax.set(xlabel="activations one after another", ylabel="derivative by the first input", xticks=[1, 5, 10, 15, 20])
ax.legend()
figure.set_label("The derivative through 1 to 20 activations: sigmoid falls to 1e-13, tanh slowly, ReLU stays at one.")
plt.show()
