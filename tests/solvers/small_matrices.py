"""Small matrices of all kinds, by name, each in three dtypes: what solvers may meet."""

import lineal as torch

N = 10
DTYPES = {"double": torch.float64, "complex": torch.complex128, "single": torch.float32}


def kinds(dtype):
    """Return matrices (10 × 10) by their kind, and some smaller ones."""
    B, C = torch.randn(N, N, dtype=dtype), torch.randn(N, N, dtype=dtype)
    Q = torch.linalg.qr(C)[0]
    one, along = torch.eye(N, dtype=dtype), torch.arange(1, N + 1).to(dtype)
    above = torch.diag(torch.ones(N - 1, dtype=dtype), 1)
    spread = lambda values: (Q * torch.as_tensor(values, dtype=torch.float64).to(dtype)) @ Q.mH
    path = torch.diag(torch.tensor([1.0] + [2.0] * (N - 2) + [1.0]).to(dtype)) - above - above.mT
    low, half = torch.zeros(N // 2, N // 2, dtype=dtype), B[: N // 2, : N // 2]
    return {
        "positive": B @ B.mH + one,
        "clustered": spread([1.0] * 4 + [1.01] * 3 + [50.0] * 3),
        "diagonal": torch.diag(along),
        "rank one and identity": torch.outer(B[0], B[0].conj()) + one,
        "Laplacian": path + torch.diag(one[0]),
        "Hilbert": 1 / (along + along.unsqueeze(1) - 1),
        "indefinite": spread([*range(1, 6), *range(-5, 0)]),
        "symmetric about zero": torch.cat([torch.cat([low, half], 1), torch.cat([half.mH, low], 1)]),
        "saddle": torch.cat([torch.cat([one[:5, :5] * 3, half], 1), torch.cat([half.mH, low], 1)]),
        "negative": -(B @ B.mH) - one,
        "singular": spread([0.0, *range(1, N)]),
        "low rank": spread([1.0, -2.0, 3.0] + [0.0] * (N - 3)),
        "path": path,
        "nearly singular": spread([1e-14, *range(1, N)]),
        "zero": torch.zeros(N, N, dtype=dtype),
        "random": B + 3 * one,
        "skew and identity": B - B.mH + 2 * one,
        "skew": B - B.mH,
        "rotation": Q,
        "shift": torch.roll(one, 1, 0),
        "nonnormal": torch.triu(B, 1) + 2 * one,
        "Jordan": above + one,
        "nilpotent": above,
        "Grcar": torch.triu(torch.ones(N, N, dtype=dtype).tril(3)) - above.mT,
        "convection": path + 3 * (above - above.mT) + one,
        "dominant": B / N + torch.diag(along),
        "symmetric": B + B.mT + 4 * one,
        "rows scaled": (B + 3 * one) * torch.logspace(-3, 3, N).to(dtype).unsqueeze(1),
        "columns scaled": (B + 3 * one) * torch.logspace(-3, 3, N).to(dtype),
        "scaled positive": (B @ B.mH + one)
        * torch.logspace(-2, 2, N).to(dtype)
        * torch.logspace(-2, 2, N).to(dtype).unsqueeze(1),
        "singular, not normal": torch.cat([B[:-1], B[:1]]),
        "zero on the diagonal": B - torch.diag(B.diagonal()),
        "swap": torch.tensor([[0.0, 1.0], [1.0, 0.0]]).to(dtype),
        "number": torch.full((1, 1), -2.0).to(dtype),
    }


def matrices():
    """Return all matrices, by kind and dtype."""
    torch.manual_seed(0)
    return {f"{kind}, {mark}": A for mark, dtype in DTYPES.items() for kind, A in kinds(dtype).items()}


def some(found):
    """Return each kind once, in one dtype after the other."""
    count = len(found) // len(DTYPES)
    names = list(found)
    return {names[place]: found[names[place]] for place in (k + count * (k % len(DTYPES)) for k in range(count))}
