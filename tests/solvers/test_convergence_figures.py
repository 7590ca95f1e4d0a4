"""Pictures of convergence."""

import pytest

import lineal as torch
from lineal import solvers

pytest.importorskip("matplotlib", reason="the figures need matplotlib")


def test_curves_are_the_residuals_and_marks_are_the_true_ones(tmp_path):
    A = torch.diag(torch.arange(1.0, 9))
    reports = {
        "CG": solvers.cg(A, torch.ones(8), return_info=True)[1],
        "Jacobi": solvers.jacobi(A, torch.ones(8), return_info=True)[1],
        "Richardson": solvers.richardson(A, torch.ones(8), maxiter=5, return_info=True)[1],
    }
    figure = solvers.plot_convergence(reports, tmp_path / "curves.png")
    (ax,) = figure.axes
    curves = ax.lines[::2]
    assert [len(each.get_ydata()) for each in curves] == [each.iterations + 1 for each in reports.values()]
    assert all(each.get_ydata()[0] == 1 for each in curves)
    assert ax.get_legend().get_texts()[2].get_text() == "Richardson (maxiter)"
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert solvers.plot_convergence({}).axes
