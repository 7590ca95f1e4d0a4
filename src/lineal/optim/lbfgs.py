"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lineal.base.signatures import Tensor
from lineal.core import enable_grad, modes, no_grad
from lineal.ops import cat, view_as_real
from lineal.optim.linesearch import Point, WolfeSearch, cubic_minimum
from lineal.optim.optimizer import Optimizer, Params
from lineal.optim.options import check_rate, scalar

__all__ = ["LBFGS"]

R = TypeVar("R")


class LBFGS(Optimizer):
    """p ← p + t d with d = -H g, where H ≈ (∇²f)⁻¹ is made of the last `history_size` changes of p and g.

    Nocedal (1980); Nocedal and Wright (2006), algorithm 7.4. A step makes up to `max_iter` iterations and calls the closure
    about `max_eval` times, 5/4 of them by default. t is `lr`, or what `line_search_fn="strong_wolfe"` finds. There is one
    group of parameters, whose state lies at the first of them. A compiled function that makes a step runs eagerly, with one
    warning; the closure may be a compiled function.
    """

    _by_element_ = False

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ):
        check_rate(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list[Any]:
        return self.param_groups[0]["params"]

    def step(self, closure: Callable[[], R]) -> R:  # type: ignore[override]
        """Make iterations until one of them is the last; return the first loss.

        `closure` clears the grads, computes the loss and its grads, and returns the loss.
        """
        listener = modes.recorder.get()
        if listener is not None:
            listener.searches(
                "LBFGS decides by numbers how often it calls its closure: compile the closure instead of the step"
            )
        state, group = self.state[self._params[0]], self.param_groups[0]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with no_grad():
            evaluate = enable_grad()(closure)
            first: Any = evaluate()
            state["func_evals"] += 1
            grad = self._gather_flat_grad()
            if not largest(grad) <= group["tolerance_grad"]:
                self._iterate_(state, group, evaluate, float(first), grad)
        return first

    def _iterate_(self, state: dict[str, Any], group: dict[str, Any], evaluate: Callable, loss: float, grad: Any) -> None:
        evaluations, most, tolerance, lr = 1, group["max_iter"], group["tolerance_change"], float(scalar(group["lr"]))
        for turn in range(1, most + 1):
            state["n_iter"] += 1
            direct(state, grad, group["history_size"])
            d = state["d"]
            state["prev_flat_grad"], state["prev_loss"] = grad.clone(), loss
            state["t"] = t = min(1.0, 1.0 / float(grad.abs().sum())) * lr if state["n_iter"] == 1 else lr
            start = Point(0.0, loss, grad, float(grad.dot(d)))
            if start.slope > -tolerance:
                break
            if group["line_search_fn"] is not None:
                loss, grad, t, spent = self._search_(evaluate, start, t, d, group, group["max_eval"] - evaluations)
                self._add_grad(t, d)
            else:
                self._add_grad(t, d)
                if turn == most:
                    # where the function differs from call to call, a value would say nothing
                    break
                loss, spent = float(evaluate()), 1
                grad = self._gather_flat_grad()
            state["t"] = t
            evaluations += spent
            state["func_evals"] += spent
            is_optimal = largest(grad) <= group["tolerance_grad"] or t * largest(d) <= tolerance
            if evaluations >= group["max_eval"] or is_optimal or abs(loss - start.f) < tolerance:
                break

    def _search_(
        self, evaluate: Callable, start: Point, t: float, d: Any, group: dict[str, Any], most: int
    ) -> tuple[float, Any, float, int]:
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        x = [each.clone() for each in self._params]
        return _strong_wolfe(
            lambda x, t, d: self._directional_evaluate(evaluate, x, t, d),
            *(x, t, d, start.f, start.g, start.slope),
            max_ls=most,
        )

    def _directional_evaluate(self, closure: Callable, x: list[Any], t: float, d: Any) -> tuple[float, Any]:
        self._add_grad(t, d)
        loss = float(closure())
        grad = self._gather_flat_grad()
        for parameter, values in zip(self._params, x):
            parameter.copy_(values)
        return loss, grad

    def _gather_flat_grad(self) -> Any:
        grads = [each.detach() * 0 if each.grad is None else each.grad for each in self._params]
        return cat([real(each).reshape(-1) for each in grads])

    def _add_grad(self, step_size: float, update: Any) -> None:
        start = 0
        for parameter in map(real, self._params):
            stop = start + parameter.numel()
            parameter.add_(update[start:stop].view_as(parameter), alpha=step_size)
            start = stop


def largest(x: Any) -> float:
    """Return the largest absolute value."""
    return float(x.abs().max())


def real(x: Any) -> Any:
    """Return complex numbers as pairs of real ones."""
    return view_as_real(x) if x.is_complex() else x


def direct(state: dict[str, Any], grad: Any, history_size: int) -> None:
    """Put the next direction d into the state, and into the history what the last step has shown."""
    if state["n_iter"] == 1:
        state.update(d=-grad, old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return
    histories = state["old_dirs"], state["old_stps"], state["ro"]
    y, s = grad - state["prev_flat_grad"], state["d"] * state["t"]
    ys = y.dot(s)
    if float(ys) > 1e-10:
        if len(state["ro"]) == history_size:
            for each in histories:
                each.pop(0)
        for each, new in zip(histories, (y, s, 1.0 / ys)):
            each.append(new)
        state["H_diag"] = ys / y.dot(y)
    al = state.setdefault("al", [None] * history_size)
    state["d"] = two_loops(-grad, *histories, state["H_diag"], al)


def two_loops(q: Any, ys: list[Any], ss: list[Any], ro: list[Any], scale: Any, al: list[Any]) -> Any:
    """Return H q: through the history backwards, a scale, and forwards again. What `al` holds is of no use later."""
    for n in reversed(range(len(ys))):
        al[n] = ss[n].dot(q) * ro[n]
        q = q - ys[n] * al[n]
    r = q * scale
    for n in range(len(ys)):
        r = r + ss[n] * (al[n] - ys[n].dot(r) * ro[n])
    return r


def _strong_wolfe(
    obj_func: Callable[[Any, float, Any], tuple[float, Any]],
    x: Any,
    t: float,
    d: Any,
    f: float,
    g: Any,
    gtd: Any,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[float, Any, float, int]:
    """Return value, gradient and step of a point that meets Wolfe's strong conditions, and how often `obj_func` was called."""
    start = Point(0.0, float(f), g, float(gtd))
    search = WolfeSearch(lambda t: obj_func(x, t, d), d, start, c1, c2)
    found = search.zoom(search.bracket(float(t), max_ls), max_ls, tolerance_change)
    return found.f, found.g, found.t, search.evaluations


def _cubic_interpolate(
    x1: float, f1: float, g1: Any, x2: float, f2: float, g2: Any, bounds: tuple[float, float] | None = None
) -> float:
    """Return where the cubic through two points with these slopes is least, moved between the bounds."""
    first, second = (Point(float(x), float(f), None, float(g)) for x, f, g in ((x1, f1, g1), (x2, f2, g2)))
    return cubic_minimum(first, second, bounds)
