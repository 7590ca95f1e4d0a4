"""Which functions autocast calls with other dtypes, as PyTorch's does on CPUs, and how it comes between.

Products are computed in the lower dtype, what needs digits in float32, and what puts tensors together in the widest that it is
given. Nothing else changes, but that it may be given what those functions returned. Linear layers and products of matrices look
for themselves (`ops/autocasting.py`); behind the others' fronts stands, from the first autocast of the process on, what casts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from lineal.base.dtypes import dtype, float32
from lineal.core import modes
from lineal.ops.autocasting import USED, is_eligible, within
from lineal.ops.conversion import dtype_of

__all__ = ["FLOAT32", "LOWER", "WIDEST", "start"]

Policy = Callable[[dtype, tuple, dict], "dtype | None"]
"""What a function computes in, from autocast's dtype and its arguments; None if it takes them as they are."""

LOWER = {
    "nn.functional.attention": "scaled_dot_product_attention",
    "nn.functional.rectifiers": "prelu",
    "ops.contraction.convolving": "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
    "ops.contraction.vectors": "vecdot",
}
"""The functions that compute in autocast's dtype, beside those of `ops/contraction` that look for themselves."""

FLOAT32 = {
    "nn.functional.alignment": "ctc_loss",
    "nn.functional.average_pooling": "adaptive_avg_pool3d avg_pool3d",
    "nn.functional.binary": "binary_cross_entropy binary_cross_entropy_with_logits",
    "nn.functional.classification": "cross_entropy nll_loss",
    "nn.functional.counts": "poisson_nll_loss",
    "nn.functional.divergence": "kl_div",
    "nn.functional.fractional_pooling": """
        fractional_max_pool2d fractional_max_pool2d_with_indices fractional_max_pool3d fractional_max_pool3d_with_indices
    """,
    "nn.functional.grids": "grid_sample",
    "nn.functional.margins": """
        cosine_embedding_loss hinge_embedding_loss margin_ranking_loss multi_margin_loss multilabel_margin_loss soft_margin_loss
        triplet_margin_loss
    """,
    "nn.functional.max_pooling": "adaptive_max_pool3d adaptive_max_pool3d_with_indices",
    "nn.functional.regression": "l1_loss mse_loss",
    "nn.functional.robust": "huber_loss smooth_l1_loss",
    "nn.functional.unpooling": "max_unpool1d max_unpool2d max_unpool3d",
    "ops.contraction.distances": "cdist",
    "ops.elementwise.parts": "polar view_as_complex",
    "ops.fourier.multidimensional": "fft2 fftn ifft2 ifftn irfft2 irfftn rfft2 rfftn",
    "ops.fourier.onedimensional": "fft hfft ifft ihfft irfft rfft",
    "ops.fourier.shorttime": "stft",
    "ops.linalg.cholesky": "cholesky cholesky_ex",
    "ops.linalg.eig": "eig eigvals",
    "ops.linalg.eigh": "eigh eigvalsh",
    "ops.linalg.functions": "cond tensorinv tensorsolve",
    "ops.linalg.inverses": "inv inv_ex",
    "ops.linalg.least_squares": "lstsq matrix_rank pinverse",
    "ops.linalg.older": "cholesky cholesky_inverse cholesky_solve inverse lu lu_solve qr",
    "ops.linalg.qr": "geqrf householder_product orgqr ormqr qr",
    "ops.linalg.solving": "solve",
    "ops.linalg.svd": "svd svd_columns svdvals",
    "ops.linalg.triangular": "triangular_solve",
    "ops.reductions.products": "prod",
    "ops.reductions.sums": "trace",
    "ops.sorting.quantiles": "nanquantile quantile",
}
"""The functions that compute in float32."""

WIDEST = {"ops.indexing.along": "index_copy", "ops.structural.joining": "cat", "ops.structural.stacking": "stack"}
"""The functions that compute in the widest dtype of their arguments."""

NAME = "autocast"


def in_lower(lower: dtype, args: tuple, kwargs: dict) -> dtype:
    """Return the dtype of products."""
    return lower


def in_float32(lower: dtype, args: tuple, kwargs: dict) -> dtype:
    """Return the dtype of what needs digits."""
    return float32


def leaves(args: tuple, kwargs: dict) -> Iterator[Any]:
    """Yield the arguments, and what the sequences among them hold."""
    for each in (*args, *kwargs.values()):
        yield from each if isinstance(each, (list, tuple)) else (each,)


def in_widest(lower: dtype, args: tuple, kwargs: dict) -> dtype:
    """Return autocast's dtype, or float32 if something is in it; RuntimeError for another half precision."""
    found = {dtype_of(each) for each in leaves(args, kwargs) if is_eligible(each)}
    if found - {lower, float32}:
        given = ", ".join(sorted(map(str, found)))
        raise RuntimeError(
            f"{NAME}: Unexpected floating ScalarType: tensors of {given} are put together in autocast to {lower}"
        )
    return float32 if float32 in found else lower


def padding(lower: dtype, args: tuple, kwargs: dict) -> dtype | None:
    """Return float32 for a padding by what is there, which PyTorch has functions of their own for; reflections to 2 axes."""
    pad, mode = (*args[1:3], *[None] * 2)[:2]
    pad, mode = kwargs.get("pad", pad), kwargs.get("mode", mode)
    return float32 if mode == "replicate" or (mode == "reflect" and len(pad) < 6) else None  # type: ignore[arg-type]


def unindexed(lower: dtype, args: tuple, kwargs: dict) -> dtype | None:
    """Return float32 unless the places of the maxima are asked for, which is another function of PyTorch's."""
    return None if kwargs.get("return_indices") or args[6:7] == (True,) else float32


def unprojected(lower: dtype, args: tuple, kwargs: dict) -> dtype | None:
    """Return the dtype of products for an LSTM without projections, for which PyTorch has a library; its states say so."""
    states = next((each for each in (*args[1:3], kwargs.get("hx")) if isinstance(each, (list, tuple))), None)
    plain = states is not None and len(states) == 2 and states[0].shape[-1] == states[1].shape[-1]
    return lower if plain else None


def as_first(lower: dtype, args: tuple, kwargs: dict) -> dtype:
    """Return the dtype of the first argument: a product that is no product of matrices in PyTorch."""
    return dtype_of(args[0] if args else next(iter(kwargs.values())))


def pooled(lower: dtype, args: tuple, kwargs: dict) -> dtype | None:
    """Return float32 for images, whose neighbours PyTorch averages as it does those of volumes."""
    return float32 if (args[0] if args else kwargs["input"]).value.ndim > 3 else None


SINGLE: Mapping[str, tuple[str, Policy]] = {
    "nn.functional.bilinear": ("bilinear", as_first),
    "nn.functional.normalisation": ("local_response_norm", pooled),
    "nn.functional.max_pooling": ("max_pool3d", unindexed),
    "nn.functional.recurrent": ("lstm", unprojected),
    "ops.structural.padding": ("pad", padding),
}


def casting(function: Callable[..., Any], policy: Policy) -> Callable[..., Any]:
    """Return the function that casts its arguments first while autocast is on; what it is made of is not autocast's then."""

    @functools.wraps(function)
    def cast_first(*args: Any, **kwargs: Any) -> Any:
        lower = modes.autocast.get()
        # what is written to `out` has its dtype anyway, and PyTorch leaves such calls alone
        if lower is None or kwargs.get("out") is not None:
            return function(*args, **kwargs)
        target = policy(lower, args, kwargs)
        if target is None:
            return function(*args, **kwargs)
        args = tuple([within(each, target) for each in args])
        kwargs = {name: within(each, target) for name, each in kwargs.items()}
        token = modes.autocast.set(None)
        try:
            return function(*args, **kwargs)
        finally:
            modes.autocast.reset(token)

    return cast_first


def policies() -> Iterator[tuple[str, str, Policy]]:
    """Yield the functions that are called otherwise: module, name and what they compute in."""
    for table, policy in ((LOWER, in_lower), (FLOAT32, in_float32), (WIDEST, in_widest)):
        for module, text in table.items():
            for name in text.split():
                yield module, name, policy
    for module, (name, policy) in SINGLE.items():
        yield module, name, policy


def start() -> None:
    """Let functions look whether autocast is on, from now on."""
    if USED:
        return
    USED.add(NAME)
    for module, name, policy in policies():
        front = getattr(import_module(f"lineal.{module}"), name)
        front.replace(casting(front.__wrapped__, policy))
