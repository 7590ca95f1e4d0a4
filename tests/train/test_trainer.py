"""`Trainer`: what each setting does to a run, and what a run says when something is wrong."""

from __future__ import annotations

import copy
import csv
import importlib.util
import json
import random

import numpy as np
import pytest

import lineal as torch
from lineal import nn, optim
from lineal.data import CheckpointError, DataLoader, IterableDataset, TensorDataset
from lineal.train import (
    Accuracy,
    Callback,
    Config,
    ConfusionMatrix,
    CSVLog,
    EarlyStopping,
    JSONLog,
    Judged,
    KeepBest,
    TensorBoard,
    Trainer,
    find_rate,
    over_seeds,
)


class Stopped(Exception):  # noqa: N818
    """What the tests stop a run with."""


class Interrupts(Callback):
    """Stops a run after a step."""

    def __init__(self, step):
        self.at = step

    def step(self, trainer, loss):
        if trainer.progress.step == self.at:
            raise Stopped

    def state_dict(self):
        return {}


def points(count=70, classes=3):
    made = torch.Generator().manual_seed(5)
    x = torch.randn(count, 4, generator=made)
    return TensorDataset(x, x[:, :classes].argmax(1))


def trainer_of(config=None, optimizer=optim.Adam, lr=0.01, **given):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Sequential(nn.Dropout(0.2), nn.Linear(8, 3)))
    settings = {"metrics": {"accuracy": Accuracy()}} | given
    if "objective" not in settings:
        settings["loss"] = nn.CrossEntropyLoss()
    return Trainer(model, optimizer(model.parameters(), lr=lr), config=config or Config(epochs=2), **settings)


def fitted(trainer, *data, **given):
    """Train from the same random state on, whatever has drawn before."""
    torch.manual_seed(1)
    return trainer.fit(*data, **given)


def loader(batch_size=16, shuffle=True, **given):
    return DataLoader(points(), batch_size, shuffle=shuffle, **given)


def bits(trainer):
    return [each.detach().numpy().tobytes() for each in trainer.model.state_dict().values()]


def test_a_run_is_the_loop_that_one_would_write():
    trainer = trainer_of(Config(epochs=3, compiled=False))
    history = fitted(trainer, loader(), loader(shuffle=False))
    other = trainer_of()
    model, optimizer = other.model, other.optimizer
    torch.manual_seed(1)
    for _ in range(3):
        for images, labels in loader():
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        model.eval()
        list(loader(shuffle=False))
        model.train()
    assert [each.detach().numpy().tobytes() for each in model.parameters()] == bits(trainer)
    assert list(history[0]) == ["loss", "accuracy", "test_loss", "test_accuracy"]
    assert (trainer.progress.epoch, trainer.progress.step, trainer.progress.samples) == (3, 15, 210)


@pytest.mark.parametrize("optimizer", [optim.Adam, optim.SGD])
def test_compiled_steps_do_what_eager_ones_do(optimizer):
    runs = [trainer_of(Config(epochs=3, compiled=compiled, clip_norm=0.5), optimizer) for compiled in (True, False)]
    for each in runs:
        fitted(each, loader())
    for one, other in zip(*(each.model.parameters() for each in runs)):
        torch.testing.assert_close(one, other)
    assert runs[0].how.startswith("compiled, ")
    assert runs[1].how == "eagerly, as told"


CONFIGS = [
    {},
    {"compiled": False},
    {"accumulate": 2, "average": 0.9, "clip_norm": 1.0},
    {"recompute": ("2",), "schedule_every": "step", "clip_value": 0.1},
]


@pytest.mark.parametrize(("settings", "workers"), [*((each, 0) for each in CONFIGS), ({}, 2)], ids=str)
def test_a_run_that_stops_within_an_epoch_goes_on_bit_for_bit(tmp_path, settings, workers):
    def made(folder):
        trainer = trainer_of(Config(epochs=3, save_every=1, **settings), folder=folder)
        trainer.schedule = optim.lr_scheduler.ExponentialLR(trainer.optimizer, 0.9)
        return trainer, loader(num_workers=workers, generator=torch.Generator().manual_seed(7))

    whole, data = made(None)
    whole.fit(data, loader(shuffle=False))
    for step in (2, 4):
        stopped, data = made(tmp_path)
        stopped.callbacks.append(Interrupts(step))
        with pytest.raises(Stopped):
            stopped.fit(data, loader(shuffle=False), resume=step > 2)
    torch.manual_seed(99)
    random.seed(99)
    np.random.seed(99)
    resumed, data = made(tmp_path)
    resumed.fit(data, loader(shuffle=False), resume=True)
    assert bits(resumed) == bits(whole)
    assert resumed.history == whole.history
    assert resumed.schedule.get_last_lr() == whole.schedule.get_last_lr()


OTHERS = ("Optimizer", "LBFGS", "SparseAdam")
"""The base, one that wants a closure, one for sparse gradients."""
OPTIMIZERS = [getattr(optim, name) for name in optim.__all__ if name not in OTHERS and name[0].isupper()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)
def test_runs_with_every_optimizer_go_on_bit_for_bit(tmp_path, kind):
    def made(folder):
        trainer = trainer_of(Config(epochs=3, save_every=1), folder=folder)
        weights = [each for each in trainer.model.parameters() if each.ndim == 2]
        trainer.optimizer = trainer.step.optimizer = kind(weights, lr=0.01)
        return trainer

    whole, stopped, resumed = made(None), made(tmp_path), made(tmp_path)
    fitted(whole, loader())
    stopped.callbacks.append(Interrupts(9))
    with pytest.raises(Stopped):
        fitted(stopped, loader())
    resumed.fit(loader(), resume=True)
    assert bits(resumed) == bits(whole)
    assert whole.how.startswith("compiled")


class Lazily:
    """A loader of one's own, in whose generator the order is drawn batch by batch."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(7)

    def __iter__(self):
        x, y = points().tensors
        for _ in range(5):
            rows = torch.randint(0, 70, (16,), generator=self.generator)
            yield x[rows], y[rows]


class Endless(IterableDataset):
    """Points that are only iterated."""

    def __iter__(self):
        return iter(points())


@pytest.mark.parametrize("made", [Lazily, lambda: DataLoader(Endless(), 16)], ids=["loader", "iterable"])
def test_loaders_of_other_kinds_go_on_too(tmp_path, made):
    whole = trainer_of(Config(epochs=2, compiled=False))
    fitted(whole, made())
    stopped = trainer_of(Config(epochs=2, save_every=1, compiled=False), folder=tmp_path, callbacks=[Interrupts(8)])
    with pytest.raises(Stopped):
        fitted(stopped, made())
    resumed = trainer_of(Config(epochs=2, compiled=False), folder=tmp_path)
    resumed.fit(made(), resume=True)
    assert bits(resumed) == bits(whole)


def test_batches_that_make_a_step_together_are_one_batch():
    parts, whole = (trainer_of(Config(epochs=2, compiled=False, accumulate=count)) for count in (2, 1))
    for each in (parts, whole):
        each.model[2][0].p = 0.0
    parts.fit(loader(20, shuffle=False))
    whole.fit(loader(40, shuffle=False))
    for one, other in zip(parts.model.parameters(), whole.model.parameters()):
        torch.testing.assert_close(one, other)


def test_the_average_is_evaluated_and_the_weights_go_on():
    trainer = trainer_of(Config(epochs=2, average=0.5, compiled=False))
    weights = []

    class Keeps(Callback):
        def step(self, trainer, loss):
            weights.append(trainer.model[0].weight.detach().clone())

    first = trainer.model[0].weight.detach().clone()
    trainer.callbacks.append(Keeps())
    trainer.fit(loader())
    for each in weights:
        first = 0.5 * first + 0.5 * each
    torch.testing.assert_close(trainer.weights()["0.weight"], first)
    alone = copy.deepcopy(trainer.model)
    alone.load_state_dict(trainer.weights())
    with torch.no_grad():
        x, y = points().tensors
        expected = nn.functional.cross_entropy(alone.eval()(x), y)
    assert trainer.evaluate(loader(70, shuffle=False))["loss"] == pytest.approx(expected.item())
    assert torch.equal(trainer.model[0].weight, weights[-1])


def test_parameters_that_begin_to_learn_later_get_their_state_and_programs(tmp_path):
    def run(folder, resume=False, until=None):
        trainer = trainer_of(Config(epochs=4), folder=folder)

        class Unfreezes(Callback):
            def begin_epoch(self, trainer):
                trainer.model[0].requires_grad_(trainer.progress.epoch >= 2)

        trainer.model[0].requires_grad_(resume)
        trainer.callbacks += [Unfreezes(), *([Interrupts(until)] if until else [])]
        trainer.fit(loader(), resume=resume)
        return trainer

    whole = run(None)
    with pytest.raises(Stopped):
        run(tmp_path, until=17)
    assert bits(run(tmp_path, resume=True)) == bits(whole)
    assert whole.prepared.reason is None


def test_a_model_that_reads_what_changes_runs_eagerly_and_says_so(tmp_path):
    class Scaled(nn.Module):
        scale = 1.0

        def forward(self, x):
            return x * self.scale

    class Changes(Callback):
        def begin_epoch(self, trainer):
            trainer.model[3].scale = 1.0 + trainer.progress.epoch

    def made(folder):
        trainer = trainer_of(Config(epochs=3), callbacks=[Changes()], folder=folder)
        trainer.model.append(Scaled())
        return trainer

    whole = made(None)
    with pytest.warns(UserWarning, match="from now on steps run eagerly"):
        fitted(whole, loader())
    assert whole.how == "eagerly: what a step reads besides its batches has changed in the run"
    stopped, resumed = made(tmp_path), made(tmp_path)
    stopped.callbacks.append(Interrupts(12))
    with pytest.warns(UserWarning), pytest.raises(Stopped):
        fitted(stopped, loader())
    resumed.model[3].scale = 2.0
    resumed.fit(loader(), resume=True)
    assert bits(resumed) == bits(whole)


def test_an_objective_of_ones_own():
    trainer = trainer_of(objective=lambda model, batch: model(batch["x"]).square().mean(), metrics={})
    batches = [{"x": torch.randn(5, 4)} for _ in range(4)]
    assert trainer.fit(batches)[-1]["loss"] < trainer.history[0]["loss"]
    judged = trainer_of(objective=lambda model, batch: Judged(model(batch[0]).mean(), model(batch[0]), batch[1]))
    assert 0 <= judged.fit(loader())[-1]["accuracy"] <= 1


def test_the_order_of_keys_in_a_batch_changes_nothing():
    def difference(model, batch):
        return (model(batch["x"]) - 3 * batch["y"][:, :3]).mean()

    x, y = torch.randn(2, 5, 4)
    batches = [{"x": x, "y": y}, {"x": x, "y": y}, {"y": y, "x": x}, {"x": x, "y": y}]
    losses = []

    class Keeps(Callback):
        def step(self, trainer, loss):
            losses.append(loss)

    trainer = trainer_of(Config(epochs=2), lr=1e-9, objective=difference, metrics={}, callbacks=[Keeps()])
    trainer.model[2][0].p = 0.0
    trainer.fit(batches)
    assert max(losses) - min(losses) < 1e-4


def test_batches_with_strings_run_eagerly_and_say_so():
    trainer = trainer_of(objective=lambda model, batch: model(batch[0]).square().mean(), metrics={})
    trainer.fit([(torch.randn(5, 4), "one"), (torch.randn(5, 4), "two")])
    assert trainer.how == "eagerly: batches hold more than tensors"


@pytest.mark.parametrize("compiled", [True, False])
def test_a_loss_that_is_not_finite_names_op_module_and_line(compiled):
    class Shrinks(nn.Module):
        def forward(self, x):
            return x.relu().log()  # the logarithm of 0

    trainer = trainer_of(Config(epochs=2, compiled=compiled))
    trainer.model.append(Shrinks())
    with pytest.raises(FloatingPointError) as caught:
        trainer.fit(loader())
    message = str(caught.value)
    assert "in step 1 (epoch 1, batch 1)" in message
    assert "log of float32[16, 3]" in message
    assert "in Shrinks '3'" in message
    assert "test_trainer.py" in message
    assert "# the logarithm of 0" in message


def test_early_stopping_and_the_best_weights(tmp_path):
    losses = iter([3.0, 2.0, 2.5, 2.6, 9.0])
    best = KeepBest(tmp_path / "best.safetensors", "watched")
    trainer = trainer_of(Config(epochs=9), callbacks=[EarlyStopping("watched", patience=2), best])
    seen = []

    class Watches(Callback):
        def end_epoch(self, trainer, line):
            line["watched"] = next(losses)
            seen.append(bits(trainer))

    trainer.callbacks.insert(0, Watches())
    trainer.fit(loader())
    assert trainer.progress.epoch == 4
    assert trainer.progress.stopped == "watched has not improved for 2 epochs"
    best.restore(trainer)
    assert bits(trainer) == seen[1]
    with pytest.raises(ValueError, match="monitor: expected one of loss, accuracy, got 'nothing'"):
        trainer_of(callbacks=[EarlyStopping("nothing")]).fit(loader())


def test_a_plateau_lowers_the_rate():
    trainer = trainer_of(Config(epochs=3), lr=1e-3)
    trainer.schedule = optim.lr_scheduler.ReduceLROnPlateau(trainer.optimizer, patience=0, threshold=0.5)
    trainer.fit(loader(), loader(shuffle=False))
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(1e-5)


def test_logs(tmp_path):
    logs = [CSVLog(tmp_path / "h.csv"), JSONLog(tmp_path / "s.jsonl"), TensorBoard(tmp_path / "events")]
    config = Config(epochs=2, save_every=2)
    stopped = trainer_of(config, callbacks=[*logs, Interrupts(8)], folder=tmp_path)
    with pytest.raises(Stopped):
        stopped.fit(loader())
    with (tmp_path / "s.jsonl").open("a") as file:
        file.write('{"step": 9, "lo')
    trainer = trainer_of(config, callbacks=logs, folder=tmp_path)
    trainer.fit(loader(), resume=True)
    rows = list(csv.DictReader((tmp_path / "h.csv").read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == [line["loss"] for line in trainer.history]
    entries = [json.loads(each) for each in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [each["step"] for each in entries if "epoch" not in each] == list(range(1, 11))
    assert [each["epoch"] for each in entries if "epoch" in each] == [1, 2]
    assert len(list((tmp_path / "events").iterdir())) == 2


def test_finding_a_rate_leaves_the_trainer_as_it_was():
    data = loader(generator=torch.Generator().manual_seed(7))
    trainer, other = trainer_of(), trainer_of()
    found = find_rate(trainer, data, 1e-5, 10.0, 60)
    assert 1e-3 < found.suggestion < 1
    assert found.rates == sorted(found.rates)
    assert len(trainer.optimizer.state) == 0
    fitted(trainer, data)
    fitted(other, loader(generator=torch.Generator().manual_seed(7)))
    assert bits(trainer) == bits(other)
    with pytest.raises(ValueError, match="0 < low < high"):
        find_rate(trainer, data, 1.0, 0.1)


def test_several_seeds_and_their_spread():
    spread = over_seeds(lambda seed: {"loss": float(seed)}, range(3))["loss"]
    assert spread[:4] == (1.0, 1.0, 0.0, 2.0)
    assert str(spread) == "1.0000 ± 1.0000 (0.0000 to 2.0000)"
    with pytest.raises(ValueError, match="2 seeds or more"):
        over_seeds(lambda seed: {}, [1])


def test_the_confusion_of_an_evaluation_is_kept_beside_its_numbers():
    trainer = trainer_of(metrics={"accuracy": Accuracy(), "confusion": ConfusionMatrix(3)})
    assert "test_confusion" not in trainer.fit(loader(), loader(shuffle=False))[0]
    matrix = trainer.evaluated["confusion"].compute()
    assert matrix.diagonal().sum().item() == round(trainer.history[-1]["test_accuracy"] * 70)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"accumulate": True},
        {"clip_norm": -1.0},
        {"average": 1.0},
        {"amp": "float64"},
        {"schedule_every": "week"},
        {"seed": -1},
        {"save_every": 0.5},
    ],
    ids=str,
)
def test_settings_that_make_no_sense(settings):
    with pytest.raises(ValueError, match=f"^{next(iter(settings))}: expected"):
        Config(**settings)


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(TypeError, match="either a loss or an objective"):
        Trainer(nn.Linear(2, 2), optim.SGD(nn.Linear(2, 2).parameters(), 0.1))
    with pytest.raises(TypeError, match="LBFGS steps by a closure"):
        trainer_of(optimizer=optim.LBFGS)
    with pytest.raises(ValueError, match="recompute: Sequential has no submodule 'x'; it has 0, 1, 2"):
        trainer_of(Config(recompute=("x",)))
    with pytest.raises(TypeError, match=r"expected batches \(inputs, targets\), got Tensor"):
        trainer_of().fit([torch.randn(3, 4)])
    with pytest.raises(ValueError, match="expected a folder to resume from"):
        trainer_of().fit(loader(), resume=True)
    trainer_of(folder=tmp_path).fit(loader())
    with pytest.raises(ValueError, match="clip_norm: the run to resume has None, got 2"):
        trainer_of(Config(epochs=2, clip_norm=2), folder=tmp_path).fit(loader(), resume=True)
    with pytest.raises(CheckpointError, match="no state of average"):
        Trainer(**vars_of(tmp_path)).fit(loader(), resume=True)


def vars_of(folder):
    """Return the arguments of a trainer with an average that the checkpoint in a folder has not."""
    state = torch.load(folder / "checkpoint.safetensors")
    state["config"]["average"] = 0.5
    torch.save(state, folder / "checkpoint.safetensors")
    model = nn.Linear(4, 3)
    optimizer = optim.Adam(model.parameters())
    return {
        "model": model,
        "optimizer": optimizer,
        "loss": nn.CrossEntropyLoss(),
        "config": Config(2, average=0.5),
        "folder": folder,
    }


@pytest.mark.skipif(importlib.util.find_spec("lineal.amp") is None, reason="there is no lineal.amp")
@pytest.mark.parametrize("amp", ["bfloat16", "float16"])
def test_mixed_precision_learns(amp):
    trainer = trainer_of(Config(epochs=4, amp=amp))
    assert trainer.fit(loader())[-1]["loss"] < trainer.history[0]["loss"]
