"""Loops whose turns are equal, which programs run as loops: what they carry, read slice by slice, stack, write and add up."""

from __future__ import annotations

from fuzz.drafts import Draft

READS = (
    "{w}[k]",
    "{w}[-1 - k]",
    "{w}.select(0, k)",
    "{w}[k : k + 1].squeeze(0)",
    "{w}[k] * {x}",
    "({w}[k] + k * 0.1)",
    "({w}[k - 2 : k + 1] if k > 1 else {w}[:3]).amax(0)",
    "{w}[k // 2 * 2 : k // 2 * 2 + 1].sum(0)",
    "torch.cat([{w}, {w}[:3]])[k : k + 3].cumsum(0)[k % 3]",
    "{x} + 0.1",
)
STEPS = (
    "s = torch.tanh(s + r)",
    "s = s * 0.5 + r * k / 7",
    "s, p = r - 0.5 * p, s",
    "s = s.softmax(-1) + r if s.dim() else s * r",
    "s = torch.where(r > 0, s, r * {k})",
    "s = (s - s.mean()) * 0.9",
    "s = s.cumsum(0) * 0.1 if s.dim() else -s",
    "s = torch.tanh(r @ (r.mT @ s)) if s.dim() > 1 else s.sin()",
    "s = s.sort(-1)[0] - 0.1 if s.dim() else s",
    "p = p * s.detach()",
    "s = s.clone()\n    s[..., :1] = {k}",
    "s = F.layer_norm(s, s.shape) + p",
    "s = s.flip(0) if s.dim() else s",
    "q = s.T.exp().sum() if s.dim() < 3 else q",
    "s = s + r.amax()",
    "s = s / (1 + s.norm())",
    "q = q * 0.5 + (s * r).sum()",
    "s = torch.maximum(s, p)",
    "for j in range(9):\n        s = (s + {w}[k]).softmax(-1) if s.dim() else s * 0.9 + r",
    "for j in range(turns):\n        s = s.cumsum(0) * 0.1 + {w}[j] * j if s.dim() else s + p\n        ys.append(s)",
    "for j in range(9):\n        s = (s * pairs[k, j]).softmax(-1) if s.dim() else s - pairs[k, j]",
    "for j in range(8):\n        s = (s + pairs[k, j : j + 2].sum()).cumsum(0) * 0.1 if s.dim() else s.cos() * pairs[k, j]",
    "for j in range(9):\n        s, p = s.softmax(-1) + pairs.T[j, k] if s.dim() else p, s * pairs[k, 3]",
    "for j in range(10):\n        s, p = (r @ (r.mT @ s)).tanh() + p * (j / 9) if s.dim() > 1 else p, s",
)
KEEPS = (
    "out[k] = s",
    "ys.append(s)",
    "ys.append(s * r)",
    "q = q + s.mean()",
    "ys.append(s.clone())",
    "out[turns - 1 - k] += s",
)
RESULTS = (
    "s",
    "q",
    "out",
    "p + s",
    "ys[2] if ys else s",
    "torch.stack(ys, -1) if ys else s",
    "torch.cat([s.reshape(-1), *(y.reshape(-1) for y in ys)])",
    "sum(ys, s)",
)


def looped(d: Draft) -> None:
    """A loop of equal turns, and what it leaves."""
    x = d.float(lambda x: 0 < x.numel() < 200 and x.dim() < 4)
    if x is None:
        return
    turns, (w, v) = d.integer(8, 13), (f"v{d.count}", f"v{d.count + 1}")
    named = {"x": x, "w": w, "k": d.number()}
    steps = [d.choice(STEPS).format(**named) for _ in range(d.integer(1, 4))] + [
        d.choice(KEEPS) for _ in range(d.integer(0, 3))
    ]
    body = "\n    ".join([f"r = {d.choice(READS).format(**named)}", *steps])
    text = (
        f"turns = {turns}\n{w} = {x} * torch.linspace(-1, 1, turns, dtype={x}.dtype).reshape(-1, *[1] * {x}.dim())\n"
        f"pairs = torch.outer({w}.reshape(turns, -1).mean(1), torch.linspace(-1, 1, 9, dtype={x}.dtype))\n"
        f"s, p, q, ys, out = {x}, {x} * 0.5, {x}.sum(), [], torch.zeros(turns, *{x}.shape, dtype={x}.dtype)\n"
        f"for k in range(turns):\n    {body}\n{v} = {d.choice(RESULTS)}"
    )
    if d.line(text):
        d.count += 2
        d.enter(w)
        d.enter(v)
