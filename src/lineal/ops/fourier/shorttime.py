"""Spectra of short times: the transforms of windows of a signal, and the signal back from them.

Griffin and Lim (1984), "Signal estimation from modified short-time Fourier transform", eq. 6: overlapping pieces are added up,
and divided by the sum of the squared windows.
"""

from __future__ import annotations

import warnings
from typing import Any

from lineal.base.signatures import Tensor
from lineal.core import AbstractTensor
from lineal.core.calling import public
from lineal.ops.conversion import dtype_of
from lineal.ops.creation import ones
from lineal.ops.elementwise.arithmetic import div, mul
from lineal.ops.elementwise.parts import view_as_real
from lineal.ops.fourier.onedimensional import fft, ifft, irfft, rfft
from lineal.ops.front import require_tensor
from lineal.ops.structural.axes import transpose, unsqueeze
from lineal.ops.structural.expanding import expand
from lineal.ops.structural.padding import constant_pad_nd, pad
from lineal.ops.structural.reshape import reshape
from lineal.ops.structural.slicing import slice_view
from lineal.ops.structural.windows import overlap_add, unfold

__all__ = ["istft", "stft"]


def check_lengths(name: str, n_fft: int, hop: int, length: int, window: AbstractTensor | None) -> None:
    """Refuse hops that go nowhere, windows longer than a transform, and tensors that are no window of that length."""
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={length} and n_fft={n_fft}")
    if window is not None and window.value.shape != (length,):
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={length}, "
            f"but got window with size {list(window.value.shape)}"
        )


def widened(window: Any, length: int, n_fft: int, like: AbstractTensor) -> Any:
    """Return the window, of ones if there is none, with zeros on both sides up to n_fft numbers."""
    if window is None:
        window = ones(length, dtype=dtype_of(like), device=like.device)  # type: ignore[attr-defined]
    before = (n_fft - length) // 2
    return constant_pad_nd(window, (before, n_fft - length - before)) if length < n_fft else window


def is_complex(x: AbstractTensor | None) -> bool:
    """Return whether there is a tensor, and it is complex."""
    return x is not None and x.value.dtype.kind == "c"


def check_signal(input: Any, window: Any, center: bool, return_complex: bool | None, align_to_window: bool | None) -> None:
    """Refuse what is no signal, and options that contradict each other."""
    require_tensor("stft", input)
    if return_complex is None and not is_complex(input) and not is_complex(window):
        raise RuntimeError("stft: requires the return_complex parameter be given for real inputs, True for a complex result")
    if not dtype_of(input).is_floating_point and not is_complex(input):
        raise RuntimeError(f"stft: expected a tensor of floating point or complex values, got {dtype_of(input)}")
    if input.value.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, got shape {list(input.value.shape)}")
    if center and align_to_window is not None:
        raise RuntimeError("stft: align_to_window should only be set when center = false")


def both_sides(input: Any, width: int, mode: str) -> Any:
    """Return a signal, or several, with `width` more numbers on each side."""
    shape = input.value.shape
    x = pad(reshape(input, (*(1,) * (3 - len(shape)), *shape)), (width, width), mode)
    return reshape(x, (*shape[:-1], shape[-1] + 2 * width))


@public
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Return the transforms, n_fft numbers each, of windows of a signal, or of several, `hop_length` (n_fft / 4) apart.

    The result has the shape (…, frequencies, windows): n_fft / 2 + 1 frequencies if `onesided`, as of real signals, and pairs
    of real numbers unless `return_complex`. `center` puts n_fft / 2 numbers by `pad_mode` on both sides first; `window` weighs
    the middle `win_length` numbers; `normalized` divides by √n_fft.
    """
    check_signal(input, window, center, return_complex, align_to_window)
    hop, length = n_fft // 4 if hop_length is None else hop_length, n_fft if win_length is None else win_length
    x: Any = both_sides(input, n_fft // 2, pad_mode) if center else input
    if align_to_window and length < n_fft:
        before = (n_fft - length) // 2
        x = constant_pad_nd(x, (before, n_fft - length - before))
    size = x.value.shape[-1]
    if not 0 < n_fft <= size:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {size}, but got n_fft={n_fft}")
    check_lengths("stft", n_fft, hop, length, window)
    frames = unfold(x, -1, n_fft, hop)
    if window is not None or length < n_fft:
        frames = mul(frames, widened(window, length, n_fft, input))
    turned, norm = frames.value.dtype.kind == "c", "ortho" if normalized else "backward"
    if turned and onesided:
        raise RuntimeError("stft: Cannot have onesided output if window or input is complex")
    y = rfft(frames, norm=norm) if not turned and onesided is not False else fft(frames, norm=norm)
    y = transpose(y, -1, -2)
    return y if return_complex or return_complex is None else view_as_real(y)


def check_spectra(input: Any, window: Any, n_fft: int, onesided: bool, return_complex: bool) -> None:
    """Refuse what `stft` does not return, and options that contradict each other."""
    if not is_complex(input):
        raise RuntimeError("istft: requires a complex-valued input tensor, the output of stft with return_complex=True")
    shape = input.value.shape
    if not input.value.size:
        raise RuntimeError(f"istft: input tensor cannot be empty, got shape {list(shape)}")
    if len(shape) not in (2, 3):
        raise RuntimeError(f"istft: expected a tensor with 2 or 3 dimensions, but got {len(shape)}")
    wanted = n_fft // 2 + 1 if onesided else n_fft
    if shape[-2] != wanted:
        raise RuntimeError(f"istft: expected {wanted} frequencies for n_fft={n_fft} and {onesided=}, but got {shape[-2]}")
    if return_complex and onesided:
        raise RuntimeError("istft: cannot have onesided output if window or input is complex")
    if not return_complex and is_complex(window):
        raise RuntimeError("istft: Complex windows are incompatible with return_complex=False")


def pieces(input: Any, n_fft: int, normalized: bool, return_complex: bool) -> Any:
    """Return the signals, n_fft numbers each, of which the columns of input are the transforms: of real ones half is read."""
    norm, x = "ortho" if normalized else "backward", transpose(input, -1, -2)
    return ifft(x, norm=norm) if return_complex else irfft(x, n_fft, norm=norm)


@public
def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """Return the signal whose `stft`, with the same options, is nearest to input; of `length` numbers if that is given.

    RuntimeError if windows leave numbers of the signal unseen.
    """
    require_tensor("istft", input)
    onesided = input.value.shape[-2:-1] != (n_fft,) if onesided is None else onesided
    check_spectra(input, window, n_fft, onesided, return_complex)
    hop, wide = n_fft // 4 if hop_length is None else hop_length, n_fft if win_length is None else win_length
    check_lengths("istft", n_fft, hop, wide, window)
    if hop > wide:
        raise RuntimeError(f"istft: expected hop_length <= win_length, but got hop_length={hop} and win_length={wide}")
    x = pieces(input, n_fft, normalized, return_complex)
    weights = widened(window, wide, n_fft, x)
    count = x.value.shape[-2]
    total = n_fft + hop * (count - 1)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - n_fft // 2 if center else total
    envelope = overlap_add(expand(unsqueeze(weights.square(), 0), (count, n_fft)), hop)
    envelope = slice_view(envelope, 0, start, min(end, total))
    if not bool((envelope.abs() > 1e-11).all()):
        raise RuntimeError("istft: window overlap add min: some numbers of the signal lie in no window")
    y = div(slice_view(overlap_add(mul(x, weights), hop), -1, start, min(end, total)), envelope)
    if end > total:
        warnings.warn("istft: The signal is shorter than the length parameter; zeros are put at its end", stacklevel=2)
        y = constant_pad_nd(y, (0, end - total))
    return y
