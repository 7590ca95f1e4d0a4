"""The loss of a sequence of labels whose places in time are not known: connectionist temporal classification."""

from __future__ import annotations

from typing import Any

from lineal import ops
from lineal.base import dtypes
from lineal.base.signatures import Tensor
from lineal.core.calling import public
from lineal.nn.functional.reduction import REDUCTIONS

IMPOSSIBLE = -1e30
"""The log probability of what cannot be; unlike -inf, it has differences."""


@public
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return -log of the probability that the times of `log_probs` (T, N, C), or (T, C), spell the targets.

    A target of S labels is spelt by its labels in order, each for one time or more, with `blank` anywhere between, and at least
    once between equal ones. `targets` are (N, S) or all targets in a row; "mean" divides each loss by the length of its target
    first. A target that the times are too few for has the loss inf, or 0 with `zero_infinity`.   Graves et al. (2006), eq. 6.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction: expected one of {', '.join(REDUCTIONS)}")
    alone = log_probs.ndim == 2
    x = log_probs.unsqueeze(1) if alone else log_probs
    times, sizes = lengths("input_lengths", input_lengths, x), lengths("target_lengths", target_lengths, x)
    if not 0 <= blank < x.shape[-1]:
        raise RuntimeError(f"ctc_loss: blank must be in label range 0 to {x.shape[-1] - 1}, got {blank}")
    if any(each > x.shape[0] for each in times):
        raise RuntimeError(f"ctc_loss: Expected input_lengths to have value at most {x.shape[0]}, but got value {max(times)}")
    labels = padded(targets.unsqueeze(0) if alone and targets.ndim == 1 else targets, sizes)
    losses = aligned(x, labels, labels.new_tensor(times), sizes, blank)
    if zero_infinity:
        losses = ops.where(losses.isinf(), 0.0, losses)
    if reduction == "mean":
        shares = losses / losses.new_tensor([max(each, 1) for each in sizes])
        return shares.mean()
    return losses.sum() if reduction == "sum" else losses.squeeze(0) if alone else losses


def lengths(name: str, given: Any, x: Any) -> list[int]:
    """Return the lengths, one for each example, as numbers."""
    found = given.reshape(-1).tolist() if hasattr(given, "tolist") else list(given)
    if len(found) != x.shape[1]:
        raise RuntimeError(f"ctc_loss: {name} must be of size batch_size {x.shape[1]}, got {len(found)}")
    if any(each < 0 for each in found):
        raise RuntimeError(f"ctc_loss: Expected {name} to have value at least 0, but got value {min(found)}")
    return [int(each) for each in found]


def padded(targets: Any, sizes: list[int]) -> Any:
    """Return targets as int64 of shape (N, S), S the greatest of their sizes."""
    targets, longest = targets.to(dtypes.int64), max(sizes, default=0)
    if targets.ndim == 2:
        if targets.shape[1] < longest or targets.shape[0] != len(sizes):
            raise RuntimeError(
                f"ctc_loss: Expected tensor to have size at least {longest} at dimension 1 and {len(sizes)} at dimension 0, "
                f"but got size {list(targets.shape)} for targets"
            )
        return targets[:, :longest]
    if targets.ndim != 1 or targets.shape[0] != sum(sizes):
        raise RuntimeError(f"ctc_loss: expected targets (N, S) or {sum(sizes)} in a row, got shape {list(targets.shape)}")
    rows, start = [], 0
    for size in sizes:
        rows.append(ops.constant_pad_nd(targets[start : start + size], (0, longest - size), 0))
        start += size
    return ops.stack(rows) if rows else targets.reshape(0, 0)


def aligned(x: Any, labels: Any, times: Any, sizes: list[int], blank: int) -> Any:
    """Return the losses (N) of labels (N, S) under log probabilities (T, N, C), by the forward recursion."""
    n, longest = labels.shape
    between = ops.full((n, longest), blank, dtype=dtypes.int64)
    states = ops.cat([ops.stack([between, labels], 2).reshape(n, 2 * longest), ops.full((n, 1), blank, dtype=dtypes.int64)], 1)
    count = 2 * longest + 1
    emitted = x.gather(2, states.unsqueeze(0).expand(x.shape[0], n, count))
    # a label may follow another at once, unless they are equal
    before = ops.constant_pad_nd(states, (2, 0), blank)[:, :count]
    skips = (states != blank) & (states != before)
    sizes_of = times.new_tensor(sizes)
    first = (ops.arange(count) < 2) & (ops.arange(count) <= 2 * sizes_of.unsqueeze(1))
    # before the first time, the only state is the one before the first blank
    score = ops.where(first, emitted[0], IMPOSSIBLE) if x.shape[0] else emitted.new_full((n, count), IMPOSSIBLE)
    for time in range(1, x.shape[0]):
        one, two = (ops.constant_pad_nd(score, (by, 0), IMPOSSIBLE)[:, :count] for by in (1, 2))
        ways = ops.stack([score, one, ops.where(skips, two, IMPOSSIBLE)])
        score = ops.where((time < times).unsqueeze(1), ops.logsumexp(ways, 0) + emitted[time], score)
    last = score.gather(1, (2 * sizes_of).unsqueeze(1)).squeeze(1)
    label = score.gather(1, (2 * sizes_of - 1).clamp_min(0).unsqueeze(1)).squeeze(1)
    total = ops.where(sizes_of > 0, ops.logaddexp(last, label), last)
    # where there is no time, the empty target is certain
    certain = ops.where(sizes_of > 0, total.new_full((), IMPOSSIBLE), 0.0)
    total = ops.where(times > 0, total, certain)
    return ops.where(total > IMPOSSIBLE / 2, -total, float("inf"))
