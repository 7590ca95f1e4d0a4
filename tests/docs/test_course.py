"""Every chapter of the course runs as a program in less than twenty seconds, and what its text claims is so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "docs" / "course").glob("[0-9]*.py"))
SECONDS = 20

CLAIMS = {
    "01": ["stays.abs().max() < 1e-6", "torch.linalg.matrix_rank(motions['projection']) == 1"],
    "02": [
        "warned[-1] and not warned[0]",
        "all(e < 10 * c * torch.finfo(torch.float64).eps for e, c in zip(errors, conditions))",
        "max(by_solving) < 1e-14 and by_inverting[-1] > 1e6 * by_solving[-1]",
    ],
    "03": ["max(gaps) < 1e-12", "torch.allclose(root @ root, S)", "torch.linalg.eigvalsh(covariance).min() < 0"],
    "04": ["(A.T @ residual).abs().max() < 1e-10", "by_normal[-1] > 1e4 * by_qr[-1]", "0.2 < kept[1] < 0.4"],
    "05": ["max(differences) < 1e-12 and len(differences) == 16", "one_sided.sub(true).abs().min() > 1e-11"],
    "06": [
        "abs(d_w - w.grad.item()) < 1e-5 and abs(d_x - x.grad.item()) < 1e-5",
        "seen == [2, 4, 6]",
        "left['sigmoid'][-1] < 1e-11",
    ],
    "07": [
        "ends[0.07] < ends[0.01] < ends[0.081]",
        "valley(paths['momentum'][-1]) < valley(paths['SGD'][-1])",
        "max(heights) - min(heights) > 0.3",
    ],
    "08": ["0.9 < curves['softmax regression'][-1] < curves['MLP'][-1]", "torch.equal(before, cnn[1].weight)"],
    "09": ["losses[-1] < 1e-3 * losses[0]", "(torch.tensor(forecast) - future[:, 0])[:30].abs().max() < 0.1", "right == 1"],
    "10": [
        "total == 256 and ones.sum() == 1000",
        "curves['autocast'][-1] < 1.2 * curves['float32'][-1] < curves['bfloat16 throughout'][-1] / 10",
    ],
    "11": [
        "len(curves['conjugate gradients']) <= 12 and curves['Gauss-Seidel'][-1] < curves['Jacobi'][-1]",
        "len(residuals['multigrid']) < len(residuals['incomplete Cholesky']) < len(residuals['no preconditioner'])",
    ],
    "12": [
        "(shards.mean(0) - whole).abs().max() < 1e-14",
        "all(count == p for row in pictures[-1] for count in row)",
        "'True' in run.stdout",
    ],
    "13": ["((throws == 6).float().mean(1) - 1 / 6).abs().max() < 0.02", "abs(centres.detach().min() + 1.5) < 0.15"],
}

RUN = """
import runpy, sys, time
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
before = time.process_time()
space = runpy.run_path(sys.argv[1])
assert time.process_time() - before < {seconds}, "too slow"
figures = [plt.figure(number) for number in plt.get_fignums()]
assert figures and all(len(figure.get_label()) > 40 for figure in figures), "a figure has no label"
for claim in {claims!r}:
    assert eval(claim, space), claim
"""


def test_every_chapter_has_claims():
    assert {path.name[:2] for path in CHAPTERS} == CLAIMS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_and_says_what_is_so(chapter):
    pytest.importorskip("matplotlib")
    program = RUN.format(seconds=SECONDS, claims=CLAIMS[chapter.name[:2]])
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", program, str(chapter)], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert "Warning" not in run.stderr, run.stderr
