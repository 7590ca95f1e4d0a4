"""The tensor's products: each method the op it calls."""

from __future__ import annotations

from lineal import ops
from lineal.base.later import method
from lineal.core import AbstractTensor
from lineal.ops import contraction
from lineal.ops.front import augmented, in_place

__all__ = ["ContractionMethods"]


class ContractionMethods:
    """Products of matrices and vectors."""

    __matmul__ = method(lambda: contraction.matmul.__matmul__)
    __rmatmul__ = method(lambda: contraction.matmul.__rmatmul__)
    __imatmul__ = method(lambda: augmented(in_place(ops.matmul, "matmul_"), (AbstractTensor,)))

    matmul = method(lambda: ops.matmul)
    mm = method(lambda: ops.mm)
    bmm = method(lambda: ops.bmm)
    mv = method(lambda: ops.mv)
    dot = method(lambda: ops.dot)
    vdot = method(lambda: ops.vdot)
    inner = method(lambda: ops.inner)
    outer = method(lambda: ops.outer)
    ger = method(lambda: ops.ger)
    addmm, addmm_ = method(lambda: ops.addmm), method(lambda: in_place(ops.addmm))
    addmv, addmv_ = method(lambda: ops.addmv), method(lambda: in_place(ops.addmv))
    addbmm, addbmm_ = method(lambda: ops.addbmm), method(lambda: in_place(ops.addbmm))
    baddbmm, baddbmm_ = method(lambda: ops.baddbmm), method(lambda: in_place(ops.baddbmm))
    addr, addr_ = method(lambda: ops.addr), method(lambda: in_place(ops.addr))
    kron = method(lambda: ops.kron)
    cross = method(lambda: ops.cross)
    matrix_power = method(lambda: ops.matrix_power)
