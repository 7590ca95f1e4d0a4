r"""
Number formats, mixed precision, and what it loses
==================================================

A floating-point number has a fixed number of digits, wherever its point stands. Fewer bits mean less memory and faster
products, and fewer digits. This chapter shows what is lost, where it hurts, and how mixed precision keeps it away from there.
"""

# %%
# How far apart the numbers are
# -----------------------------
#
# Near 1 the next number is ε away; near x about :math:`\varepsilon |x|`, down to the smallest *normal* number; below it
# digits are lost. bfloat16 has the range of float32 with the digits of a slide rule; float16 has three digits and ends at
# 65,504.

import matplotlib.pyplot as plt

import lineal as torch
from lineal import nn, optim
from lineal.nn import functional as F

plt.style.use("tableau-colorblind10")
formats = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
print(f"{'format':16} {'ε':>9} {'normal':>9} {'largest':>9}")
for dtype in formats:
    info = torch.finfo(dtype)
    print(f"{dtype!s:16} {info.eps:9.1e} {info.tiny:9.1e} {info.max:9.1e}")

x = torch.logspace(-6, 6, 400, dtype=torch.float64)
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for dtype, style in zip(formats[1:], ("-", "--", ":")):
    rounded = x.to(dtype).double()
    error = ((rounded - x) / x).abs().clamp(min=1e-9)
    error[rounded.isinf()] = torch.nan
    ax.loglog(x, error.unfold(0, 12, 1).amax(1).tolist() + [float("nan")] * 11, style, lw=2, label=str(dtype))
ax.set(xlabel="number", ylabel="largest relative error nearby")
ax.legend()
figure.set_label(
    "Relative rounding error over the size of a number: level lines for float32 and bfloat16; float16 is level in the "
    "middle, rises"
    " below 1e-4 and ends at 65504."
)
plt.show()

# %%
# Sums that stand still
# ---------------------
#
# Adding 1 again and again in bfloat16 ends at 256: the next number is 258, and 257 rounds back to 256. Sums therefore are
# kept in a wider format; ``sum`` does so by itself.

ones = torch.ones(1000, dtype=torch.bfloat16)
total = torch.zeros((), dtype=torch.bfloat16)
for one in ones:
    total = total + one
print("one by one:", total.item(), " by sum():", ones.sum().item())

# %%
# Differences of nearly equal numbers lose what the two have in common. The variance as "mean of squares minus square of the
# mean" is the usual example; ``var`` subtracts the mean first.

data = 1e4 + torch.tensor([1.0, 2.0, 3.0, 4.0])
print("mean(x²) - mean(x)²:", ((data**2).mean() - data.mean() ** 2).item(), " var:", data.var(correction=0).item())

# %%
# Underflow: gradients too small to be seen
# -----------------------------------------
#
# In float16, anything below 3e-8 rounds to zero, and many gradients are that small. ``GradScaler`` multiplies the loss by a
# large number, so that gradients are multiplied too, and divides before the optimizer steps. bfloat16 has the range of
# float32 and does not need it.

torch.manual_seed(0)
gradients = torch.exp(torch.randn(20_000) * 2.5 - 13)
lost = (gradients.half() == 0).float().mean()
kept = ((gradients * 2**16).half() == 0).float().mean()

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
bins = torch.logspace(-11, 2, 66)
ax.hist(gradients.numpy(), bins.numpy(), alpha=0.7, label=f"gradients: {lost:.0%} become zero")
ax.hist((gradients * 2**16).numpy(), bins.numpy(), alpha=0.7, label=f"scaled by 2¹⁶: {kept:.0%}")
ax.axvline(2**-25, color="black", ls="--", label="float16 rounds to zero below")
ax.set(xscale="log", xlabel="size", ylabel="count")
ax.legend(fontsize=8)
figure.set_label(
    "Two histograms of sizes of gradients on a logarithmic axis: a part of the first lies below float16's smallest "
    "number, the scaled ones do not."
)
plt.show()

# %%
# Mixed precision
# ---------------
#
# ``autocast`` multiplies matrices in bfloat16 and computes losses and the like in float32. The parameters, which take many
# tiny steps, stay in float32. Pure bfloat16 loses those steps: a weight of 1 cannot grow by less than 0.004.

inputs = torch.randn(512, 8)
targets = (inputs @ torch.randn(8, 1)).tanh()


def losses_of(kind, steps=1500):
    """Train the same network in float32, in bfloat16 throughout, or with autocast; return the loss at every step."""
    torch.manual_seed(5)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    dtype = torch.bfloat16 if kind == "bfloat16 throughout" else torch.float32
    model = model.to(dtype)
    optimizer = optim.SGD(model.parameters(), lr=0.2)
    x, y = inputs.to(dtype), targets.to(dtype)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        with torch.autocast("cpu", enabled=kind == "autocast"):
            loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            losses.append(F.mse_loss(model.float()(inputs), targets).item())
        model = model.to(dtype)
    return losses


curves = {kind: losses_of(kind) for kind in ("float32", "autocast", "bfloat16 throughout")}
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for (kind, losses), style in zip(curves.items(), ("-", "--", ":")):
    ax.semilogy(losses, style, lw=2, label=kind)
    print(f"{kind:20} loss {losses[-1]:.2e}")
ax.set(xlabel="step", ylabel="loss, computed in float32")
ax.legend()
figure.set_label("The loss over 1500 steps: float32 and autocast fall together, bfloat16 throughout stays above them.")
plt.show()

# %%
# Two equal numbers that are not
# ------------------------------
#
# 0.1 has no exact binary form. Compare computed numbers with a tolerance, never with ``==``.

a = torch.tensor(0.1, dtype=torch.float64) + 0.2
print("0.1 + 0.2 == 0.3:", bool(a == 0.3), " allclose:", torch.allclose(a, torch.tensor(0.3, dtype=torch.float64)))
