"""A few extreme eigenvalues of large symmetric matrices, by iteration."""

from __future__ import annotations

from typing import Any

import numpy as np

from lineal.base.signatures import Tensor
from lineal.core import Op, apply, lift, module_of
from lineal.core.calling import public
from lineal.ops.conversion import dtype_of
from lineal.ops.linalg.matrices import adjoint, require_matrix, require_square
from lineal.ops.linalg.systems import Solve
from lineal.ops.random.distributions import randn
from lineal.ops.structural.joining import cat

__all__ = ["LOBPCG", "lobpcg"]


class LOBPCG:
    """The iteration on one matrix: its state is what a `tracker` sees after each step.

    Each step takes the best vectors (Rayleigh-Ritz) in the space of the current ones X, the preconditioned residuals and the
    last directions P.   Knyazev (2001), SIAM J. Sci. Comput. 23, algorithm 4.1; the basis is made orthonormal in each step,
    after Duersch, Shao, Yang and Gu (2018), SIAM J. Sci. Comput. 40, section 4.
    """

    def __init__(self, A: np.ndarray, B: np.ndarray | None, X: np.ndarray, iK: np.ndarray | None, options: dict[str, Any]):
        self.A, self.B, self.iK = A, B, iK
        self.iparams = {"m": A.shape[0], "n": X.shape[1], "k": options["k"], "niter": options["niter"]}
        self.fparams = {"tol": options["tol"]}
        self.bparams = {"largest": options["largest"]}
        self.ivars = {"istep": 0, "converged_count": 0, "iterations_left": options["niter"]}
        self.tvars: dict[str, Any] = {}
        self.bvars = {"force_stop": False}
        self.P = np.empty((len(A), 0), A.dtype)
        self.scale = np.linalg.norm(A), 1.0 if B is None else np.linalg.norm(B)
        self.X, self.E = self.ritz(X, X.shape[1])
        self.measure()

    def metric(self, X: np.ndarray) -> np.ndarray:
        """Return B X."""
        return X if self.B is None else self.B @ X

    def orthonormal(self, S: np.ndarray) -> np.ndarray:
        """Return a basis of the columns' span, orthonormal in the metric of B, less the directions that are rounding errors."""
        for _ in range(2):
            gram = adjoint(S) @ self.metric(S)
            size = np.sqrt(np.maximum(np.einsum("ii->i", gram).real, np.finfo(gram.dtype).tiny))
            values, V = np.linalg.eigh(gram / size[:, None] / size)
            kept = values > 10 * len(values) * np.finfo(values.dtype).eps * values.max(initial=0)
            S = (S / size) @ (V[:, kept] / np.sqrt(values[kept]))
        return S

    def ritz(self, S: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the best `count` vectors in the span of S, and their eigenvalues."""
        S = self.orthonormal(S)
        values, V = np.linalg.eigh(adjoint(S) @ (self.A @ S))
        pick = slice(None, None, -1) if self.bparams["largest"] else slice(None)
        return S @ V[:, pick][:, :count], values[pick][:count]

    def measure(self) -> None:
        """Find the residuals and how many of the wanted pairs, counted from the first, are converged."""
        self.R = self.A @ self.X - self.metric(self.X) * self.E
        size = np.linalg.norm(self.X, axis=0) * (self.scale[0] + np.abs(self.E) * self.scale[1])
        self.tvars["rerr"] = np.linalg.norm(self.R, axis=0) / np.where(size == 0, 1, size)
        late = np.flatnonzero(self.tvars["rerr"][: self.iparams["k"]] > self.fparams["tol"])
        self.ivars["converged_count"] = int(late[0]) if late.size else self.iparams["k"]

    def step(self) -> None:
        """Take one step."""
        W = self.R if self.iK is None else self.iK @ self.R
        last = self.X
        self.X, self.E = self.ritz(np.concatenate((self.X, W, self.P), 1), self.X.shape[1])
        self.P = self.X - last @ (adjoint(last) @ self.metric(self.X))
        self.ivars["istep"] += 1
        self.ivars["iterations_left"] -= 1
        self.measure()

    def run(self, tracker: Any) -> tuple[np.ndarray, np.ndarray]:
        """Step until all is converged, the steps are used up or the tracker stops it."""
        k, niter = self.iparams["k"], self.iparams["niter"]
        if tracker is not None:
            tracker(self)
        while self.ivars["converged_count"] < k and self.ivars["istep"] != niter and not self.bvars["force_stop"]:
            self.step()
            if tracker is not None:
                tracker(self)
        return self.E[:k], self.X[:, :k]


class ExtremePairs(Op):
    """A X = B X diag(e), XᴴBX = 1, for k eigenvalues e at an end of the spectrum.

    With w and μ from (A - eB, Bx; (Bx)ᴴ, 0) (w; μ) = (x̄; 0), one system per pair: Ā = Σ (ē x - w) xᴴ and B̄ = Σ (e w - (μ/2
    + ē e) x) xᴴ, both made Hermitian. From dx = -(A - eB)⁺(dA - e dB)x - x xᴴdB x/2; the other eigenvectors are not needed.
    The pairs must be simple, and converged.   de Leeuw (2007), Derivatives of generalized eigen systems, section 2.
    """

    settings: tuple
    tracker: Any
    grad_name = "LinalgLobpcgBackward0"
    keeps = "0 1 y"
    width = 2
    no_batch = "looped: an iteration, as long as each slice needs"
    no_lowering = "host step: LAPACK or SciPy, by the eager kernel"
    host_only = "LAPACK"

    def eager(self, xp, A, B, X, *iK):
        options = dict(self.settings)
        k, batch = options["k"], A.shape[:-2]
        E, V = np.empty((*batch, k), A.real.dtype), np.empty((*batch, A.shape[-1], k), A.dtype)
        for place in np.ndindex(batch):
            metric = B[place] if options["general"] else None
            found = LOBPCG(A[place], metric, X[place], iK[0][place] if iK else None, options).run(self.tracker)
            E[place], V[place] = found
        return E, V

    def vjp(self, needs, g, y, A, B, X, *iK):
        (E, V), (by_E, by_V) = y, g
        m = A.value.shape[-1]
        rows = V.mT[..., None]  # (…, k, m, 1)
        by_rows = V.mT[..., None] * 0 if by_V is None else by_V.mT[..., None]
        e = E[..., None, None]
        metric = B[..., None, :, :]
        along = metric @ rows
        border = cat((along.mH, along[..., :1, :] * 0), -1)
        bordered = cat((cat((A[..., None, :, :] - e.to(V.dtype) * metric, along), -1), border), -2)
        solved = apply(Solve(), bordered, cat((by_rows, by_rows[..., :1, :] * 0), -2))
        w, mu = solved[..., :m, :], solved[..., m:, :]
        by_e = 0 if by_E is None else by_E[..., None, None].to(V.dtype)
        by_A = hermitian_sum((by_e * rows - w) @ rows.mH)
        by_B = hermitian_sum((e * w - (mu * 0.5 + by_e * e) * rows) @ rows.mH) if needs[1] else None
        return (by_A, by_B, *[None for _ in (X, *iK)])


def hermitian_sum(terms: Any) -> Any:
    """Return the Hermitian part of the sum over the third last dimension."""
    total = terms.sum(-3)
    return (total + total.mH) * 0.5


@public
def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the k largest (or smallest) eigenvalues and their eigenvectors, as columns, of A X = B X diag(e).

    A (…, m, m) is symmetric or Hermitian and B positive definite (the identity if None). X (…, m, n) is where to start,
    random if None; iK a preconditioner; `niter` the most steps (-1: until convergence, which is also the default up to 1000
    steps); `tol` the residual, relative to the norms, at which a pair counts as converged (default √ε). `tracker` is called
    after each step with the state. `method` "ortho" and "basic" are one here, and the dictionaries of parameters have no
    effect. ValueError if m < 3n.
    """
    name = "lobpcg"
    require_square(name, A)
    m = A.value.shape[-1]
    if X is not None:
        require_matrix(name, X, "X")
        if X.value.shape[-2] != m:
            raise RuntimeError(f"{name}: expected X with {m} rows, got shape {list(X.value.shape)}")
    count = (1 if X is None else X.value.shape[-1]) if k is None else k
    width = (count if n is None else n) if X is None else X.value.shape[-1]
    if m < 3 * width:
        rows = f"the number of A rows (={m})"
        raise ValueError(f"{name}: not applicable when {rows} is smaller than 3 x the number of vectors (={width})")
    if method not in (None, "ortho", "basic"):
        raise ValueError(f"{name}: expected method to be 'basic' or 'ortho', got {method!r}")
    matrix: Any = A
    batch, kind = A.value.shape[:-2], dtype_of(A)
    start = randn(*batch, m, width, dtype=kind) if X is None else X.expand(*batch, m, width)
    metric = lift(module_of(A).eye(m, dtype=A.value.dtype)) if B is None else B
    more = () if iK is None else (iK.expand(*batch, m, m),)
    options = {
        "k": count,
        "niter": 1000 if niter is None else niter,
        "tol": float(np.finfo(A.value.dtype).eps ** 0.5 if tol is None else tol),
        "largest": True if largest is None else bool(largest),
        "general": B is not None,
    }
    symmetric = (matrix + matrix.mH) * 0.5
    return apply(ExtremePairs(tuple(options.items()), tracker), symmetric, metric.expand(*batch, m, m), start, *more)
