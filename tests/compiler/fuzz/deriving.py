"""Lines that differentiate inside of the function, branch by numbers, batch, and train."""

from __future__ import annotations

from fuzz.drafts import Draft

MAPPED = (
    "torch.vmap(lambda u: u.sin() * u.sum())({x})",
    "torch.vmap(lambda u: u.cumsum(0) - u.mean())({x})",
    "torch.vmap(lambda u, w: (u * w).sum())({x}, {y})",
    "torch.vmap(lambda u: torch.softmax(u, -1))({x})",
    "torch.vmap(lambda u, w: torch.where(u > w, u, w * {k}), in_dims=(0, None))({x}, {y}[0])",
    "torch.vmap(lambda u: u.sort()[0])({x})",
    "torch.vmap(lambda u: u.max(), in_dims=-1)({x})",
    "torch.vmap(lambda u: u @ u)({x})",
    "torch.vmap(lambda u: u * factor)({x})",
    "torch.vmap(torch.func.grad(lambda u: u.sin().square().sum()))({x})",
    "torch.func.grad(lambda u: (u.tanh() * {k}).sum())({x})",
    "torch.func.jacrev(lambda u: u.sum(0).square())({x})",
    "torch.func.jvp(lambda u: u.sin() * u, ({x},), ({y},))[1]",
    "torch.func.vjp(lambda u: u.square().sum(0), {x})[0]",
    "torch.vmap(lambda u: F.layer_norm(u, u.shape))({x})",
    "torch.vmap(lambda u: u.flip(0).var(correction=0))({x})",
)
BRANCHES = (
    "if bool(({x}.detach() > {k}).any()):\n    {v} = {y} * 2\nelse:\n    {v} = {y} - 1",
    "{v} = {y}\nfor _ in range(int(({x}.detach() > {k}).sum()) % 3):\n    {v} = torch.sin({v}) + 0.5",
    "{v} = {y} + int(({x}.detach() > {k}).sum()) % 4",
    "{v} = {y} * 2 if ({x}.detach().sum() > {k}) else {y}.tanh()",
    "{v} = {y}.clone()\nif ({x}.detach() < {k}).all():\n    {v}.zero_()\nelse:\n    {v}.add_(1)",
    "{v} = {y}.reshape(-1)[int(({x}.detach() > {k}).sum()) % {y}.numel()]",
    "{v} = {y}\nfor k in range(options['steps']):\n    {v} = {v} * 0.5 + k",
    "{v} = {y} if factor > 1 else -{y}",
)
LOSSES = (
    "{y}.square().sum()",
    "{y}.sum()",
    "{y}.mean()",
    "({y} * {y}.detach().cos()).sum()",
    "{y}.sin().sum()",
    "{y}.abs().sum()",
)


def differentiated(d: Draft) -> None:
    """The derivative of a late tensor by one before it, perhaps to be differentiated again."""
    y = d.float(lambda x: x.requires_grad and not x.is_leaf)
    x = d.float(lambda x: x.requires_grad and (x.is_leaf or d.chance(0.2)))
    if x is None or y is None:
        leaf(d)
        return
    create = d.chance(0.5)
    loss = d.choice(LOSSES).format(y=y)
    keep = ", create_graph=True" if create else d.choice((", retain_graph=True", ""))
    found = d.let(f"torch.autograd.grad({loss}, {x}{keep})[0]")
    if found and create and d.chance(0.4):
        d.let(f"torch.autograd.grad({found[0]}.square().sum(), {x}, create_graph=True, allow_unused=True)[0]")


def leaf(d: Draft) -> None:
    """A new leaf of the function's own."""
    x = d.float()
    if x is not None:
        d.let(f"{x}.detach().clone().requires_grad_()")


def mapped(d: Draft) -> None:
    x = d.float(lambda x: x.dim() in (1, 2) and x.numel() > 0)
    if x is not None:
        d.let(d.choice(MAPPED).format(x=x, y=d.like(x), k=d.number()))


def branched(d: Draft) -> None:
    x = d.pick(lambda x: x.is_floating_point() and x.numel() > 0 and x.numel() < 200)
    y = d.float(lambda x: x.numel() > 0)
    if x is None or y is None:
        return
    name = f"v{d.count}"
    if d.line(d.choice(BRANCHES).format(x=x, y=y, k=d.number(), v=name)):
        d.count += 1
        d.enter(name)


def learned(d: Draft) -> None:
    """backward() inside, and an update of the leaves."""
    y = d.float(lambda x: x.requires_grad and not x.is_leaf)
    leaves = [each.name for each in (*d.outside, *d.arguments) if each.grad]
    if y is None or not leaves:
        return
    x = d.choice(leaves)
    if not d.line(f"{d.choice(LOSSES).format(y=y)}.backward()"):
        return
    form = d.choice(
        (
            "if {x}.grad is not None:\n    {x}.sub_({x}.grad.clamp(-1, 1), alpha=0.1)",
            "if {x}.grad is not None:\n    {x} -= 0.1 * {x}.grad.tanh()\n    {x}.grad = None",
            "if {x}.grad is not None:\n    {x}.add_({x}.grad.sign() * factor * 0.1)\n    {x}.grad.zero_()",
        )
    )
    d.inside("with torch.no_grad():", form.format(x=x))


CONTROLLED = (
    "torch.cond({x}.sum() > 0, lambda t: t * {k}, lambda t: t.sin(), ({x},))",
    "torch.while_loop(lambda n, t: n < 3, lambda n, t: (n + 1, t * 0.5 + {k}), (0, {x}))[1]",
    "torch.while_loop(lambda n, t: (n < 9) & (t.abs().sum() < 90), lambda n, t: (n + 1, t * 1.25), (torch.tensor(0), {x}))[1]",
    "torch.while_loop(lambda t: t.abs().sum() > 1, lambda t: t * 0.25, ({x}.tanh(),))",
    "torch.while_loop(lambda n, t: n > 0, lambda n, t: (n - 1, t.tanh() * {x}), ({x}.detach().norm().clamp(max=7), {x}))[1]",
    "torch.while_loop(lambda t, u: t.norm() > 1, lambda t, u: (t / 4 + u / 9, u * {x}.cos() / 2), ({x}.tanh(), {x}.tanh()))[0]",
    "control.scan(lambda c, t: (c * 0.5 + t, c), {x}[0], {x})[1]",
    "control.scan(lambda c, t: (c.tanh() - t, c * t), {x}[-1], {x}, reverse=True, checkpointed=True)[1]",
    "control.map(lambda t: t * {k}, {x})",
    "control.associative_scan(lambda a, b: a * 0.5 + b, {x}, 0)",
    "torch.utils.checkpoint.checkpoint(lambda t: (t * {k}).tanh() * t, {x})",
)


def controlled(d: Draft) -> None:
    """Branches, loops and scans as functions, and what is computed again."""
    x = d.float(lambda x: x.numel() < 200 and x.dim() < 4)
    if x is not None:
        d.let(d.choice(CONTROLLED).format(x=x, k=d.number()))
