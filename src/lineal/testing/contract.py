"""The contract of an op, checked from one sample: numbers, derivatives, `keeps`, batches, memory layouts, precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lineal.base import tree
from lineal.core import AbstractTensor, Op, gradients, lift
from lineal.core import apply as run
from lineal.testing.comparison import assert_close
from lineal.tracing import GraphRecorder, record, trace
from lineal.transforms.gradcheck import gradcheck, gradgradcheck
from lineal.transforms.vectorize import vmap

__all__ = ["Sample", "check_op"]


class Sample:
    """One call of an op: arguments (arrays become tensors, floating ones are differentiated), and what is known of it.

    `reference` is the same function of arrays. `derivative` says how often it can be differentiated (0, 1, 2). `batch`,
    `layouts`, `keeps` and `single` switch off clauses that make no sense: where the shape depends on the numbers, where the
    layout matters by definition, where an op refuses random cotangents, where there is no single precision. `of` makes of the
    results what is checked, where they are determined only up to a sign or a basis.
    """

    def __init__(
        self,
        *args: Any,
        reference: Callable[..., Any] | None = None,
        derivative: int = 2,
        batch: bool = True,
        single: bool = True,
        layouts: bool = True,
        keeps: bool = True,
        tolerance: float = 1e-9,
        of: Callable[..., Any] | None = None,
        **kwargs: Any,
    ):
        self.args = args
        self.kwargs = kwargs
        self.reference = reference
        self.derivative = derivative
        self.batch = batch
        self.single = single
        self.layouts = layouts
        self.keeps = keeps
        self.tolerance = tolerance
        self.of = of

    def arrays(self) -> list[np.ndarray]:
        """Return the arrays among the arguments, also those in lists."""
        return [each for each in tree.leaves(self.args) if isinstance(each, np.ndarray)]

    def call(self, function: Callable[..., Any], arrays: list[Any]) -> tuple:
        """Return the tensors that `function` makes with `arrays` in place of the sample's."""
        following = iter(arrays)
        args = tree.transform(lambda each: next(following) if isinstance(each, np.ndarray) else each, self.args)
        results = function(*args, **self.kwargs)
        if self.of is not None:
            results = self.of(*results)
        return tuple(each for each in tree.leaves(results) if isinstance(each, AbstractTensor))


def check_op(function: Callable[..., Any], sample: Sample) -> None:
    """Raise unless `function` keeps the contract on `sample`; the message names the clause."""
    clauses = [check_value, check_memory, check_replay]
    clauses += [check_first] if sample.derivative else []
    clauses += [check_second] if sample.derivative > 1 else []
    clauses += [check_keeps] if sample.derivative and sample.keeps else []
    clauses += [check_layouts] if sample.layouts else []
    clauses += [check_batch] if sample.batch else []
    clauses += [check_single] if sample.single else []
    for clause in clauses:
        try:
            clause(function, sample)
        except Exception as error:
            error.add_note(
                f"contract: {clause.__name__} of {getattr(function, '__name__', function)} on {sample.args} {sample.kwargs}"
            )
            raise


def constants(arrays: list[np.ndarray]) -> list[Any]:
    """Return copies of arrays as constants."""
    return [lift(np.array(each, order="K")) for each in arrays]


def variables(arrays: list[np.ndarray]) -> list[Any]:
    """Return copies of arrays as tensors, the floating ones requiring grad."""
    made = constants(arrays)
    return [x.requires_grad_() if x.value.dtype.kind in "fc" else x for x in made]


def check_value(function: Callable[..., Any], sample: Sample) -> None:
    """The numbers are those of the reference, in its shape; the inputs stay as they were."""
    xs = constants(sample.arrays())
    ys = sample.call(function, xs)
    for x, before in zip(xs, sample.arrays()):
        np.testing.assert_array_equal(x.value, before)
    if sample.reference is None:
        return
    following = iter(sample.arrays())
    args = tree.transform(lambda each: next(following) if isinstance(each, np.ndarray) else each, sample.args)
    expected = sample.reference(*args, **sample.kwargs)
    expected = expected if isinstance(expected, (tuple, list)) else (expected,)
    assert len(ys) == len(expected), f"{len(ys)} outputs, the reference has {len(expected)}"
    for y, each in zip(ys, expected):
        assert_close(y.value, np.asarray(each), rtol=sample.tolerance, atol=sample.tolerance, equal_nan=True, check_dtype=False)


def check_memory(function: Callable[..., Any], sample: Sample) -> None:
    """What is no view has memory of its own: a write to it must not reach an input."""

    class Listener(GraphRecorder):
        def record(self, op, xs, ys):
            if op.aliasing is None:
                shared = [x for x in xs for y in ys if np.shares_memory(x.value, y.value)]
                assert not shared, f"{op.key} gives its input's memory, and does not say that it is a view"

    record(Listener(), sample.call, function, variables(sample.arrays()))


def check_replay(function: Callable[..., Any], sample: Sample) -> None:
    """The recorded equations give the same numbers again."""
    ys, graph = trace(lambda *xs: sample.call(function, list(xs)), *constants(sample.arrays()))
    again = graph(*constants(sample.arrays()))
    for one, other in zip(again, ys):
        assert_close(one.detach(), other.detach(), rtol=0, atol=0, equal_nan=True)


def check_first(function: Callable[..., Any], sample: Sample) -> None:
    """The first derivatives are those of differences."""
    gradcheck(lambda *xs: sample.call(function, list(xs)), tuple(variables(sample.arrays())), check_grad_dtypes=True)


def check_second(function: Callable[..., Any], sample: Sample) -> None:
    """The second derivatives are those of differences of the first."""
    gradgradcheck(lambda *xs: sample.call(function, list(xs)), tuple(variables(sample.arrays())), atol=1e-4)


def check_keeps(function: Callable[..., Any], sample: Sample) -> None:
    """What an op does not say it keeps may be destroyed before the backward pass."""
    heard: list[tuple[Op, list[np.ndarray]]] = []

    class Listener(GraphRecorder):
        def record(self, op, xs, ys):
            heard.append((op, [np.array(x.value, order="K") for x in xs]))

    record(Listener(), sample.call, function, variables(sample.arrays()))
    for op, arrays in heard:
        if op.differentiable and op.aliasing is None and any(each.dtype.kind in "fc" for each in arrays):
            clean, poisoned = pulled(op, arrays, False), pulled(op, arrays, True)
            for one, other in zip(clean, poisoned):
                assert_close(
                    one, other, rtol=0, atol=0, equal_nan=True, msg=f"{op.key}: its derivative reads more than it keeps"
                )


def pulled(op: Op, arrays: list[np.ndarray], poison: bool) -> list[Any]:
    """Return the cotangents of one op's inputs; with `poison`, after what it does not keep was overwritten with NaN."""
    xs = variables(arrays)
    made = run(op, *xs)
    ys = [y for y in (made if isinstance(made, tuple) else (made,)) if y.node is not None]
    if not ys:
        return []
    plan = op.plan(tuple(x.node is not None for x in xs))
    if poison:
        unkept = [x for place, x in enumerate(xs) if place not in plan.inputs] + ([] if plan.output else ys)
        for each in unkept:
            if each.value.dtype.kind in "fc" and each.value.flags.writeable:
                each.value[...] = np.nan
    generator = np.random.default_rng(3)
    gs = [lift(np.asarray(generator.standard_normal(y.value.shape)).astype(y.value.dtype)) for y in ys]
    found = gradients(ys, [x for x in xs if x.node is not None], gs, None, False, True)
    return [None if g is None else g.value for g in found]


def strided(x: np.ndarray) -> np.ndarray:
    """Return an array with the same numbers, laid out backwards and with gaps."""
    if x.ndim == 0:
        return np.array(x)
    wide = np.zeros((*x.shape[::-1], 2), x.dtype)
    y = wide[..., 0].T
    y[...] = x
    return y


def check_layouts(function: Callable[..., Any], sample: Sample) -> None:
    """Numbers and derivatives do not depend on how the inputs lie in memory."""
    results = []
    for arrays in (sample.arrays(), [strided(each) for each in sample.arrays()]):
        xs = [lift(each) for each in arrays]
        xs = [x.requires_grad_() if x.value.dtype.kind in "fc" and sample.derivative else x for x in xs]
        ys = sample.call(function, xs)
        live = [y for y in ys if y.node is not None]
        gs = gradients(live, [x for x in xs if x.node is not None], [ones(y) for y in live], None, False, True) if live else ()
        results.append(([y.detach() for y in ys], list(gs)))
    assert_close(results[1], results[0], rtol=1e-10, atol=1e-10, equal_nan=True)


def ones(y: Any) -> Any:
    """Return a cotangent of ones."""
    return lift(np.ones_like(y.value))


def check_batch(function: Callable[..., Any], sample: Sample) -> None:
    """vmap over two copies, one of them turned around, gives what each gives alone."""
    arrays = sample.arrays()
    if not arrays or any(each.size == 0 for each in arrays):
        return
    pairs = [np.stack([each, each if each.dtype.kind in "iub" else each * 0.75]) for each in arrays]
    together = vmap(lambda *xs: sample.call(function, list(xs)))(*[lift(pair) for pair in pairs])
    for place in range(2):
        alone = sample.call(function, [lift(np.asarray(pair[place])) for pair in pairs])
        for y, each in zip(together, alone):
            assert_close(y[place], each, rtol=1e-9, atol=1e-9, equal_nan=True)


def check_single(function: Callable[..., Any], sample: Sample) -> None:
    """float32 inputs give about the same numbers, in single precision."""
    arrays = sample.arrays()
    narrow = [
        each.astype(np.dtype(each.dtype.kind + str(each.itemsize // 2))) if each.dtype.kind in "fc" else each for each in arrays
    ]
    if not any(each.dtype.kind in "fc" for each in arrays):
        return
    for y, each in zip(sample.call(function, constants(narrow)), sample.call(function, constants(arrays))):
        assert (
            each.value.dtype.kind not in "fc"
            or each.value.itemsize == 2 * y.value.itemsize
            or each.value.dtype == y.value.dtype
        )
        assert_close(y.value, each.value, rtol=1e-3, atol=1e-4, equal_nan=True, check_dtype=False)
