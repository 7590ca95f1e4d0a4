"""Every sample of every op under vmap: values and derivatives are those of a Python loop, whichever slice is odd."""

import numpy as np
import pytest
from looping import CASES, COUNT, IDS, agree, compare, function, outcome
from samples import SAMPLES

import lineal
from lineal.base import tree
from lineal.core import lift
from lineal.func import grad, hessian, jacfwd, jacrev, jvp, vmap

SLOW = pytest.mark.slow


def others(array):
    """Yield arrays of one shape and dtype that an op may treat otherwise than `array`."""
    random = np.random.default_rng(0)
    if array.dtype.kind in "fc":
        yield "other", random.standard_normal(array.shape).astype(array.dtype)
        yield "zeros", np.zeros_like(array)
        if array.ndim:
            yield "nan", np.where(np.arange(array.shape[-1]) == 0, np.nan, array).astype(array.dtype)
        if array.ndim > 1:
            yield "singular", np.concatenate([array[..., :-1, :], 0 * array[..., :1, :]], axis=-2)
    elif array.dtype.kind in "iu":
        yield "far", (array + 7).astype(array.dtype)
        yield "negative", np.array(-array)


@pytest.mark.parametrize(("name", "number"), CASES, ids=IDS)
def test_whichever_slice_is_odd(name, number):
    f, sample = function(name, number)
    arrays = sample.arrays()
    for place, array in enumerate(arrays):
        for what, other in others(array):
            for stack in ([array, other, array], [other, array, array]):
                batches, dims = list(arrays), [None] * len(arrays)
                batches[place], dims[place] = np.stack(stack), 0
                compare(f, batches, dims, 1e-8, f"{name} of {what} among arguments {place}")


def batches_of(arrays):
    """Return batches of slices that are alike, and the places of the arrays that are differentiated."""
    factors = [1 + 0.03 * place for place in range(COUNT)]
    batches = [np.stack([each * factor if each.dtype.kind in "fc" else each for factor in factors]) for each in arrays]
    typed = [batch.astype(each.dtype) for batch, each in zip(batches, arrays)]
    return typed, tuple(place for place, each in enumerate(arrays) if each.dtype.kind in "fc")


def weighted(ys):
    """Return one number that depends on every differentiable element of tensors."""
    total = lineal.zeros((), dtype=lineal.float64)
    for y in ys:
        if y.node is not None and y.value.dtype.kind in "fc":
            weights = np.cos(np.arange(y.value.size)).reshape(y.value.shape)
            part = (y * lift(weights.astype(y.value.real.dtype))).sum()
            total = total + (part.real + 0.3 * part.imag if part.value.dtype.kind == "c" else part)
    return total


@pytest.mark.parametrize(("name", "number"), CASES, ids=IDS)
def test_values(name, number):
    f, sample = function(name, number)
    batches, _ = batches_of(sample.arrays())
    if not batches:
        return
    compare(f, batches, [0] * len(batches), 1e-8, "dimension 0")
    if name != "view_as_complex":  # which wants its last dimension dense
        compare(f, [np.moveaxis(each, 0, -1).copy() for each in batches], [-1] * len(batches), 1e-8, "the last dimension")
    for place, array in enumerate(sample.arrays()) if len(batches) > 1 else ():
        dims = [None if each == place else 0 for each in range(len(batches))]
        compare(f, [*batches[:place], array, *batches[place + 1 :]], dims, 1e-8, f"argument {place} is the same for all")


DIFFERENTIATED = [(case, name) for case, name in zip(CASES, IDS) if function(*case)[1].derivative]


@pytest.mark.parametrize("case", [case for case, _ in DIFFERENTIATED], ids=[name for _, name in DIFFERENTIATED])
def test_gradients(case):
    f, sample = function(*case)
    batches, places = batches_of(sample.arrays())
    compare(grad(lambda *xs: weighted(f(*xs)), places), batches, [0] * len(batches), 1e-6, "vmap(grad)")
    results = []
    for mapped in (vmap(f), lambda *xs: columns([f(*[x[place] for x in xs]) for place in range(COUNT)])):
        xs = [lift(each.copy()) for each in batches]
        for place in places:
            xs[place].requires_grad_()

        def gradients(xs=xs, mapped=mapped):
            return lineal.autograd.grad(weighted(mapped(*xs)), [xs[place] for place in places], materialize_grads=True)

        results.append(outcome(gradients))
    (found, error, _), (expected, refused, _) = results
    assert (error is None) == (refused is None), f"grad(vmap): {error!r}, the loop: {refused!r}"
    if error is None:
        agree(found, expected, 1e-6, "grad(vmap)")


def columns(results):
    """Return results of slices, stacked."""
    return [lineal.stack(column) for column in zip(*[list(tree.leaves(each)) for each in results])]


REAL = [
    (case, name)
    for case, name in DIFFERENTIATED
    if all(x.dtype.kind != "c" and x.size <= 12 for x in function(*case)[1].arrays())
]


@SLOW
@pytest.mark.parametrize("case", [case for case, _ in REAL], ids=[name for _, name in REAL])
def test_jacobians(case):
    f, sample = function(*case)
    batches, places = batches_of(sample.arrays())
    dims = [0] * len(batches)

    def real(*xs):
        return [y for y in f(*xs) if y.value.dtype.kind == "f"]

    if not real(*[lift(each.copy()) for each in sample.arrays()]):
        return
    for jacobian in (jacrev, jacfwd):
        compare(jacobian(real, places), batches, dims, 1e-6, f"vmap({jacobian.__name__})")
    tensors = [lift(each.copy()) for each in sample.arrays()]
    one, other = outcome(lambda: jacrev(real, places)(*tensors)), outcome(lambda: jacfwd(real, places)(*tensors))
    agree(one[0], other[0], 1e-6, "jacfwd and jacrev")

    def tangents(*xs):
        return jvp(
            lambda *chosen: real(*[dict(zip(places, chosen)).get(n, x) for n, x in enumerate(xs)]),
            *[tuple(xs[n] for n in places)] * 2,
        )

    compare(tangents, batches, dims, 1e-6, "vmap(jvp)")
    if sample.derivative > 1:
        compare(hessian(lambda *xs: weighted(f(*xs)), places), batches, dims, 1e-5, "vmap(hessian)")


@SLOW
@pytest.mark.parametrize("case", [case for case, _ in DIFFERENTIATED], ids=[name for _, name in DIFFERENTIATED])
def test_compiled(case):
    f, sample = function(*case)
    batches, places = batches_of(sample.arrays())
    dims = [0] * len(batches)
    slope = grad(lambda *xs: weighted(f(*xs)), places)

    def compiled(g):
        run = lineal.compile(g)
        for _ in range(2):
            outcome(lambda: run(*[lift(each.copy()) for each in batches]))
        return run

    compare(f, batches, dims, 1e-8, "compile(vmap)", compiled)
    compare(slope, batches, dims, 1e-6, "compile(vmap(grad))", compiled)


def in_place(case):
    """Return the in-place form of a sample's op on a copy of its first argument, or None."""
    name, number = case
    sample = SAMPLES[name][number]
    method = f"{name}_"
    if "." in name or not hasattr(lineal.Tensor, method) or not isinstance(next(iter(sample.args), None), np.ndarray):
        return None

    def changed(*xs):
        x = xs[0].clone()
        return sample.call(lambda self, *args, **options: (getattr(x, method)(*args, **options), x)[1], list(xs))

    return None if outcome(lambda: changed(*[lift(each.copy()) for each in sample.arrays()]))[1] else changed


WRITING = [(case, name) for case, name in zip(CASES, IDS) if in_place(case)]


@pytest.mark.parametrize("case", [case for case, _ in WRITING], ids=[name for _, name in WRITING])
def test_in_place(case):
    f, sample = in_place(case), SAMPLES[case[0]][case[1]]
    batches, places = batches_of(sample.arrays())
    compare(f, batches, [0] * len(batches), 1e-8, "vmap")
    if sample.derivative:
        compare(grad(lambda *xs: weighted(f(*xs)), places), batches, [0] * len(batches), 1e-6, "vmap(grad)")
