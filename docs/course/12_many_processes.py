r"""
Many processes, many machines
=============================

A network that takes a week on one machine takes less on eight: each works on its own part of every batch, and they agree on
the gradients. This chapter shows why that gives the same numbers, how the sum goes around a ring, what it can gain at most,
and then does it.
"""

# %%
# The gradient of a mean is the mean of gradients
# -----------------------------------------------
#
# The loss is a mean over samples. Cut the batch into equal shards, let each process compute the gradient of its shard, and
# take the mean: it is the gradient of the whole batch, but for the last digits.

import matplotlib.pyplot as plt

import lineal as torch
from lineal.nn import functional as F

plt.style.use("tableau-colorblind10")
torch.manual_seed(0)

w = torch.randn(5, dtype=torch.float64, requires_grad=True)
X, y = torch.randn(64, 5, dtype=torch.float64), torch.randn(64, dtype=torch.float64)


def gradient(X, y):
    (found,) = torch.autograd.grad(F.mse_loss(X @ w, y), w)
    return found


whole = gradient(X, y)
shards = torch.stack([gradient(Xs, ys) for Xs, ys in zip(X.chunk(4), y.chunk(4))])
print("largest difference:", (shards.mean(0) - whole).abs().max().item())

# %%
# Shards of unequal size need weights: a mean of means is not the mean.

uneven = [(X[:60], y[:60]), (X[60:], y[60:])]
plain = torch.stack([gradient(*shard) for shard in uneven]).mean(0)
weighted = sum(len(shard[1]) * gradient(*shard) for shard in uneven) / 64
print(f"plain mean off by {(plain - whole).abs().max():.2f}, weighted mean by {(weighted - whole).abs().max():.0e}")

# %%
# A sum that goes around a ring
# -----------------------------
#
# *All-reduce* gives every process the sum of what all have. Sending everything to one of them makes that one the bottleneck.
# In a ring each process cuts its data into p chunks and always sends one chunk to its neighbour: p - 1 rounds add up, p - 1
# more pass the sums on. Each process sends about twice its data, however many there are.

p = 4
held = [[{rank} for _ in range(p)] for rank in range(p)]  # whose parts each chunk holds so far
pictures = [[[len(chunk) for chunk in chunks] for chunks in held]]
for turn in range(2 * (p - 1)):
    sent = []
    for rank in range(p):
        chunk = (rank - turn) % p if turn < p - 1 else (rank + 1 - (turn - (p - 1))) % p
        sent.append((rank, chunk, set(held[rank][chunk])))
    for rank, chunk, content in sent:
        held[(rank + 1) % p][chunk] |= content
    pictures.append([[len(chunk) for chunk in chunks] for chunks in held])

figure, axes = plt.subplots(1, len(pictures), figsize=(11, 2), layout="constrained")
for turn, (ax, picture) in enumerate(zip(axes, pictures)):
    ax.imshow(picture, cmap="cividis", vmin=1, vmax=p)
    for row, counts in enumerate(picture):
        for column, count in enumerate(counts):
            ax.text(column, row, count, ha="center", va="center", color="black" if count > 2 else "white")
    ax.set(xticks=[], yticks=range(p) if turn == 0 else [], title="start" if turn == 0 else f"round {turn}")
axes[0].set_ylabel("process")
figure.set_label(
    "Seven tables of four processes and four chunks. A number says how many processes' parts a chunk holds: all one at "
    "the start; after"
    " three rounds each process has one complete chunk; after six all are complete."
)
plt.show()

# %%
# What can be gained
# ------------------
#
# If a share s of the work cannot be divided, p processes are at most :math:`1 / (s + (1 - s)/p)` times as fast (Amdahl,
# 1967): with five per cent left over, never more than twenty times.

processes = torch.logspace(0, 10, 50, base=2)
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for share, style in ((0.0, "-"), (0.01, "--"), (0.05, "-."), (0.2, ":")):
    ax.loglog(processes, 1 / (share + (1 - share) / processes), style, lw=2, base=2, label=f"{share:.0%} cannot be divided")
ax.set(xlabel="processes", ylabel="times as fast, at most")
ax.legend()
figure.set_label(
    "Greatest speed-up over the number of processes: a straight line if all can be divided, level at 100, 20 and 5 otherwise."
)
plt.show()

# %%
# Two processes that train together
# ---------------------------------
#
# ``lineal launch`` starts the processes of one machine, as ``torchrun`` does; with MPI the same program runs on several
# machines. ``DistributedDataParallel`` averages the gradients of all processes in each backward pass. Each process takes
# every second sample.

import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = """
import lineal as torch
import lineal.distributed as dist
from lineal import nn, optim
from lineal.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
torch.manual_seed(0)
X = torch.randn(64, 3)
y = X @ torch.tensor([[1.0], [-2.0], [0.5]])
model = DistributedDataParallel(nn.Linear(3, 1))
optimizer = optim.SGD(model.parameters(), lr=0.2)
for step in range(100):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(X[rank::size]), y[rank::size]).backward()
    optimizer.step()
mine = model.module.weight.detach().clone()
others = [torch.empty_like(mine) for _ in range(size)]
dist.all_gather(others, mine)
if rank == 0:
    print(size, "processes; weight", [round(each, 3) for each in mine[0].tolist()])
    print("the same bits everywhere:", all(torch.equal(mine, each) for each in others))
dist.destroy_process_group()
"""

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "train.py"
    path.write_text(PROGRAM)
    run = subprocess.run(
        [sys.executable, "-m", "lineal", "launch", "-n", "2", str(path)], capture_output=True, text=True, check=True
    )
print(run.stdout)
