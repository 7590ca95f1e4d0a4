"""Lines that read and write at places which are numbers themselves: constants, or an argument that may be out of range."""

from __future__ import annotations

from fuzz.drafts import Draft
from fuzz.programs import Given

READS = (
    "torch.index_select({x}, {a}, {i})",
    "{x}[{i}]",
    "torch.take({x}, {i})",
    "{x}[{h}{i}]",
    "torch.gather({x}, {a}, {m})",
    "torch.take_along_dim({x}, {m}, {a})",
    "F.embedding({i}, {x})",
    "{x}[{i}, ..., {j}]",
    "{x}[{i}[0]]",
    "F.one_hot({i}.abs() % 4, 4)",
    "torch.searchsorted({x}.detach().flatten().sort()[0], {x}.detach())",
    "torch.bucketize({x}.detach(), {e})",
    "{x}[..., {i}]",
)
WRITES = (
    "{x}.index_add({a}, {i}, {s}) + 0",
    "{x}.index_copy({a}, {i}, {s})",
    "{x}.index_fill({a}, {i}, {k})",
    "{x}.scatter_add({a}, {m}, {x}*0.5) + 0",
    "{x}.scatter({a}, {m}, {k})",
    "{x}.index_put(({i},), {f})",
    "{x}.index_put(({i},), {f}, accumulate=True) + 0",
    "{x}.scatter_reduce({a}, {m}, {x}*0.5, 'amax')",
    "{x}.put({i}, {i}*{k})",
    "{x}.scatter_reduce({a}, {m}, {x}*0.5, 'sum') + 0",
    "{x}.index_add({a}, {i}, {s}, alpha={k}) + 0",
    "{x}.masked_fill({x} > 0.3, {k})",
    "{x}.index_reduce({a}, {i}, {s}, 'mean') + 0",
    "{x}.scatter({a}, {m}, {x}*{k})",
    "{x}.masked_fill({b}, {k})",
)


def index_of(d: Draft, high: int, shape: tuple[int, ...], argument: bool) -> str:
    """Return whole numbers below `high`: an argument, something outside, or a constant."""
    known = [each.name for each in (*d.arguments, *d.outside) if each.high == high and each.shape == shape]
    if known:
        return d.choice(known)
    if argument and len(d.arguments) < 5 and not d.lines:
        return d.give(Given(f"i{len(d.arguments)}", shape, "int64", high=high))
    return d.give(Given(f"j{len(d.outside)}", shape, "int64", high=high), outside=True)


def prepared(d: Draft) -> None:
    """Give the program index arguments that fit the argument there is; before any line is drawn."""
    x = d.pick(lambda x: x.dim() > 0 and x.numel() > 0)
    if x is not None:
        shape = tuple(d.tensor(x).shape)
        index_of(d, d.choice(shape), (d.choice((1, 2, 3, 5, 8, 17)),), True)
        if d.chance(0.4):
            index_of(d, shape[-1], shape, True)


def indexed(d: Draft) -> None:
    x = d.float(lambda x: x.dim() > 0 and x.numel() > 0)
    if x is None:
        return
    value = d.tensor(x)
    given = [each for each in d.arguments if each.high and each.high in value.shape and d.chance(0.8)]
    flat = [each for each in given if len(each.shape) == 1]
    if flat:
        i = d.choice(flat)
        axis = list(value.shape).index(i.high)
        size, i = i.shape[0], i.name
    else:
        axis, size = d.integer(0, value.dim()), d.choice((1, 3, 8))
        i = index_of(d, value.shape[axis], (size,), False)
    form = d.choice(READS) if d.chance(0.55) else d.choice(WRITES)
    shape = tuple(value.shape)
    words = {"x": x, "i": i, "a": axis, "h": ":, " * axis, "k": d.number(), "e": "torch.tensor([-0.5, 0.25, 1.0])"}
    if "{m}" in form:
        words["m"] = index_of(d, shape[axis], shape, False)
    if "{b}" in form:
        words["b"] = d.pick(lambda m: m.dtype == d.names["torch"].bool and tuple(m.shape) == shape) or f"({x} < 0)"
    words["s"] = f"torch.index_select({x}, {axis}, torch.zeros({size}, dtype=torch.int64))*0.5"
    words["f"] = f"{x}[:1].expand({size}, *{shape[1:]})*0.5"
    words["j"] = f"({i} % {shape[-1]})"
    d.let(form.format(**words))
