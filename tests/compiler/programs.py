"""Random programs: steps that are drawn while they run, so that every step fits the shapes that are there.

A program has inputs, parameters (leaves that it reaches, differentiates by and updates) and buffers (constants that it writes
into). It is a list of steps `values → value`, so that it can be run again, eagerly or compiled, on other numbers.
"""

from __future__ import annotations

import numpy as np
from steps import DRAWS, FLOATS, KINDS

import lineal as torch


class Values(list):
    """All values so far; and the buffers, which only steps that store look at."""

    buffers = ()


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
        self.grads = ("anew", "kept", "forgotten", "zeroed")[max(0, int(self.random.integers(-3, 4)))]
        self.outside = bool(self.parameters) and not self.writes_input and int(self.random.integers(4)) == 0
        self.skips = int(self.random.integers(6)) == 0
        self.branches = self.skips
        parameters, buffers = self.state()
        self.pool = Values([*self.inputs(0), *parameters])
        self.pool.buffers = buffers
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
            values = Values([*inputs, *parameters])
            values.buffers = buffers
            for step in self.steps:
                values.append(step(values))
            results = [values[n] for n in self.results]
            if not self.outside:
                self.learn(results, parameters, self.skips and bool((inputs[0] > 0.5).any()))
            with torch.no_grad():
                for buffer in buffers:
                    buffer.mul_(0.5)
                    buffer[0].add_(inputs[0].mean())
                    buffer[-1:].copy_(buffer[:1] * 0.25)
                if self.writes_input:
                    inputs[-1].mul_(0.5)
                    inputs[-1][0].add_(1)
            return results if self.outside else [y.detach() for y in results]

        return program

    def learn(self, results, parameters, skip=False):
        """Differentiate the results by the parameters and update these, unless they are to be left as they are."""
        graded = [y for y in results if y.requires_grad and y.is_floating_point() and y.numel()]
        if self.grads == "anew":
            for p in parameters:
                p.grad = None
        if graded:
            sum((y * y).mean() for y in graded).backward()
        if skip:
            return
        with torch.no_grad():
            for p in parameters:
                if p.grad is not None:
                    p.sub_(p.grad.clamp(-1, 1) * self.rate)
                    if self.grads == "zeroed":
                        p.grad.zero_()
                if self.grads == "forgotten":
                    p.grad = None

    def __str__(self):
        head = [
            f"# {self.dtype}, inputs {self.shapes}, parameters {self.parameters}, buffers {self.buffers}",
            f"# layouts {self.layouts}, the last input is written: {self.writes_input}, grads are {self.grads}",
            f"# differentiated outside: {self.outside}, skips updates: {self.skips}",
        ]
        return "\n".join([*head, *self.text, f"return {self.results}"])
