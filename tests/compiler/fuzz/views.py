"""Lines that look at memory otherwise, and lines that join."""

from __future__ import annotations

from fuzz.drafts import Draft


def view_of(d: Draft, x: str) -> tuple[str, int]:
    """Return an expression that looks into a tensor, and how many tensors it makes."""
    value = d.tensor(x)
    if not value.dim():
        return d.choice((f"{x}.view(1)", f"{x}.unsqueeze(0)", f"{x}.expand(3)", f"{x}[...]", f"{x}.reshape(())")), 1
    axis = d.integer(0, value.dim())
    other, size = d.integer(0, value.dim()), value.shape[axis]
    shape = tuple(value.shape)
    near = axis - value.dim() if d.chance(0.3) else axis
    start, count = d.integer(0, size + 1), d.integer(1, size + 1) if size else 0
    head = ":, " * axis
    forms = [
        f"{x}.transpose({near}, {other})",
        f"{x}.reshape(-1)",
        f"{x}[{head}{start}::{d.integer(1, 3)}]",
        f"{x}.mT",
        f"{x}.unsqueeze({axis})",
        f"{x}.expand(2, *{shape})",
        f"{x}.flip({axis})",
        f"{x}.diagonal(0, -2, -1)",
        f"{x}.narrow({axis}, 0, {count})",
        f"{x}.unfold({axis}, {min(2, size)}, 1)",
        f"{x}.squeeze()",
        f"{x}.movedim({axis}, 0)",
        f"{x}.permute(*{tuple(reversed(range(value.dim())))})",
        f"{x}[{head}{start}:]",
        f"{x}[{head}:{start}]",
        f"{x}.ravel()",
        f"{x}.flatten()",
        f"{x}.view(-1)",
        f"{x}.swapaxes({axis}, {other})",
        f"{x}[..., None]",
        f"{x}.unflatten({axis}, (-1, 1))",
        f"{x}.select({axis}, {d.integer(-size, size) if size else 0})",
        f"{x}[{d.integer(0, shape[0]) if shape[0] else 0}]",
    ]
    # one piece
    forms += [
        f"{x}.chunk(1, {axis})[0]",
        f"{x}.split({max(size, 1)}, {axis})[0]",
        f"{x}[:]",
        f"{x}[...]",
        f"{x}.view_as({x})",
        f"{x}.reshape({shape})",
        f"{x}.view({shape})",
        f"{x}.expand_as({x})",
        f"torch.tensor_split({x}, 1, {axis})[0]",
        f"{x}.narrow({axis}, 0, {size})",
        f"{x}.squeeze({axis})",
        f"{x}.contiguous()",
        f"torch.broadcast_to({x}, {shape})",
        f"{x}[{head}0:{max(size, 1)}]",
        f"{x}.unbind({axis})[-1]",
        f"{x}.split([{size}], {axis})[0]",
        f"{x}.detach()",
    ]
    if size > 1 and d.chance(0.15):
        first = d.integer(1, size)
        several = (f"{x}.split([{first}, {size - first}], {axis})", f"torch.tensor_split({x}, ({first},), {axis})")
        return d.choice(several), 2
    return d.choice(forms), 1


def view(d: Draft) -> None:
    x = d.pick()
    if x is not None:
        d.let(*view_of(d, x))


def joined(d: Draft) -> None:
    x = d.pick(lambda x: x.dim() > 0)
    if x is None:
        return
    y, axis, k = d.like(x), d.integer(0, d.tensor(x).dim()), d.number()
    forms = (
        "torch.cat([{x}, {y}], {axis})",
        "torch.cat([{x}, {y}*2, {x}], {axis})",
        "torch.stack([{x}, {y}], {axis})",
        "F.pad({x}, (1, 2), value={k})",
        "torch.roll({x}, 2, {axis})",
        "torch.tril({x}) + torch.triu({y}, 1)",
        "torch.triu({x})",
        "{x}.repeat(*(2,)*{x}.dim())",
        "torch.hstack([{x}, {y}])",
        "torch.vstack([{x}, {y}])",
        "torch.cat([{x}], {axis})",
        "{x}.repeat_interleave(2, {axis})",
        "torch.tile({x}, (2,))",
        "torch.rot90({x})",
        "torch.diag_embed({x})",
        "torch.diag({x})",
        "torch.cat([{x}[:1], {y}[1:]], 0)",
        "torch.block_diag({x}, {y})",
        "torch.diff({x}, dim={axis})",
        "F.pad({x}, (0, 1))",
        "torch.stack([{x}.sum(), {y}.mean()])",
        "torch.fliplr({x})",
        "torch.outer({x}.reshape(-1)[:5], {y}.reshape(-1)[:4])",
        "torch.cat([{x}.reshape(-1), {y}.reshape(-1)[:3]])",
        "torch.select_scatter({x}, {y}.select({axis}, 0)*2, {axis}, 0)",
        "torch.slice_scatter({x}, {y}[:1]+1, 0, 0, 1)",
        "F.pad({x}, (-1, 1))",
    )
    d.let(d.choice(forms).format(x=x, y=y, axis=axis, k=k))


def created(d: Draft) -> None:
    """New tensors of nothing."""
    x = d.float(lambda x: x.dim() > 0 and x.shape[-1] > 0)
    if x is None:
        return
    size, dtype = d.tensor(x).shape[-1], str(d.tensor(x).dtype).split(".")[-1]
    forms = (
        "{x} + torch.arange({n}, dtype=torch.{t})*0.1",
        "{x} * torch.linspace(-1, 1, {n}, dtype=torch.{t})",
        "{x} * torch.eye({n}, dtype=torch.{t})[0]",
        "torch.full({s}, 0.5, dtype=torch.{t}) - {x}",
        "torch.zeros({s})",
        "torch.arange({n})",
        "torch.ones({n}, dtype=torch.{t}) * {x}.sum()",
        "{x}.new_zeros({n})",
        "{x}.new_full({s}, 2.0) * {x}",
    )
    d.let(d.choice(forms).format(x=x, n=size, t=dtype, s=tuple(d.tensor(x).shape)))
