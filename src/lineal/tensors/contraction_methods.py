"""The tensor's products: each method the op it calls."""

from __future__ import annotations

from lineal import ops
from lineal.core import AbstractTensor
from lineal.ops.contraction.matmul import __matmul__, __rmatmul__
from lineal.ops.front import augmented, in_place

__all__ = ["ContractionMethods"]


class ContractionMethods:
    """Products of matrices and vectors."""

    __matmul__, __rmatmul__, __imatmul__ = (
        __matmul__,
        __rmatmul__,
        augmented(in_place(ops.matmul, "matmul_"), (AbstractTensor,)),
    )

    matmul, mm, bmm, mv = ops.matmul, ops.mm, ops.bmm, ops.mv
    dot, vdot, inner, outer, ger = ops.dot, ops.vdot, ops.inner, ops.outer, ops.ger
    addmm, addmm_ = ops.addmm, in_place(ops.addmm)
    addmv, addmv_ = ops.addmv, in_place(ops.addmv)
    addbmm, addbmm_ = ops.addbmm, in_place(ops.addbmm)
    baddbmm, baddbmm_ = ops.baddbmm, in_place(ops.baddbmm)
    addr, addr_ = ops.addr, in_place(ops.addr)
    kron, cross, matrix_power = ops.kron, ops.cross, ops.matrix_power
