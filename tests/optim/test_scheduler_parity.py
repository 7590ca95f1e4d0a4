"""The rates of every scheduler, epoch by epoch, against PyTorch's."""

import itertools

import pytest

import lineal

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these tests")
pytestmark = pytest.mark.parity

CASES = {
    "StepLR": [{"step_size": 3, "gamma": 0.5}],
    "MultiStepLR": [{"milestones": [2, 5, 5, 9]}, {"milestones": []}],
    "ConstantLR": [{}, {"factor": 0.5, "total_iters": 3}],
    "LinearLR": [{}, {"start_factor": 0.1, "end_factor": 0.7, "total_iters": 8}],
    "ExponentialLR": [{"gamma": 0.9}],
    "CosineAnnealingLR": [{"T_max": 5, "eta_min": 0.01}],
    "PolynomialLR": [{}, {"total_iters": 9, "power": 2.0}],
    "LambdaLR": [{"lr_lambda": lambda epoch: 0.95**epoch}],
    "MultiplicativeLR": [{"lr_lambda": lambda epoch: 0.9}],
    "CyclicLR": [
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3},
        {"base_lr": [0.01, 0.02], "max_lr": 0.1, "step_size_up": 2, "step_size_down": 3, "mode": "triangular2"},
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "mode": "exp_range", "gamma": 0.9, "cycle_momentum": False},
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "scale_fn": lambda x: 0.9**x, "scale_mode": "iterations"},
    ],
    "CosineAnnealingWarmRestarts": [{"T_0": 3}, {"T_0": 2, "T_mult": 2, "eta_min": 0.01}],
    "OneCycleLR": [
        {"max_lr": 0.5, "total_steps": 13},
        {"max_lr": [0.5, 0.2], "epochs": 2, "steps_per_epoch": 8, "three_phase": True, "anneal_strategy": "linear"},
        {"max_lr": 0.1, "total_steps": 20, "cycle_momentum": False, "pct_start": 0.5},
    ],
}
PAIRS = [(name, options) for name, several in CASES.items() for options in several]


def optimizer(library, method="SGD", **options):
    tensors = [library.ones(2, requires_grad=True) for _ in range(2)]
    groups = [{"params": tensors[:1]}, {"params": tensors[1:], "lr": 0.3}]
    return getattr(library.optim, method)(groups, lr=0.1, **options)


def course(library, name, options, steps=12, **kind):
    """Return what the groups hold after each step."""
    o = optimizer(library, **kind)
    scheduler = getattr(library.optim.lr_scheduler, name)(o, **options)
    seen = [held(o, scheduler)]
    for _ in range(steps):
        o.step()
        scheduler.step()
        seen.append(held(o, scheduler))
    return seen


def held(o, scheduler):
    momenta = [group.get("momentum", group.get("betas", [0])[0]) for group in o.param_groups]
    return [*scheduler.get_last_lr(), *(group["lr"] for group in o.param_groups), *momenta]


@pytest.mark.parametrize(("name", "options"), PAIRS)
@pytest.mark.parametrize("kind", [{"momentum": 0.9}, {"method": "Adam"}], ids=["sgd", "adam"])
def test_rates(name, options, kind):
    mine, theirs = (course(library, name, options, **kind) for library in (lineal, torch))
    for found, expected in zip(mine, theirs):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("name", "options"), PAIRS)
def test_a_scheduler_goes_on_from_its_state(name, options):
    straight = course(lineal, name, options, momentum=0.9)
    o = optimizer(lineal, momentum=0.9)
    scheduler = getattr(lineal.optim.lr_scheduler, name)(o, **options)
    for _ in range(5):
        o.step()
        scheduler.step()
    later = optimizer(lineal, momentum=0.9)
    resumed = getattr(lineal.optim.lr_scheduler, name)(later, **options)
    later.load_state_dict(o.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    for expected in straight[6:]:
        later.step()
        resumed.step()
        assert held(later, resumed) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("name", "options"), PAIRS)
@pytest.mark.parametrize("kind", [{"momentum": 0.9}, {"method": "Adam"}], ids=["sgd", "adam"])
def test_states_have_the_same_entries_and_go_over(name, options, kind):
    states = []
    for library in (lineal, torch):
        o = optimizer(library, **kind)
        scheduler = getattr(library.optim.lr_scheduler, name)(o, **options)
        for _ in range(4):
            o.step()
            scheduler.step()
        states.append((o, scheduler, scheduler.state_dict()))
    (_, mine, my_state), (_, theirs, their_state) = states
    assert my_state.keys() == their_state.keys()
    for key, value in their_state.items():
        if isinstance(value, float):
            assert my_state[key] == pytest.approx(value, rel=1e-12)
    mine.load_state_dict(dict(their_state))
    theirs.load_state_dict(dict(my_state))
    for _ in range(4):
        for o, scheduler, _ in states:
            o.step()
            scheduler.step()
        assert held(*states[0][:2]) == pytest.approx(held(*states[1][:2]), rel=1e-12)


@pytest.mark.parametrize(("name", "options"), PAIRS)
@pytest.mark.filterwarnings("ignore")
def test_jumps_to_an_epoch(name, options):
    courses = []
    for library in (lineal, torch):
        o = optimizer(library, momentum=0.9)
        scheduler = getattr(library.optim.lr_scheduler, name)(o, **options)
        seen = []
        for epoch in (None, 4, None, 2, 7, None, 0, None, None, *((2.5, None, 5.25) if name.endswith("Restarts") else ())):
            o.step()
            scheduler.step(epoch)
            seen.append([scheduler.last_epoch, *held(o, scheduler)])
        courses.append(seen)
    for found, expected in zip(*courses):
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("name", "options"), PAIRS)
@pytest.mark.filterwarnings("ignore")
def test_a_rate_that_is_a_tensor(name, options):
    courses = []
    for library in (lineal, torch):
        o = library.optim.SGD(
            [library.ones(2, requires_grad=True)], lr=library.tensor(0.5, dtype=library.float64), momentum=0.9
        )
        options = {
            key: value[0] if isinstance(value, list) and key != "milestones" else value for key, value in options.items()
        }
        scheduler, rate = getattr(library.optim.lr_scheduler, name)(o, **options), o.param_groups[0]["lr"]
        seen = []
        for _ in range(12):
            o.step()
            scheduler.step()
            assert o.param_groups[0]["lr"] is rate
            seen.append(float(rate))
        courses.append(seen)
    assert courses[0] == pytest.approx(courses[1], rel=1e-12)


def warned(library, act):
    with pytest.warns(UserWarning) as caught:
        act(library)
    return [str(each.message)[:30] for each in caught]


def step_first(library):
    library.optim.lr_scheduler.StepLR(optimizer(library), 3).step()


def step_of_another(library):
    o = optimizer(library)
    scheduler = library.optim.lr_scheduler.StepLR(o, 3)
    o.step = lambda: None
    scheduler.step()


def rates_from_outside(library):
    library.optim.lr_scheduler.StepLR(optimizer(library), 3).get_lr()


@pytest.mark.parametrize("act", [step_first, step_of_another, rates_from_outside])
def test_warnings(act):
    assert warned(lineal, act) == warned(torch, act)


PARTS = {
    "LinearLR": {"start_factor": 0.1, "total_iters": 3},
    "CosineAnnealingLR": {"T_max": 4, "eta_min": 0.01},
    "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2},
    "StepLR": {"step_size": 2, "gamma": 0.5},
    "PolynomialLR": {"total_iters": 4, "power": 2.0},
    "MultiplicativeLR": {"lr_lambda": lambda epoch: 0.9},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 2},
    "OneCycleLR": {"max_lr": 0.5, "total_steps": 40},
}
FORMS = {
    "later": lambda kinds, o, a, b: kinds.SequentialLR(o, [a, b], [3]),
    "at once": lambda kinds, o, a, b: kinds.SequentialLR(o, [a, b], [0]),
    "both": lambda kinds, o, a, b: kinds.ChainedScheduler([a, b]),
    "nested": lambda kinds, o, a, b: kinds.SequentialLR(
        o, [kinds.SequentialLR(o, [a, b], [2]), kinds.ExponentialLR(o, 0.8)], [5]
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore")
def test_every_pair(form):
    for first, second in itertools.product(PARTS, repeat=2):
        courses = []
        for library in (lineal, torch):
            o, kinds = optimizer(library, momentum=0.9), library.optim.lr_scheduler
            parts = (getattr(kinds, name)(o, **PARTS[name]) for name in (first, second))
            scheduler = FORMS[form](kinds, o, *parts)
            seen = []
            for _ in range(9):
                seen += held(o, scheduler)
                o.step()
                scheduler.step()
            courses.append(seen)
        assert courses[0] == pytest.approx(courses[1], rel=1e-12), (first, second)


def test_all_at_once():
    courses = []
    for library in (lineal, torch):
        o, kinds = optimizer(library), library.optim.lr_scheduler
        scheduler = kinds.ChainedScheduler([kinds.ConstantLR(o, 0.1, 2), kinds.ExponentialLR(o, 0.5)])
        seen = [scheduler.get_last_lr()]
        for _ in range(6):
            o.step()
            scheduler.step()
            seen.append([*scheduler.get_last_lr(), *(group["lr"] for group in o.param_groups)])
        courses.append((seen, scheduler.state_dict().keys()))
    assert courses[0][1] == courses[1][1]
    for found, expected in zip(courses[0][0], courses[1][0]):
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "max", "patience": 1, "factor": 0.5},
        {"mode": "max", "patience": 0, "threshold": 0.5, "cooldown": 1},
        {"patience": 0, "cooldown": 2, "min_lr": [0.02, 0.1]},
        {"threshold": 0.3, "threshold_mode": "abs", "patience": 2},
    ],
)
def test_waiting_for_a_plateau(options):
    values = (
        [1.0, 0.9, 0.85, 0.85, 0.84, 0.9, 1.1, 1.2, 1.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
        + [0.3] * 15
        + [-0.1, -1.0, -1.1, -1.4, -2.0]
    )
    courses, states = [], []
    for library in (lineal, torch):
        o = optimizer(library)
        scheduler = library.optim.lr_scheduler.ReduceLROnPlateau(o, **options)
        seen = []
        for value in values:
            scheduler.step(library.tensor(value))
            seen.append([*scheduler.get_last_lr(), scheduler.num_bad_epochs, scheduler.in_cooldown])
        courses.append(seen)
        states.append(scheduler.state_dict())
    assert states[0] == states[1]
    for found, expected in zip(*courses):
        assert found == pytest.approx(expected, rel=1e-12)


def test_one_after_the_other():
    courses = []
    for library in (lineal, torch):
        o, kinds = optimizer(library), library.optim.lr_scheduler
        parts = [kinds.LinearLR(o, 0.1, total_iters=3), kinds.ExponentialLR(o, 0.8), kinds.ConstantLR(o, 0.5, 2)]
        scheduler = kinds.SequentialLR(o, parts, milestones=[4, 8])
        seen = [scheduler.get_last_lr()]
        for _ in range(12):
            o.step()
            scheduler.step()
            seen.append([*scheduler.get_last_lr(), *(group["lr"] for group in o.param_groups)])
        courses.append(seen)
    for found, expected in zip(*courses):
        assert found == pytest.approx(expected, rel=1e-12)


def test_every_scheduler_can_be_saved(tmp_path):
    for name, options in PAIRS:
        if "lr_lambda" not in options and "scale_fn" not in options:
            scheduler = getattr(lineal.optim.lr_scheduler, name)(optimizer(lineal, momentum=0.9), **options)
            lineal.save(scheduler.state_dict(), tmp_path / "state")
            assert lineal.load(tmp_path / "state")["last_epoch"] == 0


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("LinearLR", {"start_factor": 0.0}, "start_factor"),
        ("ConstantLR", {"factor": 1.5}, "factor"),
        ("ReduceLROnPlateau", {"factor": 1.0}, "factor"),
        ("ReduceLROnPlateau", {"mode": "low"}, "mode low is unknown"),
        ("OneCycleLR", {"max_lr": 0.1}, "total_steps"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 0}, "positive integer for total_steps"),
        ("SequentialLR", {"schedulers": [], "milestones": []}, "at least one"),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "mode": "square", "cycle_momentum": False}, "mode square"),
        ("CyclicLR", {"base_lr": [0.1], "max_lr": 0.2}, "base_lr"),
        ("CosineAnnealingWarmRestarts", {"T_0": 0}, "T_0"),
        ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 0.5}, "T_mult"),
    ],
)
def test_refusals(name, options, message):
    for library in (lineal, torch):
        with pytest.raises(ValueError) as caught:
            getattr(library.optim.lr_scheduler, name)(optimizer(library), **options)
        if library is lineal:
            assert message in str(caught.value)


def test_one_cycle_ends():
    o = optimizer(lineal, momentum=0.9)
    scheduler = lineal.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=3)
    for _ in range(3):
        o.step()
        scheduler.step()
    with pytest.raises(ValueError, match="tried to step 4 times"):
        scheduler.step()
