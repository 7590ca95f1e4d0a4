"""The steps of random programs: each function draws one, as text and a function of all values so far, or returns None."""

from __future__ import annotations

import lineal as torch

FLOATS = (torch.float32, torch.float64)


def is_float(x):
    return x.is_floating_point()


def unary(p):
    n = p.pick(is_float)
    if n is None:
        return None
    names = (
        "tanh",
        "sin",
        "cos",
        "relu",
        "sigmoid",
        "abs",
        "neg",
        "square",
        "atan",
        "erf",
        "expm1_",
        "sqrt_",
        "log_",
        "clone",
        "sgn_",
    )
    name = names[p.integer(0, len(names))]
    functions = {
        "expm1_": lambda x: torch.expm1(torch.tanh(x)),
        "sqrt_": lambda x: torch.sqrt(x * x + 1),
        "log_": lambda x: torch.log1p(x * x),
        "sgn_": lambda x: torch.clamp(x, -0.5, 0.5),
    }
    f = functions.get(name) or getattr(torch, name)
    return f"{name} v{n}", lambda v: f(v[n])


def broadcasts(a, b):
    return all(x == y or 1 in (x, y) for x, y in zip(reversed(a), reversed(b)))


def binary(p):
    a = p.pick(is_float)
    if a is None:
        return None
    x = p.pool[a]
    b = p.pick(lambda y: is_float(y) and y.dtype == x.dtype and broadcasts(x.shape, y.shape))
    names = ("add", "sub", "mul", "div_", "maximum", "minimum", "where", "scale", "hypot_")
    name = names[p.integer(0, len(names))]
    number = round(float(p.random.normal()), 3)
    f = {
        "div_": lambda x, y: x / (y * y + 1),
        "where": lambda x, y: torch.where((x * 0 + 1) > 0, x, y),
        "scale": lambda x, y: x * number + (1 - y),
        "hypot_": lambda x, y: torch.sqrt(x * x + y * y + 0.1),
    }.get(name) or getattr(torch, name)
    return f"{name} v{a} v{b} {number}", lambda v: f(v[a], v[b])


def view(p):
    n = p.pick(lambda x: x.dim() > 0 and x.numel() > 0)
    if n is None:
        return None
    text, f = draw_view(p, p.pool[n])
    return f"{text} v{n}", lambda v: f(v[n])


def draw_view(p, x):
    """Return a random view of a tensor like x, as text and function."""
    axis = p.integer(0, x.dim())
    size = x.shape[axis]
    choice = p.integer(0, 13)
    if choice == 0:
        other = p.integer(0, x.dim())
        return f"transpose {axis} {other}", lambda x: x.transpose(axis, other)
    if choice == 1:
        return "reshape -1", lambda x: x.reshape(-1)
    if choice == 2:
        start = p.integer(0, size)
        step = p.integer(1, 3)
        return f"slice {axis} {start}::{step}", lambda x: x[(slice(None),) * axis + (slice(start, None, step),)]
    if choice == 3:
        place = p.integer(0, size)
        return f"select {axis} {place}", lambda x: x.select(axis, place)
    if choice == 4:
        return f"unsqueeze {axis}", lambda x: x.unsqueeze(axis)
    if choice == 5:
        return "expand", lambda x: x.unsqueeze(0).expand(2, *x.shape)
    if choice == 6:
        return f"flip {axis}", lambda x: x.flip(axis)
    if choice == 7 and x.dim() >= 2:
        return "diagonal", lambda x: x.diagonal(0, -2, -1)
    if choice == 8:
        count = p.integer(1, size + 1)
        return f"narrow {axis} {count}", lambda x: x.narrow(axis, 0, count)
    if choice == 9 and size > 1:
        return f"split {axis}", lambda x: x.split((size + 1) // 2, axis)[-1]
    if choice == 10 and size > 2:
        return f"unfold {axis}", lambda x: x.unfold(axis, 2, 1)
    if choice == 11:
        return "squeeze", lambda x: x.squeeze()
    if choice == 12:
        return "ravel of turned", lambda x: x.permute(*reversed(range(x.dim()))).reshape(-1)
    return f"swap {axis}", lambda x: x.movedim(axis, 0)


def reduction(p):
    n = p.pick(lambda x: is_float(x) and x.dim() > 0 and x.numel() > 0)
    if n is None:
        return None
    axis, keep = p.integer(0, p.pool[n].dim()), bool(p.integer(0, 2))
    names = (
        "sum",
        "mean",
        "amax",
        "amin",
        "var",
        "std",
        "logsumexp",
        "softmax",
        "log_softmax",
        "cumsum",
        "cumprod_",
        "norm",
        "whole",
        "max",
        "prod_",
        "square_sum",
    )
    name = names[p.integer(0, len(names))]
    size = p.pool[n].shape[axis]
    f = {
        "amax": lambda x: x.amax(axis, keep),
        "amin": lambda x: x.amin(axis, keep),
        "var": lambda x: x.var(axis, correction=0, keepdim=keep),
        "std": lambda x: (x.var(axis, correction=0, keepdim=keep) + 0.5).sqrt(),
        "logsumexp": lambda x: torch.logsumexp(x, axis, keep),
        "softmax": lambda x: torch.softmax(x, axis),
        "log_softmax": lambda x: torch.log_softmax(x, axis),
        "cumsum": lambda x: torch.cumsum(x, axis) / size,
        "cumprod_": lambda x: torch.cumprod(torch.tanh(x) + 0.2, axis),
        "norm": lambda x: (x * x + 0.1).norm(dim=axis, keepdim=keep),
        "whole": lambda x: x.sum() / x.numel(),
        "max": lambda x: x.max(axis, keep)[0],
        "prod_": lambda x: torch.tanh(x).prod(axis, keep),
        "square_sum": lambda x: x.square().sum(tuple(range(x.dim())), keepdim=keep).div(x.numel()),
    }.get(name) or (lambda x: getattr(torch, name)(x, axis, keep))
    return f"{name} {axis} {keep} v{n}", lambda v: f(v[n])


def product(p):
    a = p.pick(lambda x: is_float(x) and x.dim() >= 2)
    if a is None:
        return None
    x = p.pool[a]
    b = p.pick(
        lambda y: (
            is_float(y)
            and y.dtype == x.dtype
            and y.dim() in (1, 2, x.dim())
            and (y.dim() < 3 or y.shape[:-2] == x.shape[:-2])
            and y.shape[-2 if y.dim() > 1 else -1] == x.shape[-1]
        )
    )
    if b is None:
        b = p.pick(lambda y: is_float(y) and y.dtype == x.dtype and y.dim() == x.dim() and y.shape == x.shape)
        return f"matmul v{a} v{b}ᵀ", lambda v: torch.matmul(v[a], v[b].mT) / v[a].shape[-1]
    return f"matmul v{a} v{b}", lambda v: torch.matmul(v[a], v[b]) / v[a].shape[-1]


def joining(p):
    a = p.pick(lambda x: is_float(x) and x.dim() > 0 and x.numel() > 0)
    if a is None:
        return None
    x = p.pool[a]
    b = p.pick(lambda y: y.dtype == x.dtype and y.shape == x.shape)
    axis = p.integer(0, x.dim())
    names = ("cat", "stack", "pad", "roll", "tril", "repeat")
    name = names[p.integer(0, len(names))]
    if name == "tril" and x.dim() < 2:
        return None
    f = {
        "cat": lambda x, y: torch.cat([x, y.sin(), x], axis),
        "stack": lambda x, y: torch.stack([x, y], axis),
        "pad": lambda x, y: torch.nn.functional.pad(x, (1, 2), value=0.5),
        "roll": lambda x, y: torch.roll(x, 2, axis),
        "tril": lambda x, y: torch.tril(x) + torch.triu(y, 1),
        "repeat": lambda x, y: x.repeat(*(2,) * x.dim()) * 0.5,
    }[name]
    return f"{name} {axis} v{a} v{b}", lambda v: f(v[a], v[b])


def indexing(p):
    a = p.pick(lambda x: is_float(x) and x.dim() > 0 and x.numel() > 0)
    if a is None:
        return None
    x = p.pool[a]
    axis = p.integer(0, x.dim())
    size = x.shape[axis]
    rows = torch.tensor(p.random.integers(0, size, p.integer(1, 6)))
    names = ("index_select", "index", "gather", "index_add", "masked_fill", "take", "two", "scatter_add")
    name = names[p.integer(0, len(names))]
    if name == "two" and x.dim() < 2:
        return None
    places = torch.tensor(p.random.integers(0, size, x.shape))
    mask = torch.tensor(p.random.integers(0, 2, x.shape).astype(bool))
    other = torch.tensor(p.random.integers(0, x.shape[-1], rows.shape[0]))
    first = torch.tensor(p.random.integers(-x.shape[0], x.shape[0], rows.shape[0]))
    f = {
        "index_select": lambda x: torch.index_select(x, axis, rows),
        "index": lambda x: x[(slice(None),) * axis + (rows,)],
        "gather": lambda x: torch.gather(x, axis, places),
        "index_add": lambda x: x.index_add(axis, rows, torch.index_select(x, axis, rows) * 0.5),
        "masked_fill": lambda x: x.masked_fill(mask, 0.25),
        "take": lambda x: torch.take(x, rows),
        "two": lambda x: x[first, ..., other],
        "scatter_add": lambda x: x.scatter_add(axis, places, x * 0.5),
    }[name]
    return f"{name} {axis} v{a} {rows.tolist()}", lambda v: f(v[a])


def writing(p):
    n = p.pick(lambda x: is_float(x) and x.dim() > 0 and x.numel() > 0)
    if n is None:
        return None
    text, look = draw_view(p, p.pool[n])
    if text in ("expand", "reshape -1", "ravel of turned") or text.startswith(("flip", "unfold", "split")):
        return None
    b = p.pick(lambda y: is_float(y) and y.dtype == p.pool[n].dtype and y.dim() == 0)
    number = round(float(p.random.normal()), 3)
    kind = p.integer(0, 6)

    def step(v):
        x = v[n].clone() if kind != 5 else v[n] * 1.5
        part = look(x)
        if kind == 0:
            part.mul_(number)
        elif kind == 1:
            part.copy_(part.clone().sin() + number)
        elif kind == 2:
            part.zero_()
        elif kind == 3:
            part.add_(v[b] if b is not None else number)
        elif kind == 4:
            part.fill_(number)
        else:
            before = x.clone().square()
            part.sub_(number).tanh_()
            x = x + before
        return x

    return f"write kind {kind} into {text} of v{n} {number} v{b}", step


def random(p):
    n = p.pick(is_float)
    if n is None:
        return None
    name = ("dropout", "rand", "randn", "randint")[p.integer(0, 4)]
    f = {
        "dropout": lambda x: torch.nn.functional.dropout(x, 0.25),
        "rand": lambda x: x * torch.rand(x.shape, dtype=x.dtype),
        "randn": lambda x: x + torch.randn(x.shape, dtype=x.dtype),
        "randint": lambda x: x + torch.randint(0, 3, x.shape).to(x.dtype),
    }[name]
    return f"{name} v{n}", lambda v: f(v[n])


def casting(p):
    n = p.pick(is_float)
    if n is None:
        return None
    other = FLOATS[p.integer(0, 2)]
    return f"to {other} v{n}", lambda v: v[n].to(other)


def given(p, fits=is_float):
    """Return the number of an input that fits; its numbers are the same on both sides to the last bit."""
    return int(p.random.choice([n for n in range(len(p.shapes)) if fits(p.pool[n])]))


def comparing(p):
    a, b = given(p), given(p)
    x, y = p.pool[a], p.pool[b]
    if not broadcasts(x.shape, y.shape):
        return None
    name = ("lt", "argmax", "round", "int", "any", "sort", "count")[p.integer(0, 7)]
    f = {
        "lt": lambda x, y: (x < y).to(x.dtype),
        "argmax": lambda x, y: x.argmax(-1).to(x.dtype) / 8,
        "round": lambda x, y: torch.round(x) + torch.floor(y),
        "int": lambda x, y: ((x * 4).to(torch.int64) * 3 - (y * 4).to(torch.int64)).to(x.dtype) / 16,
        "any": lambda x, y: ((x > 1).any(-1) | (x < 0).all(-1)).to(x.dtype),
        "sort": lambda x, y: torch.sort(x, -1)[0],
        "count": lambda x, y: (x > 0).sum(-1).to(x.dtype) / 8,
    }[name]
    return f"{name} v{a} v{b}", lambda v: f(v[a], v[b])


def is_whole(x):
    return x.dtype == torch.int64


def whole(p):
    """Draw a step on whole numbers, which come from inputs only."""
    a = p.pick(is_whole)
    if a is None or p.integer(0, 4) == 0:
        n, scale = given(p), p.integer(1, 6)
        return f"whole numbers {scale} v{n}", lambda v: (v[n].detach() * scale).to(torch.int64)
    x = p.pool[a]
    b = p.pick(lambda y: is_whole(y) and broadcasts(x.shape, y.shape))
    number = p.integer(1, 9)
    names = (
        "add",
        "mul",
        "sub",
        "maximum",
        "bitwise_and",
        "bitwise_xor",
        "rest",
        "floor",
        "min",
        "eq",
        "sum",
        "cumsum",
        "write",
    )
    name = names[p.integer(0, len(names))]
    if name in ("cumsum", "write") and x.dim() == 0:
        return None
    f = {
        "rest": lambda x, y: torch.remainder(x, number),
        "floor": lambda x, y: torch.div(x, number, rounding_mode="floor"),
        "min": lambda x, y: torch.where(x < y, x, y),
        "eq": lambda x, y: (x == y).to(torch.int64) + (x > number).long(),
        "sum": lambda x, y: x.sum(-1) if x.dim() else x,
        "cumsum": lambda x, y: x.cumsum(-1),
        "write": lambda x, y: written_whole(x, number),
    }.get(name) or getattr(torch, name)
    return f"whole {name} v{a} v{b} {number}", lambda v: f(v[a], v[b])


def written_whole(x, number):
    x = x.clone()
    x[..., ::2].add_(number)
    x[..., 0] = x[..., -1] * number
    return x


def deciding(p):
    """Draw truth values, which come from inputs only."""
    a = p.pick(lambda x: x.dtype == torch.bool)
    if a is None or p.integer(0, 3) == 0:
        n, border = given(p), round(float(p.random.normal()) / 2, 2)
        return f"v{n} > {border}", lambda v: v[n].detach() > border
    x = p.pool[a]
    b = p.pick(lambda y: y.dtype == torch.bool and broadcasts(x.shape, y.shape))
    name = ("and", "or", "xor", "not", "any", "all", "float", "count")[p.integer(0, 8)]
    f = {
        "and": lambda x, y: x & y,
        "or": lambda x, y: x | y,
        "xor": lambda x, y: x ^ y,
        "not": lambda x, y: ~x,
        "any": lambda x, y: x.any(-1) if x.dim() else x,
        "all": lambda x, y: x.all(),
        "float": lambda x, y: torch.where(x, 0.5, -0.25).to(p.dtype),
        "count": lambda x, y: x.sum(),
    }[name]
    return f"{name} v{a} v{b}", lambda v: f(v[a], v[b])


def branching(p):
    """Draw a step that branches, or loops, by numbers of an input."""
    n, a = p.pick(is_float), given(p)
    if n is None:
        return None
    border = round(float(p.random.normal()) / 2, 2)
    size = p.pool[n].shape[0] if p.pool[n].dim() else 0
    p.branches = True
    name = ("if", "loop", "index", "return", "while", "write")[p.integer(0, 6)]
    if name in ("index", "write") and not size:
        return None

    def step(v):
        x, y = v[n], v[a].detach()
        if name == "if":
            return torch.tanh(x) if (y > border).any() else x * 0.5
        if name == "loop":
            for k in range(int((y > border).sum()) % 3):
                x = torch.sin(x) + k
            return x
        if name == "index":
            return x[int((y > border).sum()) % size]
        if name == "return":
            return x * (y > border).sum().item() / y.numel()
        if name == "while":
            y = y.flatten()[:1].clone().abs() + 1
            while y < 6:
                x, y = torch.tanh(x) + 0.25, y * 2
            return x
        x = x.clone()
        if bool((y < border).all()):
            x[0] = 0
        else:
            x[-1:].mul_(0.5)
        return x

    return f"branch {name} v{n} by v{a} {border}", step


def storing(p):
    """Draw a write into a buffer in the middle of the program, and a copy of the buffer then."""
    if not p.buffers:
        return None
    k, a = p.integer(0, len(p.buffers)), given(p)
    buffer = p.pool.buffers[k]
    text, look = draw_view(p, buffer)
    if text in ("expand", "reshape -1", "ravel of turned") or text.startswith(("flip", "unfold", "split")):
        return None
    kind = p.integer(0, 4)

    def step(v):
        part = look(v.buffers[k])
        if kind == 0:
            part.mul_(0.5)
        elif kind == 1:
            part += v[a].detach().mean()
        elif kind == 2:
            part.copy_(part.clone().cos())
        else:
            part.fill_(0.75)
        return v.buffers[k].clone()

    return f"store kind {kind} into {text} of buffer {k}, v{a}", step


DRAWS = {
    "whole": whole,
    "deciding": deciding,
    "branching": branching,
    "storing": storing,
    "unary": unary,
    "binary": binary,
    "view": view,
    "reduction": reduction,
    "product": product,
    "joining": joining,
    "indexing": indexing,
    "writing": writing,
    "casting": casting,
    "comparing": comparing,
    "random": random,
}
KINDS = ["unary"] * 5 + ["binary"] * 6 + ["view"] * 5 + ["reduction"] * 4 + ["product"] * 2 + ["joining"] * 2 + ["indexing"] * 2
KINDS += ["writing"] * 3 + ["casting", "comparing", "random", "storing", "whole", "whole", "deciding", "deciding", "branching"]
