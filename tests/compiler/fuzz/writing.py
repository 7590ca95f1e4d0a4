"""Lines that write in place: into new tensors, arguments and what lies outside, through views, after they were read."""

from __future__ import annotations

from fuzz.drafts import Draft
from fuzz.indexing import index_of
from fuzz.views import view_of

WRITES = (
    "{p}.mul_({k})",
    "{p}.add_({k})",
    "{p}.zero_()",
    "{p}.fill_({k})",
    "{p}.copy_({p}.clone().sin())",
    "{p}.sub_({y})",
    "{p}.tanh_()",
    "{p}.add_({y}, alpha={k})",
    "{p}.mul_({y})",
    "{p}.copy_({y})",
    "{p}.clamp_(-0.5, 0.5)",
    "{p}.relu_()",
    "{p}.neg_()",
    "{p}.masked_fill_({p} > 0.2, {k})",
    "{p}.lerp_({y}, 0.25)",
    "{p}.addcmul_({y}, {y})",
    "{p}.sigmoid_()",
    "{p}.copy_({p} * {k} + {y})",
    "{p}.div_(2)",
    "{p}.square_()",
    "{p}.exp_().reciprocal_()",
    "{p}.copy_({p}.flip(0))",
    "{p}.add_({p}.sum() * 0.1)",
    "{p}.sub_({p}.mean())",
    "{p}.copy_({p}.clone())",
    "{p}.abs_()",
    "{p}.round_()",
)
ITEMS = (
    "{x}[0] = {k}",
    "{x}[-1:] = {x}[:1] * {k}",
    "{x}[..., 0] = {k}",
    "{x}[1:] += {k}",
    "{x}[...] = {y}",
    "{x}[::2] *= {k}",
    "{x}[..., 1:] = {x}[..., :-1].clone()",
    "{x}[{x} > 0.4] = {k}",
    "{x}[{i}] = {k}",
    "{x}[{i}] += 1.0",
    "{x} += {y}",
    "{x} *= {k}",
    "{x}.index_add_(0, {i}, {r}).add_(0)",
    "{x}.index_fill_(0, {i}, {k})",
    "{x}.index_copy_(0, {i}, {r})",
    "{x}.index_put_(({i},), {r})",
    "{x}.cumsum_(0)",
    "{x}.tril_()",
    "{x}[0], {x}[-1] = {x}[-1].clone(), {x}[0].clone()",
    "{x} -= {x}.mean()",
    "{x}[1:] = {x}[:-1]",
)


def target(d: Draft) -> tuple[str, bool]:
    """Return the name of a tensor to write into, and whether history must be off for that."""
    free = d.float(lambda x: x.dim() > 0 and x.numel() > 0 and not (x.is_leaf and x.requires_grad))
    leaf = d.float(lambda x: x.dim() > 0 and x.numel() > 0 and x.is_leaf and x.requires_grad)
    if leaf is not None and (free is None or d.chance(0.15)):
        return leaf, True
    if free is None:
        return "", False
    if d.chance(0.35):
        copies = d.let(f"{free}.clone()" if d.chance(0.7) else f"{free} * 1.5")
        return (copies[0] if copies else free), False
    return free, d.chance(0.1)


def write(d: Draft) -> None:
    x, off = target(d)
    if not x:
        return
    if d.chance(0.3):
        read(d, x)
    part = x
    if d.chance(0.5):
        expression, count = view_of(d, x)
        named = d.let(expression, count)
        part = named[0] if named else x
    y = d.pick(lambda y: y.dtype == d.tensor(part).dtype and y.dim() == 0) if d.chance(0.3) else d.like(part)
    text = d.choice(WRITES).format(p=part, y=y or part, k=d.number())
    written(d, x, text, off)


def item(d: Draft) -> None:
    x, off = target(d)
    if not x:
        return
    given = [each for each in d.arguments if each.high == d.tensor(x).shape[0] and len(each.shape) == 1]
    size = given[0].shape[0] if given else 3
    i = given[0].name if given else index_of(d, d.tensor(x).shape[0], (size,), False)
    rows = f"{x}[:1].detach().clone().expand({size}, *{tuple(d.tensor(x).shape[1:])})"
    if d.chance(0.3):
        read(d, x)
    written(d, x, d.choice(ITEMS).format(x=x, y=d.like(x), k=d.number(), i=i, r=rows), off)


def read(d: Draft, x: str) -> None:
    """A read before the write, whose result is used later."""
    forms = (
        "{x}.sum()",
        "{x}.mean(0)",
        "{x} * 2",
        "{x}.amax(-1)",
        "{x}.clone()",
        "{x}.cumsum(0)",
        "{x}.square().sum(-1)",
        "{x}.max()",
    )
    d.let(d.choice(forms).format(x=x))


def written(d: Draft, x: str, text: str, off: bool) -> None:
    """Append the write, without history if that is to be off, and a use of what was written."""
    done = d.inside("with torch.no_grad():", text) if off else d.line(text)
    if done and d.chance(0.6):
        d.let(d.choice(("{x} * 1.0", "{x}.sum()", "{x} + {x}", "torch.sin({x})", "{x}[0]", "{x}.amax()")).format(x=x))
