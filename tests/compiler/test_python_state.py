"""A compiled function follows Python's state: after every change it gives what the function gives, or runs eagerly and says so.

The programs are in `states/*.txt`. A block: `== name | compiled, eager or either`, a source that defines `f`, and below `--`
the changes between calls, one statement each; `-- differs` instead: each call gives something else.
"""

import ast
import asyncio
import dataclasses
import functools
import sys
import warnings
from pathlib import Path

import pytest

import lineal
from lineal import nn
from lineal.compiler.capturing.instructions import KNOWN


class Box:
    """An object with attributes."""

    def __init__(self, **values):
        self.__dict__.update(values)


def programs():
    """Yield the programs of the files: name, whether they stay compiled, source, changes."""
    for path in sorted((Path(__file__).parent / "states").glob("*.txt")):
        for block in path.read_text(encoding="utf-8").split("\n== ")[1:]:
            head, _, rest = block.partition("\n")
            name, _, kept = head.partition(" | ")
            source, _, changes = rest.partition("\n-- ")
            yield pytest.param(kept.strip(), source, changes, id=name)


def world(source):
    """Return the namespace of a program."""
    lineal.manual_seed(0)
    space = {"torch": lineal, "nn": nn, "Box": Box, "__name__": "a_program"}
    exec(source, space)
    return space


def statements(changes):
    """Return the single statements of changes."""
    return [ast.unparse(each) for each in ast.parse(changes.removeprefix("changes")).body]


def outcome(function, x):
    """Return what a function gives, or the kind of error."""
    try:
        return function(x)
    except Exception as error:
        return type(error)


def equal(a, b):
    if isinstance(a, type) or isinstance(b, type):
        return a is b
    return lineal.allclose(lineal.as_tensor(a), lineal.as_tensor(b), equal_nan=True)


def warned(caught):
    """Return how often a function was said to run eagerly."""
    return sum("runs eagerly" in str(each.message) for each in caught)


@pytest.mark.parametrize(("kept", "source", "changes"), list(programs()))
def test_state_is_followed(kept, source, changes):
    x = lineal.arange(3.0) + 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        one, other = world(source), world(source)
        compiled = lineal.compile(one["f"])
        if changes.strip() == "differs":
            assert len({str(compiled(x)) for _ in range(4)}) > 1
        else:
            for change in ["pass", *statements(changes)]:
                exec(change, one)
                exec(change, other)
                for _ in range(3):
                    found, expected = outcome(compiled, x), outcome(other["f"], x)
                    assert equal(found, expected), f"after {change}: {found} for {expected}, {compiled.eager}"
    assert kept == "either" or kept == ("compiled" if compiled.eager is None else "eager"), compiled.eager
    assert warned(caught) == (compiled.eager is not None)


class Settings:
    """Settings of a trainer, some of which the step reads."""

    def __init__(self):
        self.scale, self.clip, self.names = 0.5, 1.0, ["a"]


class Trainer:
    """What people write: a model, an optimizer, settings, and counters that the step does not read."""

    def __init__(self, settings):
        self.model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), Residual(4), nn.Linear(4, 1))
        self.optimizer = lineal.optim.AdamW(self.model.parameters(), lr=0.01)
        self.schedule = lineal.optim.lr_scheduler.StepLR(self.optimizer, 5)
        self.settings, self.step, self.history = settings, 0, []
        self.losses = {"mse": nn.functional.mse_loss, "l1": nn.functional.l1_loss}

    def loss(self, x, y):
        return self.settings.scale * self.losses["mse"](self.model(x), y)

    def train(self, x, y):
        self.optimizer.zero_grad()
        loss = self.loss(x, y)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.optimizer.step()
        return loss


class Residual(nn.Module):
    """A list of layers, a setting, a call of a function."""

    def __init__(self, size):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(size, size) for _ in range(2)])
        self.act, self.weight_of = nn.functional.gelu, 0.5

    def forward(self, x):
        for layer in self.layers:
            x = x + self.weight_of * self.act(layer(x))
        return x


def test_ordinary_steps_stay_compiled():
    trainer = Trainer(Settings())
    seen = []
    trainer.model[0].register_forward_hook(lambda module, given, y: y * 1.0)
    train = lineal.compile(trainer.train)
    for k in range(12):
        loss = train(lineal.randn(8, 3), lineal.randn(8, 1))
        trainer.step += 1
        trainer.history.append(loss)
        trainer.settings.names.append("b")
        trainer.schedule.step()
        seen.append(loss)
        assert k < 4 or train.eager is None, train.eager
    assert train.compilations == 1
    trainer.settings.scale = 0.25
    before = train.compilations
    for _ in range(5):  # a trace during which another thread collects makes no program
        train(lineal.randn(8, 3), lineal.randn(8, 1))
        if train.compilations > before:
            break
    assert train.compilations == before + 1


def test_what_is_no_plain_function_falls_back_too():
    """Modules, partial functions, methods, objects, builtins: what cannot be compiled runs eagerly, with one warning."""

    class Scaled(nn.Module):
        def forward(self, x):
            return x / x.max().item()

    class Called:
        __slots__ = ()

        def __call__(self, x):
            return x / x.max().item()

        @classmethod
        def of_class(cls, x):
            return x / x.max().item()

        def method(self, x):
            return x / x.max().item()

    functions = [
        Scaled(),
        functools.partial(Called.method, None),
        Called(),
        Called.of_class,
        Called().method,
        lineal.Tensor.tolist,
    ]
    for each in functions:
        compiled = lineal.compile(each)
        with pytest.warns(UserWarning, match="runs eagerly"):
            results = [compiled(lineal.tensor([1.0, 2.0])) for _ in range(3)]
        assert all(str(y) == str(each(lineal.tensor([1.0, 2.0]))) for y in results)


def test_generators_and_coroutines_run_eagerly():
    scale = 2.0

    def generated(x):
        yield x * scale

    async def awaited(x):
        return x * scale

    for each in (generated, awaited):
        compiled = lineal.compile(each)
        with pytest.warns(UserWarning, match="returns an iterator or a coroutine"):
            made = [compiled(lineal.ones(1)) for _ in range(3)]
        scale = 5.0
        for y in made:
            found = next(iter(y)) if each is generated else asyncio.run(y)
            assert found.item() == 5.0
        scale = 2.0


def test_an_unknown_instruction_leaves_the_function_eager(monkeypatch):
    def function(x):
        return -x

    monkeypatch.setattr("lineal.compiler.capturing.instructions.KNOWN", KNOWN - {"UNARY_NEGATIVE"})
    compiled = lineal.compile(function)
    with pytest.warns(UserWarning, match="function has the instruction UNARY_NEGATIVE, which is not known"):
        assert compiled(lineal.ones(1)).item() == -1


def test_profilers_hear_again_when_a_call_was_traced():
    heard = []

    def profile(frame, event, given):
        heard.append(frame.f_code.co_name)

    def inner(x):
        return x + 1

    def after():
        return None

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        lineal.compile(inner)(lineal.ones(1))
        after()
    finally:
        sys.setprofile(before)
    assert "after" in heard


def test_equality_of_arguments_is_not_asked():
    """A frozen dataclass of numbers is known by its fields, any other object by being the same."""

    class Sly:
        def __init__(self, scale):
            self.scale = scale

        def __hash__(self):
            return 1

        def __eq__(self, other):
            raise AssertionError

    @dataclasses.dataclass(frozen=True)
    class Plain:
        scale: float = dataclasses.field(compare=False)

    compiled = lineal.compile(lambda x, settings: x * settings.scale)
    for scale in (1.0, 2.0, 1.0, 2.0):
        assert compiled(lineal.ones(1), Sly(scale)).item() == scale
        assert compiled(lineal.ones(1), Plain(scale)).item() == scale
