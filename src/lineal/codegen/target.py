"""The processor that code is made for: its name, its features, and how wide its vectors are."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from lineal.base import later
from lineal.codegen.kinds import Kind

llvmlite: Any = later.module("llvmlite")
llvm: Any = later.module("llvmlite.binding")

SETTING = "LINEAL_SIMD"


@dataclass(frozen=True)
class Target:
    """A processor as LLVM knows it; `bits` is the length of one vector register, 0 if only scalars are to be used."""

    cpu: str
    features: str
    bits: int
    fma: bool
    f16c: bool
    triple: str

    def lanes(self, kind: Kind) -> int:
        """Return how many values of `kind` one vector register holds."""
        return max(1, self.bits // max(kind.bits, 8))

    @property
    def x86(self) -> bool:
        return self.triple.startswith(("x86_64", "i686"))

    @property
    def avx512(self) -> bool:
        return self.x86 and self.bits == 512

    def has(self, feature: str) -> bool:
        """Return whether the processor has a feature, by LLVM's name."""
        return f"+{feature}" in self.features.split(",")

    @property
    def code_model(self) -> str:
        """How code reaches objects outside: Windows has no table of addresses for them, so it takes the whole address."""
        return "large" if "windows" in self.triple else "small"

    def new_machine(self, opt: int = 1):
        """Return an LLVM target machine; one per thread may compile."""
        prepare()
        found = llvm.Target.from_triple(self.triple)
        return found.create_target_machine(
            cpu=self.cpu, features=self.features, opt=opt, reloc="pic", codemodel=self.code_model, jit=True
        )


OLDEST_LLVM = (22,)
"""Older ones read the code of masked loads otherwise than it is written, and end the process instead of saying so."""


@cache
def prepare() -> None:
    """Tell LLVM about the native target, once; RuntimeError if it is too old."""
    if llvm.llvm_version_info < OLDEST_LLVM:
        found = ".".join(map(str, llvm.llvm_version_info))
        raise RuntimeError(
            f"lineal: expected llvmlite 0.48 or newer for compiled code, got {llvmlite.__version__} with LLVM {found}: "
            "pip install --upgrade llvmlite"
        )
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


# what runs on every processor of that generation; (LLVM's name, vector bits, has fma, has f16c)
LEVELS = {
    "scalar": ("x86-64", 0, False, False),
    "sse": ("x86-64-v2", 128, False, False),
    "avx2": ("x86-64-v3", 256, True, True),
    "avx512": ("x86-64-v4", 512, True, True),
}


@cache
def host() -> Target:
    """Return the processor this process runs on, or the older one that the variable LINEAL_SIMD names."""
    wanted = os.environ.get(SETTING)
    if not wanted:
        return detected()
    chosen = level(wanted)
    if chosen.bits > detected().bits:
        raise ValueError(f"{SETTING}: expected what this processor can do ({detected().bits} bits), got {wanted!r}")
    return chosen


@cache
def detected() -> Target:
    """Return the processor this process runs on."""
    prepare()
    features = llvm.get_host_cpu_features()
    triple = llvm.get_process_triple()
    arm = triple.startswith(("aarch64", "arm64"))
    has = lambda name: bool(features.get(name))
    bits = 512 if has("avx512f") and has("avx512dq") and has("avx512bw") and has("avx512vl") else 256 if has("avx2") else 128
    return Target(
        llvm.get_host_cpu_name(), features.flatten(), bits, fma=arm or has("fma"), f16c=arm or has("f16c"), triple=triple
    )


@cache
def level(name: str) -> Target:
    """Return the processor generation `name` ("scalar", "sse", "avx2", "avx512"); off x86, its vector length only."""
    if name not in LEVELS:
        raise ValueError(f"{SETTING}: expected one of {', '.join(LEVELS)}, got {name!r}")
    here = detected()
    cpu, bits, fma, f16c = LEVELS[name]
    if not here.x86:
        return Target(here.cpu, here.features, min(bits, here.bits), here.fma, here.f16c, here.triple)
    return Target(cpu, "", bits, fma, f16c, here.triple)


@cache
def matrices_allowed() -> bool:
    """Ask Linux, once, for the registers of matrices (AMX), which it saves only for processes that want them."""
    if not sys.platform.startswith("linux"):
        return False
    system_call, request, tile_data = 158, 0x1023, 18  # arch_prctl, ARCH_REQ_XCOMP_PERM   Linux's asm/prctl.h
    return ctypes.CDLL(None).syscall(system_call, request, tile_data) == 0
