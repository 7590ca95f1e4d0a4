"""The switches that PyTorch programs set for reproducibility; on the CPU results are reproducible as they are."""

from __future__ import annotations

__all__ = ["cpu", "cuda", "cudnn", "mps", "openmp"]


class Backend:
    """A backend's switches: `enabled`, `deterministic`, `benchmark` and `allow_tf32` are kept as set, and change nothing."""

    def __init__(self, name: str, available: bool = False):
        self.name = name
        self.available = available
        self.enabled = available
        self.deterministic = True
        self.benchmark = False
        self.allow_tf32 = False

    def is_available(self) -> bool:
        """Return whether this build computes with the backend."""
        return self.available

    is_built = is_available

    def __repr__(self) -> str:
        return f"<backend {self.name}: {'available' if self.available else 'not available'}>"


cpu = Backend("cpu", available=True)
cuda = Backend("cuda")
cudnn = Backend("cudnn")
mps = Backend("mps")
openmp = Backend("openmp")


class Switches:
    """What programs ask back after they have set it."""

    deterministic = False
    matmul_precision = "highest"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Note that results must be reproducible, which they are on the CPU anyway."""
    Switches.deterministic = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """Return what `use_deterministic_algorithms` was told."""
    return Switches.deterministic


def set_float32_matmul_precision(precision: str) -> None:
    """Note how rough products of float32 matrices may be: "highest", "high" or "medium"; here they are always exact."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"set_float32_matmul_precision: expected highest, high or medium, got {precision!r}")
    Switches.matmul_precision = precision


def get_float32_matmul_precision() -> str:
    """Return what `set_float32_matmul_precision` was told."""
    return Switches.matmul_precision
