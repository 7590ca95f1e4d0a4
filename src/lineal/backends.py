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

    @contextlib.contextmanager
    def sdp_kernel(
        self, enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
    ) -> Iterator[None]:
        """Note within a block which kernels attention may take; here it takes its own."""
        before = self.attention.copy()
        self.attention.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
        try:
            yield
        finally:
            self.attention = before

    def enable_cudnn_sdp(self, enabled: bool) -> None:
        """Note whether attention may take the kernel of cuDNN."""
        self.attention["cudnn"] = bool(enabled)

    def cudnn_sdp_enabled(self) -> bool:
        """Return what `enable_cudnn_sdp` was told; True at first."""
        return self.attention.get("cudnn", True)

    def is_flash_attention_available(self) -> bool:
        """Return whether FlashAttention's kernel for the backend is there."""
        return False

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
    warns_only = False
    matmul_precision = "highest"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Note that results must be reproducible, which they are on the CPU anyway."""
    Switches.deterministic, Switches.warns_only = bool(mode), bool(mode) and bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """Return what `use_deterministic_algorithms` was told."""
    return Switches.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Return whether `use_deterministic_algorithms` was told to warn only."""
    return Switches.warns_only


def get_deterministic_debug_mode() -> int:
    """Return 0, 1 or 2: results need not be reproducible, what is not warns, what is not is an error."""
    return 0 if not Switches.deterministic else 1 if Switches.warns_only else 2


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Do what `use_deterministic_algorithms` does, by "default" or 0, "warn" or 1, "error" or 2; RuntimeError for others."""
    names = ("default", "warn", "error")
    number = names.index(debug_mode) if debug_mode in names else debug_mode
    if number not in (0, 1, 2):
        raise RuntimeError(f"set_deterministic_debug_mode: expected one of {names} or 0, 1, 2, got {debug_mode!r}")
    use_deterministic_algorithms(number != 0, warn_only=number == 1)


def set_float32_matmul_precision(precision: str) -> None:
    """Note how rough products of float32 matrices may be: "highest", "high" or "medium"; here they are always exact."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"set_float32_matmul_precision: expected highest, high or medium, got {precision!r}")
    Switches.matmul_precision = precision


def get_float32_matmul_precision() -> str:
    """Return what `set_float32_matmul_precision` was told."""
    return Switches.matmul_precision
