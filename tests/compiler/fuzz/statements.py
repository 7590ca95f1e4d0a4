"""All kinds of lines, by weight, and whole programs made of them."""

from __future__ import annotations

from dataclasses import replace

from fuzz import deriving, folding, indexing, layers, looping, pointwise, views, writing
from fuzz.drafts import Draft
from fuzz.programs import Given, Program, Turn

__all__ = ["program"]

KINDS = {
    pointwise.unary: 8, pointwise.binary: 8, pointwise.ternary: 2, pointwise.whole: 3, pointwise.truth: 2, pointwise.state: 2,
    pointwise.drawn: 1, pointwise.told: 2, views.view: 9, views.joined: 4, views.created: 1, folding.reduced: 8,
    folding.reduced_whole: 1, folding.normed: 2, folding.product: 4, folding.solved: 1, indexing.indexed: 5, writing.write: 7,
    writing.item: 3, deriving.differentiated: 2, deriving.leaf: 1, deriving.mapped: 1, deriving.branched: 1,
    deriving.controlled: 1, looping.looped: 2, layers.layered: 4,
}  # fmt: skip
LINES = [kind for kind, weight in KINDS.items() for _ in range(weight)]
SMALL = (0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 8, 15, 16, 17)
WIDE = (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65)
LARGE = (40, 129, 300, 513, 700)
LAYOUTS = ("dense",) * 8 + ("transposed", "transposed", "gaps", "behind", "expanded")
ODD = ("nan", "inf", "zeros", "huge", "tiny", "ties")


def program(seed: int) -> Program:
    """Return the program of a seed."""
    first = Draft(seed, (), "")
    fate = first.random.random()
    sizes = LARGE if fate < 0.004 else WIDE if fate < 0.25 else SMALL
    dtype = first.choice(("float32",) * 12 + ("float64",) * 6 + ("int64", "bool", "int32"))
    if first.chance(0.03):
        dtype = first.choice(("bfloat16", "float16", "complex64", "complex128"))
    d = Draft(seed + 1_000_003 * (1 + seed % 7), sizes, dtype, 400_000 if sizes is LARGE else 20_000 if sizes is WIDE else 3000)
    give(d)
    for _ in range(2 + min(int(d.random.expovariate(0.5)), 9)):
        before = len(d.lines)
        for _ in range(6):
            d.choice(LINES)(d)
            if len(d.lines) > before:
                break
    finish(d)
    return whole(d, seed)


def give(d: Draft) -> None:
    """Draw what the program is given."""
    n, m, k = (d.choice(d.sizes) for _ in range(3))
    shapes = ((n, m), (n, m), (m,), (n, 1), (m, n), (n,), (2, n, m), (k,), (1, m), (), (n, m, 2), (n, k))
    grads = d.chance(0.5)
    for place in range(d.choice((1, 1, 2, 2, 2, 3))):
        dtype = d.dtype if d.chance(0.85) or not place else d.choice(("float32", "float64", "int64", "bool", "float32"))
        grad = grads and ("float" in dtype or "complex" in dtype) and d.chance(0.7)
        given = Given(f"a{place}", d.choice(shapes), dtype, d.choice(LAYOUTS), grad)
        if place and d.chance(0.08):
            given = replace(given, of=d.choice(aliases(d)), grad=False)
        d.give(given)
    for place in range(d.choice((0, 0, 0, 1, 1, 2))):
        dtype = d.dtype if d.chance(0.9) else "float32"
        grad = "float" in dtype and d.chance(0.5)
        given = Given(f"c{place}", d.choice(shapes[:6]), dtype, d.choice(LAYOUTS), grad)
        if place and d.chance(0.2):
            given = replace(given, of=d.choice(("c0", "c0.detach()", "c0.detach()", "c0[...]")), grad=False)
        d.give(given, outside=True)
    if d.chance(0.3):
        indexing.prepared(d)


def aliases(d: Draft) -> list[str]:
    """Return how an argument may share the memory of the first."""
    rank = d.tensor("a0").dim()
    return ["a0", "a0[...]", "a0.detach()", *(["a0[1:]", "a0[:1]"] if rank else []), *(["a0.mT"] if rank > 1 else [])]


def finish(d: Draft) -> None:
    """Perhaps a training step at the end."""
    if d.chance(0.12):
        deriving.learned(d)


def whole(d: Draft, seed: int) -> Program:
    """Return the program, with results and calls drawn."""
    count = d.choice((1, 1, 2, 2, 3, 4))
    results = [d.choice(d.pool[-4:]), *(d.choice(d.pool) for _ in range(count - 1))]
    after = d.choice(("", "backward", "backward", "grad", "twice")) if d.chance(0.8) else ""
    form = d.choice(("tuple", "tuple", "tuple", "nest", "one"))
    turns = [Turn(0), Turn(1), turn(d, 2), turn(d, 3), Turn(4, kept=d.chance(0.3))][: d.choice((4, 4, 5))]
    made = Program(seed, tuple(d.arguments), tuple(d.outside), tuple(d.lines), tuple(results), form, after, "", tuple(turns))
    made = replace(made, after="") if made.uses_up else made
    alone = not made.outside and not any(each.of for each in made.arguments)
    # where a shape depends on numbers, the slices go one by one, and numbers decide what shares memory
    impure = ("_(", "backward", "\n", "bincount")
    pure = all(line.startswith("v") and not any(each in line for each in impure) for line in made.lines)
    return batched(made) if d.chance(0.12) and alone and pure else made


def batched(made: Program) -> Program:
    """Return a program as `vmap` of itself, on arguments with one more axis in front."""
    several = tuple(replace(each, shape=(3, *each.shape)) for each in made.arguments)
    return replace(made, arguments=several, wrapped="vmap")


def turn(d: Draft, seed: int) -> Turn:
    """Return a call that is odd in some way, more often than not."""
    kept = d.chance(0.15)
    grads = ("none", "as given") if kept else ("none", "no_grad")
    return Turn(
        seed,
        d.choice(ODD) if d.chance(0.35) else "normal",
        d.choice(("negative", "outside")) if d.chance(0.4) else "valid",
        d.choice(LAYOUTS) if d.chance(0.06) else "",
        1 if d.chance(0.03) else 0,
        d.choice(grads) if kept or d.chance(0.08) else "as given",
        d.integer(0, 3) if d.chance(0.4) else 0,
        kept,
    )
