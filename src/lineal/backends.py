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
