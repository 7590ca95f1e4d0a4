"""The switches that PyTorch programs set for reproducibility; on the CPU results are reproducible as they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]


class Products:
    """How rough a backend's products of matrices may be: kept as set, and changing nothing."""

    def __init__(self) -> None:
        self.allow_tf32 = False
        self.allow_fp16_reduced_precision_reduction = True
        self.allow_bf16_reduced_precision_reduction = True
        self.allow_fp16_accumulation = False
        self.fp32_precision = "none"


class Backend:
    """A backend's switches: `enabled`, `deterministic`, `benchmark` and `allow_tf32` are kept as set, and change nothing.

    `matmul` has those of products of matrices.
    """

    def __init__(self, name: str, available: bool = False):
        self.name = name
        self.available = available
        self.enabled = available
        self.deterministic = True
        self.benchmark = False
        self.benchmark_limit = 10
        self.allow_tf32 = False
        self.matmul = Products()
        self.attention: dict[str, bool] = {}
        self.strategy: str | None = None

    def is_available(self) -> bool:
        """Return whether this build computes with the backend."""
        return self.available

    is_built = is_available

    def version(self) -> None:
        """Return the version of the backend's library: None, since there is none here."""

    @contextlib.contextmanager
    def flags(self, **switches: Any) -> Iterator[None]:
        """Set switches within a block, as in `cudnn.flags(enabled=False)`."""
        before = {name: getattr(self, name) for name in switches}
        self.__dict__.update(switches)
        try:
            yield
        finally:
            self.__dict__.update(before)

    def enable_flash_sdp(self, enabled: bool) -> None:
        """Note whether attention may take FlashAttention's kernel."""
        self.attention["flash"] = bool(enabled)

    def enable_mem_efficient_sdp(self, enabled: bool) -> None:
        """Note whether attention may take the kernel that saves memory."""
        self.attention["mem_efficient"] = bool(enabled)

    def enable_math_sdp(self, enabled: bool) -> None:
        """Note whether attention may be computed by its formula."""
        self.attention["math"] = bool(enabled)

    def flash_sdp_enabled(self) -> bool:
        """Return what `enable_flash_sdp` was told; True at first."""
        return self.attention.get("flash", True)

    def mem_efficient_sdp_enabled(self) -> bool:
        """Return what `enable_mem_efficient_sdp` was told; True at first."""
        return self.attention.get("mem_efficient", True)

    def math_sdp_enabled(self) -> bool:
        """Return what `enable_math_sdp` was told; True at first."""
        return self.attention.get("math", True)

    def __repr__(self) -> str:
        return f"<backend {self.name}: {'available' if self.available else 'not available'}>"


cpu = Backend("cpu", available=True)
cuda = Backend("cuda")
cudnn = Backend("cudnn")
mkl = Backend("mkl")
mkldnn = Backend("mkldnn")
mps = Backend("mps")
openmp = Backend("openmp")
opt_einsum = Backend("opt_einsum")


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
