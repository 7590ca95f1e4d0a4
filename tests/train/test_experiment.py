"""A training run: it learns, it stops, it goes on bit for bit."""

import pytest

import lineal
from lineal import data, train
from lineal.train import CHECKPOINT
from lineal.train.experiment import Experiment
from lineal.train.options import Options


def run(options, folder=None):
    experiment = Experiment(options, folder)
    experiment.run()
    return experiment


def fingerprint(experiment):
    tensors = [*experiment.model.parameters()]
    for entry in experiment.optimizer.state_dict()["state"].values():
        tensors += entry.values()
    return [tensor.detach().numpy().tobytes() for tensor in tensors]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_six_epochs_are_three_and_three_more(tmp_path, optimizer):
    given = {"optimizer": optimizer, "hidden": (16, 8), "batch_size": 100, "seed": 5}
    straight = run(Options(epochs=6, **given))
    run(Options(epochs=3, **given), tmp_path)
    lineal.manual_seed(99)
    resumed = Experiment.resumed(tmp_path, {"epochs": 6})
    resumed.run(resume=True)
    assert fingerprint(resumed) == fingerprint(straight)
    assert resumed.history == straight.history
    assert lineal.equal(resumed.generator.get_state(), straight.generator.get_state())


def test_a_seed_decides_the_run():
    one, same, other = (run(Options(hidden=(8,), seed=seed, epochs=1)) for seed in (1, 1, 2))
    assert fingerprint(one) == fingerprint(same)
    assert fingerprint(one) != fingerprint(other)


def test_the_defaults_reach_the_promised_accuracy():
    experiment = Experiment(Options())
    assert experiment.evaluate()["accuracy"] < 0.3
    experiment.run()
    accuracy = experiment.evaluate()["accuracy"]
    assert accuracy >= 0.97
    assert experiment.history[-1]["loss"] < 0.1 < experiment.history[0]["loss"]
    assert experiment.trainer.progress.seconds > 0
    matrix = experiment.confusion()
    assert matrix.sum().item() == len(experiment.test)
    assert matrix.sum(1).tolist() == experiment.test.tensors[1].bincount().tolist()
    assert matrix.diagonal().sum().item() == round(accuracy * len(experiment.test))


@pytest.mark.parametrize("options", [{"optimizer": "sgd"}, {"model": "cnn", "hidden": (8,)}, {"model": "linear"}], ids=str)
def test_other_optimizers_and_models_learn_too(options):
    assert run(Options(epochs=6, schedule="cosine", **options)).evaluate()["accuracy"] > 0.85


def test_parameter_count():
    assert Experiment(Options(hidden=(128, 64))).parameter_count == 65 * 128 + 129 * 64 + 65 * 10


@pytest.mark.parametrize("content", [{"kind": "something else"}, [1, 2], {"kind": "lineal trainer 1"}])
def test_other_checkpoints_are_refused(tmp_path, content):
    data.save(content, tmp_path / CHECKPOINT)
    with pytest.raises(data.CheckpointError, match=CHECKPOINT):
        Experiment.resumed(tmp_path, {})


def test_a_checkpoint_with_other_weights_is_refused(tmp_path):
    run(Options(hidden=(4,), epochs=1), tmp_path)
    state = data.load(tmp_path / CHECKPOINT)
    state["model"]["1.weight"] = lineal.zeros(3, 3)
    data.save(state, tmp_path / CHECKPOINT)
    with pytest.raises(data.CheckpointError, match=r"size mismatch for 1\.weight"):
        Experiment.resumed(tmp_path, {}).run(resume=True)


def test_only_the_epochs_may_change(tmp_path):
    run(Options(hidden=(4,), epochs=1), tmp_path)
    assert Experiment.resumed(tmp_path, {"epochs": 9, "seed": 0, "hidden": (4,)}).options.epochs == 9
    with pytest.raises(ValueError, match="hidden: the run to resume has 4"):
        Experiment.resumed(tmp_path, {"hidden": (5,)})


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"batch_size": -1},
        {"batch_size": 2.0},
        {"lr": 0.0},
        {"lr": float("nan")},
        {"lr": "fast"},
        {"optimizer": "lbfgs"},
        {"hidden": (3, 0)},
        {"seed": -1},
        {"seed": True},
    ],
    ids=str,
)
def test_options_that_make_no_sense(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Options(**options)


def test_the_learning_rate_depends_on_the_optimizer():
    assert Options().lr == 2e-3
    assert Options(optimizer="sgd").lr == 0.05
    assert Options(lr=0.5).lr == 0.5


def test_figures(tmp_path):
    pytest.importorskip("matplotlib", reason="the figures need matplotlib")
    line = {"loss": 1.0, "accuracy": 0.5, "test_loss": 1.0, "test_accuracy": 0.5}
    train.figures.learning_curve([line, line], tmp_path / "curve.png")
    train.figures.confusion(lineal.tensor([[3, 1], [0, 0]]), tmp_path / "confusion.png")
    for name in ("curve.png", "confusion.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
