"""Element by element: every row is lowered by its own scalar expression."""

from __future__ import annotations

from typing import Any

from lineal.compiler.lowering.rules.table import FLOATS, lowers
from lineal.compiler.lowering.support import same, supported
from lineal.compiler.nodes.buffers import BufferView
from lineal.ops.elementwise.special import Polygamma
from lineal.ops.pattern import Elementwise

__all__ = ["HOST_ROWS", "elementwise", "same"]

SCIPY_ROWS = """
    special_airy_ai special_bessel_j0 special_bessel_j1 special_bessel_y0 special_bessel_y1 special_modified_bessel_k0
    special_modified_bessel_k1 special_scaled_modified_bessel_k0 special_scaled_modified_bessel_k1 igamma igammac
    special_zeta special_chebyshev_polynomial_t special_chebyshev_polynomial_u special_chebyshev_polynomial_v
    special_chebyshev_polynomial_w special_shifted_chebyshev_polynomial_t special_shifted_chebyshev_polynomial_u
    special_shifted_chebyshev_polynomial_v special_shifted_chebyshev_polynomial_w special_hermite_polynomial_h
    special_hermite_polynomial_he special_laguerre_polynomial_l special_legendre_polynomial_p standard_gamma_grad
    dirichlet_grad
""".split()
HOST_ROWS = dict.fromkeys(SCIPY_ROWS, "host step: SciPy has the function") | {
    "bitwise_left_shift": "host step: shifts by a number's width and more are NumPy's own cases",
    "bitwise_right_shift": "host step: shifts by a number's width and more are NumPy's own cases",
    "complex": "host step: complex numbers",
    "gcd": "host step: Euclid's algorithm is a loop for each element",
    "lcm": "host step: Euclid's algorithm is a loop for each element",
}
"""Why some rows have no code at all; others have none for whole numbers, where NumPy's rules are another formula."""


@lowers(Polygamma, of=FLOATS, where="n = 1: of others SciPy has the function")
@lowers(Elementwise, where="what the scalar expression can be written for")
def elementwise(low: Any, op: Any, y: Any, *xs: BufferView) -> BufferView | None:
    """y = scalar(x0, x1, …)."""
    if not supported(op, tuple(each.buffer.dtype for each in xs)):
        return None
    return low.map(y.shape, y.storage, op.scalar, *xs, label=op.label)
