"""The doctor: what is right passes, and each kind of fault that is put in is found and named."""

import subprocess
import sys

import pytest

import lineal as torch
from lineal import nn, optim
from lineal.compiler.capturing import trace
from lineal.compiler.lowering.rules.table import RULES
from lineal.ops.reductions.sums import Sum
from lineal.testing.doctor import Doctor


def kinds(doctor):
    return [each.kind for each in doctor.findings]


def train(steps=4):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.1)

    @torch.compile
    def step(x):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return [step(torch.full((5, 3), 1.0 + n)).item() for n in range(steps)]


def test_a_training_is_healthy_and_gives_the_numbers_of_eager_code():
    with Doctor() as doctor:
        found = train()
    assert found == pytest.approx(train(), rel=1e-5)
    assert doctor.findings == []
    assert doctor.compared >= 2
    assert "0 faults" in doctor.report()


def test_results_that_are_differentiated_outside():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    with Doctor() as doctor:
        f = torch.compile(lambda x: (w * x).exp())
        for n in range(4):
            f(torch.ones(2) * n).sum().backward()
    assert doctor.findings == []
    assert doctor.compared >= 2
    assert torch.allclose(w.grad, sum(n * torch.exp(w.detach() * n) for n in range(4)))


def test_wrong_numbers_are_found(monkeypatch):
    right = RULES[Sum]
    monkeypatch.setitem(
        RULES, Sum, lambda low, op, y, x: right(low, op, y, low.map(x.shape, x.buffer.dtype, lambda m, x: x + 1, x))
    )
    with Doctor() as doctor:
        f = torch.compile(lambda x: x.sum(0))
        found = [f(torch.ones(3, 2)).tolist() for _ in range(3)]
    assert found == [[3, 3]] * 3
    assert kinds(doctor) == ["wrong numbers"] * 2
    assert "is 6.0 instead of 3.0 at [0] (and 1 more differ)" in doctor.report()


def test_stale_state_is_found(monkeypatch):
    traced = trace.traced

    def careless(*given):
        result, found, left = traced(*given)
        found.guards.clear()
        return result, found, left

    monkeypatch.setattr("lineal.compiler.calling.function.traced", careless)
    scale = {"by": 2.0}
    with Doctor() as doctor:
        f = torch.compile(lambda x: x * scale["by"])
        for n in range(4):
            scale["by"] = 2.0 + n // 2
            assert f(torch.ones(1)).item() == scale["by"]
    assert set(kinds(doctor)) == {"stale state"}


def test_memory_faults_are_found(monkeypatch):
    monkeypatch.setattr("lineal.compiler.calling.memcheck.written_by", lambda group: [])
    with Doctor() as doctor:
        f = torch.compile(lambda x: x.cumsum(0) * 2)
        assert [f(torch.ones(2)).tolist() for _ in range(3)] == [[2, 4]] * 3
    assert kinds(doctor) == ["memory"]


def test_numbers_that_stop_being_finite_and_systems_that_lose_digits():
    with Doctor() as doctor:
        x = torch.tensor([1.0, 0.0])
        torch.full((2,), -torch.inf).fill_(torch.inf)
        (x.log() + 1).sum()
        torch.linalg.solve(torch.tensor([[1.0, 1.0], [1.0, 1.0 + 3e-7]]), torch.ones(2))
    assert kinds(doctor) == ["not finite", "few digits"]
    assert "x.log()" in doctor.findings[0].where
    assert "1 of 2 numbers" in doctor.findings[0].what


def test_what_runs_eagerly_is_said():
    with Doctor() as doctor:
        f = torch.compile(lambda x: x * x.sum().item())
        f(torch.ones(2))
    assert kinds(doctor) == ["runs eagerly"]


@pytest.mark.slow
def test_the_command(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nimport lineal as torch\nf = torch.compile(lambda x: x.exp())\n"
        "for _ in range(3): f(torch.ones(2))\nprint(sys.argv[1:])\n"
        "if 'bad' in sys.argv: print(torch.zeros(1).log())\nif 'fails' in sys.argv: raise ValueError('mine')\n"
    )
    for words, code in ((["a"], 0), (["bad"], 1), (["fails"], 2)):
        done = subprocess.run(
            [sys.executable, "-m", "lineal", "doctor", str(script), *words], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stderr
        assert str(words) in done.stdout
        assert "3 calls of 1 compiled functions, 2 compared with eager code; 0 faults" in done.stdout
    assert "ValueError: mine" in done.stderr
    missing = subprocess.run(
        [sys.executable, "-m", "lineal", "doctor", str(tmp_path / "no.py")], capture_output=True, text=True
    )
    assert missing.returncode == 2
    assert "No such file" in missing.stderr
