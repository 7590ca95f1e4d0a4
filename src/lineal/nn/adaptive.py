"""A softmax over many classes in clusters by frequency: rare classes cost little."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from lineal.base import dtypes
from lineal.base.signatures import Device, DType
from lineal.nn import functional
from lineal.nn.containers import ModuleList, Sequential
from lineal.nn.linear import Linear
from lineal.nn.module import Module
from lineal.ops import cat, where, zeros_like
from lineal.tensors import Tensor


class _ASMoutput(NamedTuple):
    """The log probability of each target, and minus their mean."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """The log probabilities of targets and their mean: frequent classes in the head, each cluster of rare ones in a tail.

    Class indices are sorted by falling frequency; `cutoffs` are where clusters begin. The tail i projects to
    in_features / div_value^(i+1) features first.   Grave et al. (2017), arXiv:1609.04309.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Device | None = None,
        dtype: DType | None = None,
    ):
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs or cutoffs != sorted({int(each) for each in cutoffs}) or not 0 < cutoffs[0] <= cutoffs[-1] < n_classes:
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                f"order, where each value is between 1 and n_classes-1; got {cutoffs} for {n_classes} classes"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, device=device, dtype=dtype)
        self.tail = ModuleList()
        for place, (start, stop) in enumerate(pairwise(self.cutoffs), 1):
            hidden = int(in_features // div_value**place)
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, device=device, dtype=dtype),
                    Linear(hidden, stop - start, bias=False, device=device, dtype=dtype),
                )
            )

    def reset_parameters(self) -> None:
        """Draw new starting values."""
        self.head.reset_parameters()
        for tail in self.tail:
            for layer in tail.children():
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        if target_.ndim > 1:
            raise RuntimeError("AdaptiveLogSoftmaxWithLoss: 0D or 1D target tensor expected, multi-target not supported")
        if input_.ndim != target_.ndim + 1 or input_.shape[:-1] != target_.shape:
            raise RuntimeError(
                f"AdaptiveLogSoftmaxWithLoss: Input and target should have the same size in the batch dimension, "
                f"got shapes {list(input_.shape)} and {list(target_.shape)}"
            )
        x, target = (input_, target_) if target_.ndim else (input_.unsqueeze(0), target_.unsqueeze(0))
        target = target.to(dtypes.int64)
        if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < self.n_classes:
            raise RuntimeError(
                f"AdaptiveLogSoftmaxWithLoss: Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{int(target.min())}, {int(target.max())}] were found."
            )
        output = self._log_likelihood_(x, target)
        loss = (-output).mean()
        return _ASMoutput(output if target_.ndim else output.squeeze(0), loss)

    def _log_likelihood_(self, x: Tensor, target: Tensor) -> Tensor:
        """Return the log probability of each target."""
        head = functional.log_softmax(self.head(x), 1)
        place, within = target, zeros_like(head[:, 0])
        for number, (start, stop) in enumerate(pairwise(self.cutoffs)):
            rows = ((target >= start) & (target < stop)).nonzero().squeeze(1)
            if not rows.numel():
                continue
            tail = functional.log_softmax(self.tail[number](x.index_select(0, rows)), 1)
            chosen = tail.gather(1, (target[rows] - start).unsqueeze(1)).squeeze(1)
            within = within.index_add(0, rows, chosen)
            place = where((target >= start) & (target < stop), self.shortlist_size + number, place)
        return within + head.gather(1, place.unsqueeze(1)).squeeze(1)

    def log_prob(self, input: Tensor) -> Tensor:
        """Return the log probabilities of all classes, (N, n_classes)."""
        head = functional.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for number, tail in enumerate(self.tail, self.shortlist_size):
            parts.append(functional.log_softmax(tail(input), 1) + head[:, number].unsqueeze(1))
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """Return the most probable class of each example; a cluster is looked into only where the head chose one."""
        chosen = self.head(input).argmax(1)
        rare = chosen >= self.shortlist_size
        return where(rare, self.log_prob(input).argmax(1), chosen) if bool(rare.any()) else chosen
