"""The table of matrix calculus, row by row, checked against `autograd.functional.jacobian`.

In numerator layout the derivative of y by x has the axes of y, then those of x in reverse: a gradient is a row, and a number
by an (n, k) matrix is (k, n). The denominator layout is the transpose.

Run it: python examples/jacobian_table.py
"""

import lineal as torch
from lineal.autograd.functional import jacobian

torch.manual_seed(0)
n, m = 4, 3
x = torch.randn(n, dtype=torch.float64)
A, B = torch.randn(m, n, dtype=torch.float64), torch.randn(n, m, dtype=torch.float64)
P, Q = torch.randn(n, n, dtype=torch.float64), torch.randn(n, n, dtype=torch.float64)
one, eye = torch.ones(n, dtype=torch.float64), torch.eye(n, dtype=torch.float64)
a = 1.7


def u(x):
    """Return a vector that depends on x; its derivative is P diag(cos x)."""
    return P @ torch.sin(x)


def v(x):
    """Return another; its derivative is diag(2 Q x) Q."""
    return (Q @ x) ** 2


def s(x):
    """Return a number that depends on x."""
    return torch.exp(x / 4).sum()


def t(x):
    """Return another."""
    return (x**3).sum()


du, dv = P @ torch.diag(torch.cos(x)), torch.diag(2 * (Q @ x)) @ Q
ds, dt = torch.exp(x / 4) / 4, 3 * x**2
none, null = torch.zeros(n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64)

# A number by a vector: what is differentiated, the function, and the row that the book gives.
SCALARS = [
    ("a", lambda x: torch.tensor(a, dtype=x.dtype), none),
    ("a s", lambda x: a * s(x), a * ds),
    ("sum(x)", lambda x: x.sum(), one),
    ("‖x‖²", lambda x: x @ x, 2 * x),
    ("s + t", lambda x: s(x) + t(x), ds + dt),
    ("s t", lambda x: s(x) * t(x), ds * t(x) + dt * s(x)),
    ("⟨u, v⟩", lambda x: u(x) @ v(x), u(x) @ dv + v(x) @ du),
]

# A vector by a vector.
VECTORS = [
    ("a", lambda x: one * a, null),
    ("x", lambda x: x * 1, eye),
    ("A x", lambda x: A @ x, A),
    ("xᵀ B", lambda x: x @ B, B.T),
    ("a u", lambda x: a * u(x), a * du),
    ("A u", lambda x: A @ u(x), A @ du),
    ("u + v", lambda x: u(x) + v(x), du + dv),
]


def shapes():
    """Return the shapes of the derivatives of and by matrices, in both layouts."""
    k, q = 2, 5
    X = torch.randn(n, k, dtype=torch.float64)
    M, N = torch.randn(m, n, dtype=torch.float64), torch.randn(k, q, dtype=torch.float64)
    w = torch.randn(k, dtype=torch.float64)
    rows = {
        "number by matrix": (lambda X: (X**2).sum(), X),
        "vector by matrix": (lambda X: M @ X @ w, X),
        "matrix by matrix": (lambda X: M @ X @ N, X),
        "matrix by number": (lambda c: c * M, torch.tensor(2.0, dtype=torch.float64)),
        "matrix by vector": (lambda x: M * x, x),
    }
    return {
        name: tuple(tuple(jacobian(function, at, layout=each).shape) for each in ("numerator", "denominator"))
        for name, (function, at) in rows.items()
    }


def errors():
    """Return, for each row of the table, how far the derivative is from the book's in the two layouts together."""
    found = {}
    for kind, rows in (("number", SCALARS), ("vector", VECTORS)):
        for name, function, expected in rows:
            numerator = jacobian(function, x, layout="numerator")
            denominator = jacobian(function, x, layout="denominator")
            turned = expected.T if expected.ndim == 2 else expected
            off = (numerator - expected).abs().max(), (denominator - turned).abs().max()
            found[kind, name] = max(each.item() for each in off)
    return found


def main():
    """Print the table, and return errors and shapes."""
    table, sizes = errors(), shapes()
    for (kind, name), error in table.items():
        print(f"∂({name}) / ∂x, a {kind} by a vector: {'as in the book' if error < 1e-9 else f'off by {error:.1e}'}")
    for name, (numerator, denominator) in sizes.items():
        print(f"{name}: {numerator} in numerator layout, {denominator} in denominator layout")
    return {"errors": table, "shapes": sizes}


if __name__ == "__main__":
    main()
