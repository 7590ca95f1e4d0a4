"""Premises and expectations: `replay` looks at them in every slice, and so has their batches."""

from __future__ import annotations

from lineal.ops.premise import Expectation, Premise
from lineal.transforms.batching.moving import pointwise
from lineal.transforms.batching.table import batches

__all__: list[str] = []

batches(Premise, Expectation)(pointwise)
