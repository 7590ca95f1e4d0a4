"""Random programs of views, writes, hooks, retained grads and ways back: what lineal does is what PyTorch does.

Both run each instruction in turn. Where PyTorch raises, lineal may raise, or go on where that can be right, and the program
ends; where PyTorch goes on, lineal must too, and every grad, every call of a hook and every number must agree in the end.
"""

import os
import random
from types import SimpleNamespace

import numpy as np
import pytest

import lineal

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

SEEDS = int(os.environ.get("AUTOGRAD_SEEDS", "300"))
VIEWS = {
    "slice": lambda x: x[..., 1:],
    "step": lambda x: x[..., ::2],
    "first": lambda x: x[0],
    "last": lambda x: x[..., -1],
    "turn": lambda x: x.transpose(0, -1),
    "flat": lambda x: x.reshape(-1),
    "more": lambda x: x.unsqueeze(0),
    "diagonal": lambda x: x.diagonal(0, 0, -1),
    "windows": lambda x: x.unfold(0, 1, 1),
    "narrow": lambda x: x.narrow(0, 0, 1),
    "sections": lambda x: x.tensor_split(2, 0)[0],
    "real": lambda x: x.view(*x.shape),
    "subclass": lambda x: x.as_subclass(type(x)),
    "unbound": lambda x: x.unbind(0)[-1],
    "part": lambda x: x.split(1, 0)[0],
    "chunk": lambda x: x.chunk(2, -1)[0],
    "detached": lambda x: x.detach(),
}
ARITHMETIC = {
    "scale": lambda x: x * 1.5,
    "shift": lambda x: x + 0.25,
    "sine": lambda x: x.sin(),
    "square": lambda x: x * x,
    "clone": lambda x: x.clone(),
    "exp": lambda x: (x * 0.1).exp(),
    "total": lambda x: x.sum(),
    "rows": lambda x: x.sum(0),
    "mean": lambda x: x.mean(),
}
WRITES = {
    "mul_": lambda x: x.mul_(1.25),
    "add_": lambda x: x.add_(0.5),
    "fill_": lambda x: x.fill_(0.75),
    "zero_": lambda x: x.zero_(),
    "sin_": lambda x: x.sin_(),
    "item": lambda x: x.__setitem__((0,) * min(x.ndim, 1), 0.5),
    "iadd": lambda x: x.__iadd__(1),
}
CHANGES = {
    "retain": lambda x: x.retain_grad(),
    "requires": lambda x: x.requires_grad_(),
    "forget": lambda x: setattr(x, "grad", None),
    "delete": lambda x: x.__class__.grad.__delete__(x),
}


def functions(library):
    """Return custom functions: one that looks, one that returns what it got, one that writes, one of several results."""

    class Look(library.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.view(*x.shape)

        @staticmethod
        def backward(ctx, g):
            return g * 3

    class Same(library.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    class Write(library.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            x.mul_(2)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    class Saves(library.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(x, y)
            return y, x * 2

        @staticmethod
        def backward(ctx, g, h):
            _, y = ctx.saved_tensors
            return g * y + h * 2

    return {each.__name__: each for each in (Look, Same, Write, Saves)}


class Run:
    """One library's side of a program: its tensors, and what its hooks were shown."""

    def __init__(self, library):
        self.library = library
        self.seen = []
        self.functions = functions(library)
        self.handles = []
        self.untracked = set()
        make = lambda shift: library.tensor((np.arange(6.0).reshape(2, 3) + shift) / 7, dtype=library.float64)
        self.pool = [make(1).requires_grad_(), make(2).requires_grad_(), make(3)]

    def do(self, kind, name, places, extra):
        """Carry out one instruction."""
        xs = [self.pool[place] for place in places]
        getattr(self, kind)(name, *xs, extra)

    def view(self, name, x, extra):
        if not extra:
            self.untracked.add(len(self.pool))
        with self.library.set_grad_enabled(extra):
            self.pool.append(VIEWS[name](x))

    def unary(self, name, x, extra):
        self.pool.append(ARITHMETIC[name](x))

    def binary(self, name, x, y, extra):
        self.pool.append(x * y if name == "mul" else x + y)

    def custom(self, name, x, extra):
        y = self.functions[name].apply(x)
        self.pool.extend(y if isinstance(y, tuple) else (y,))

    def write(self, name, x, extra):
        with self.library.set_grad_enabled(extra):
            WRITES[name](x)

    def copy(self, name, x, y, extra):
        x.copy_(y) if name == "copy" else x.mul_(y)

    def change(self, name, x, extra):
        CHANGES[name](x)

    def hook(self, name, x, extra):
        label = len(self.seen), extra
        assert x.grad_fn is not x  # raises where PyTorch cannot say it, which register_hook itself must not meet
        if name == "grad":
            self.handles.append(x.register_hook(lambda g: self.seen.append((label, g.tolist()))))
        elif name == "scale":
            self.handles.append(x.register_hook(lambda g: g * 1.5))
        elif name == "after":
            self.handles.append(x.register_post_accumulate_grad_hook(lambda p: self.seen.append((label, p.grad.tolist()))))
        else:
            self.handles.append(x.register_post_accumulate_grad_hook(lambda p: p.mul_(0.5)))

    def unhook(self, name, x, extra):
        if self.handles:
            self.handles.pop(extra % len(self.handles)).remove()

    def backward(self, name, x, extra):
        x.sum().backward(retain_graph=name == "retain", create_graph=name == "create")

    def inner(self, name, x, y, extra):
        x.sum().backward(inputs=[y], retain_graph=extra)

    def grad(self, name, x, y, extra):
        (g,) = self.library.autograd.grad(x.sum(), y, allow_unused=True, create_graph=name == "create", retain_graph=True)
        if g is not None:
            self.pool.append(g.clone())

    def state(self):
        """Return all that can be seen. (In PyTorch a view made in no_grad is a leaf that requires grad if its base does.)"""
        pool = []
        for place, x in enumerate(self.pool):
            grad = None if x.grad is None else x.grad.tolist()
            told = () if place in self.untracked else (x.requires_grad, x.is_leaf, x.retains_grad)
            pool.append((x.detach().tolist(), grad, *told))
        return SimpleNamespace(pool=pool, seen=self.seen)


def instruction(draw, pool):
    """Draw one instruction for a pool of lineal's tensors."""
    kind = draw.choices(
        ["view", "unary", "binary", "custom", "write", "copy", "change", "hook", "unhook", "backward", "inner", "grad"],
        [20, 12, 8, 4, 12, 5, 9, 8, 2, 8, 2, 4],
    )[0]
    place = draw.randrange(len(pool))
    x, extra, places = pool[place], draw.random() < 0.9, (place,)
    others = [k for k, each in enumerate(pool) if each.shape == x.shape]
    if kind == "view":
        name, extra = draw.choice(list(VIEWS)), extra or x.requires_grad
        if not x.ndim or not all(x.shape) or (name in ("diagonal", "turn") and x.ndim < 2):
            return None
    elif kind in ("unary", "write", "change", "custom"):
        names = {"unary": ARITHMETIC, "write": WRITES, "change": CHANGES, "custom": ("Look", "Same", "Write", "Saves")}[kind]
        name = draw.choice(list(names))
        if name == "requires" and (x.memory is not None or x.requires_grad):
            return None
        if (name == "item" and not (x.ndim and all(x.shape))) or (name == "rows" and not x.ndim):
            return None
    elif kind in ("binary", "copy"):
        name, places = draw.choice(("mul", "copy")), (place, draw.choice(others))
    elif kind in ("inner", "grad"):
        name, places = draw.choice(("plain", "create")), (place, draw.randrange(len(pool)))
    else:
        choices = {
            "hook": ("grad", "scale", "after", "halve"),
            "unhook": ("",),
            "backward": ("once", "retain", "retain", "create"),
        }
        name, extra = draw.choice(choices[kind]), draw.randrange(100) if kind in ("hook", "unhook") else extra
    return kind, name, places, extra


def attempt(run, step):
    """Carry out an instruction; return the error it raised, if any."""
    try:
        run.do(*step)
    except (RuntimeError, AttributeError, TypeError) as error:
        return error
    return None


def agree(ours, theirs):
    """Return whether two nests of numbers agree."""
    if isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)):
        return len(ours) == len(theirs) and all(agree(a, b) for a, b in zip(ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float):
        return bool(np.isclose(ours, theirs, rtol=1e-9, atol=1e-9, equal_nan=True))
    return type(ours) is type(theirs) and ours == theirs


def follow(seed):
    """Run one random program on both and return what went wrong, with the program, or None."""
    draw = random.Random(seed)
    ours, theirs, program = Run(lineal), Run(torch), []
    for _ in range(draw.randint(4, 18)):
        step = instruction(draw, ours.pool)
        if step is None:
            continue
        program.append(step)
        expected, found = attempt(theirs, step), attempt(ours, step)
        if expected is not None:
            return None
        if found is not None:
            return f"{found!r}", program
        if len(ours.pool) != len(theirs.pool):
            return "another number of tensors", program
    try:
        wanted = theirs.state()
    except RuntimeError:
        return None
    try:
        made = ours.state()
    except RuntimeError as error:
        return f"{error!r} in the end", program
    for place, (a, b) in enumerate(zip(made.pool, wanted.pool)):
        if not agree(a, b):
            return f"tensor {place}: {a} instead of {b}", program
    return None if agree(made.seen, wanted.seen) else (f"hooks saw {made.seen} instead of {wanted.seen}", program)


@pytest.mark.filterwarnings("ignore")
def test_random_programs_do_what_pytorch_does():
    wrong = {seed: found for seed in range(SEEDS) if (found := follow(seed)) is not None}
    assert not wrong, "\n".join(f"seed {seed}: {text}\n  {program}" for seed, (text, program) in list(wrong.items())[:5])
