"""Random programs: steps that are drawn while they run, so that every step fits the shapes that are there.

A program has inputs, parameters (leaves that it reaches, differentiates by and updates) and buffers (constants that it writes
into). It is a list of steps `values → value`, so that it can be run again, eagerly or compiled, on other numbers.
"""

from __future__ import annotations

import numpy as np

import lineal as torch

FLOATS = (torch.float32, torch.float64)


class Program:
    """One random program; `seed` decides everything."""

    def __init__(self, seed, length=None):
        self.random = np.random.default_rng(seed)
        self.dtype = FLOATS[int(self.random.integers(4) > 0)]
        self.steps = []
        self.text = []
        self.large = int(self.random.integers(12)) == 0
        sizes = (40, 64, 129, 300) if self.large else (1, 2, 3, 4, 5, 7, 8, 17, 33)
        self.n, self.m = (int(self.random.choice(sizes)) for _ in range(2))
        shapes = [(self.n, self.m), (self.m,), (self.n, 1), (self.m, self.n), (2, self.n, self.m)]
        self.shapes = [shapes[int(self.random.integers(len(shapes)))] for _ in range(int(self.random.integers(1, 4)))]
        self.parameters = [shapes[int(self.random.integers(len(shapes)))] for _ in range(int(self.random.integers(0, 3)))]
        self.buffers = [shapes[int(self.random.integers(len(shapes)))] for _ in range(int(self.random.integers(0, 2)))]
        self.layouts = [max(0, int(n) - 3) for n in self.random.integers(0, 6, 3)]
        self.writes_input = int(self.random.integers(4)) == 0
        self.pool = [*self.inputs(0), *self.state()[0]]
        self.first = len(self.pool)
        for _ in range(length or int(self.random.integers(2, 11))):
            self.draw()
        self.results = [int(self.random.integers(len(self.pool))) for _ in range(int(self.random.integers(1, 4)))] + [
            len(self.pool) - 1
        ]
        self.rate = 0.1

    def inputs(self, turn):
        """Return the inputs of a call."""
        random = np.random.default_rng(turn)
        return [self.laid(random.standard_normal(shape), n) for n, shape in enumerate(self.shapes)]

    def laid(self, numbers, n):
        """Return numbers as a constant tensor that lies densely, turned, or with gaps, as the program has it."""
        x = torch.tensor(numbers, dtype=self.dtype)
        layout = self.layouts[n % len(self.layouts)]
        if layout == 1:
            return x.mT.contiguous().mT if x.dim() > 1 else x
        return torch.stack([x, x], -1)[..., 0] if layout == 2 else x

    def state(self):
        """Return fresh parameters and buffers."""
        random = np.random.default_rng(99)
        parameters = [
            torch.tensor(random.standard_normal(shape), dtype=self.dtype, requires_grad=True) for shape in self.parameters
        ]
        return parameters, [self.laid(random.standard_normal(shape), n + 1) for n, shape in enumerate(self.buffers)]

    # drawing

    def pick(self, fits=lambda x: True):
        """Return the number of a value that fits, None if none does."""
        found = [n for n, x in enumerate(self.pool) if fits(x)]
        if not found:
            return None
        late = found[-4:] if self.random.random() < 0.6 else found
        return int(late[int(self.random.integers(len(late)))])

    def integer(self, low, high):
        """Return a whole number in range(low, high)."""
        return int(self.random.integers(low, high))

    def draw(self):
        """Append one step that works."""
        for _ in range(50):
            name = KINDS[self.integer(0, len(KINDS))]
            made = DRAWS[name](self)
            if made is None:
                continue
            text, step = made
            value = step(self.pool)
            if value.numel() > (300_000 if self.large else 4000) or value.dim() > 4:
                continue
            self.add(text, step, value)
            size = value.detach().abs().max() if value.numel() and value.is_floating_point() else 0.0
            if float(size) > 8:
                n = len(self.pool) - 1
                self.add(f"tanh v{n}", lambda v, n=n: torch.tanh(v[n]), torch.tanh(value))
            return

    def add(self, text, step, value):
        """Append a step."""
        self.text.append(f"v{len(self.pool)} = {text}  # {tuple(value.shape)} {value.dtype}")
        self.steps.append(step)
        self.pool.append(value)

    # running

    def function(self, parameters, buffers):
        """Return the program as a function of its inputs, over these parameters and buffers."""

        def program(*inputs):
            values = [*inputs, *parameters]
            for step in self.steps:
                values.append(step(values))
            results = [values[n] for n in self.results]
            graded = [y for y in results if y.requires_grad and y.is_floating_point() and y.numel()]
            loss = sum((y * y).mean() for y in graded) if graded else None
            for p in parameters:
                p.grad = None
            if loss is not None:
                loss.backward()
                with torch.no_grad():
                    for p in parameters:
                        if p.grad is not None:
                            p.sub_(p.grad.clamp(-1, 1) * self.rate)
            with torch.no_grad():
                for buffer in buffers:
                    buffer.mul_(0.5)
                    buffer[0].add_(inputs[0].mean())
                    buffer[-1:].copy_(buffer[:1] * 0.25)
                if self.writes_input:
                    inputs[-1].mul_(0.5)
                    inputs[-1][0].add_(1)
            return [y.detach() for y in results]

        return program

    def __str__(self):
        head = [
            f"# {self.dtype}, inputs {self.shapes}, parameters {self.parameters}, buffers {self.buffers}",
            f"# layouts {self.layouts}, the last input is written: {self.writes_input}",
        ]
        return "\n".join([*head, *self.text, f"return {self.results}"])


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
    if text in ("expand", "reshape -1", "ravel of turned") or text.startswith(("flip", "unfold")):
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


def comparing(p):
    # only of inputs, whose numbers are the same on both sides to the last bit
    a, b = p.integer(0, len(p.shapes)), p.integer(0, len(p.shapes))
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


DRAWS = {
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
KINDS += ["writing"] * 3 + ["casting", "comparing", "random"]
