"""A program: a trace made executable, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base import tree
from lineal.compiler.trace import Trace
from lineal.core import AbstractTensor, Op, lift, memory_of
from lineal.core.op import next_id
from lineal.tracing import Var

__all__ = ["Program"]


class Program:
    def __init__(self, trace: Trace, args: tuple, kwargs: dict):
        self.trace = trace
        if trace.differentiable:
            raise NotImplementedError("results that backward may be called on")

    def attempt(self, args: tuple) -> tuple[bool, Any]:
        return False, None

    def __call__(self, args: tuple, kwargs: dict) -> Any:
        t = self.trace
        env: dict[Var, np.ndarray] = dict(t.literals)
        tensors = [x for x in tree.leaves((args, kwargs)) if isinstance(x, AbstractTensor)]
        for var, x in zip(t.inputs, tensors):
            env[var] = x.value
        for var, x in t.captured.items():
            env[var] = x.value
        for var, (holder, key) in t.live.items():
            env[var] = np.array(holder[key])
        with np.errstate(all="ignore"):
            for eq in t.equations:
                ys = eq.op.run(tuple(lift(env[v]) for v in eq.inputs))
                if not isinstance(ys, tuple):
                    ys = (ys,)
                for v, y in zip(eq.outputs, ys):
                    env[v] = np.asarray(y)
        new = [(x, env[v].copy()) for x, v in t.writes]
        grads = [(leaf, lift(env[v])) for leaf, v in t.grads]
        result = tree.transform(lambda each: lift(env[each]) if isinstance(each, Var) else each, t.result)
        for x, value in new:
            np.copyto(x.value, value)
        for leaf, g in grads:
            leaf.grad = g
        return result
