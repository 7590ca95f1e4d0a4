"""Samples of Fourier transforms and of spectra of short times."""

import numpy as np
import scipy.fft

from lineal.testing import Sample
from samples.arrays import compound, normal


def c(reference, *args):
    """Return the samples of a transform of complex numbers."""
    return [Sample(compound(2, 4), *args, reference=reference), Sample(compound(3, 3), norm="ortho")]


def r(reference, *args):
    """Return the samples of a transform of real numbers."""
    return [Sample(normal(2, 4), *args, reference=reference), Sample(normal(3, 3), norm="forward")]


SAMPLES = {
    "fft.fft": [*c(np.fft.fft, 5), Sample(normal(2, 4), reference=np.fft.fft)],
    "fft.ifft": [*c(np.fft.ifft, 3), Sample(normal(2, 4), reference=np.fft.ifft)],
    "fft.rfft": r(np.fft.rfft, 5),
    "fft.irfft": c(np.fft.irfft, 5),
    "fft.hfft": c(np.fft.hfft),
    "fft.ihfft": r(np.fft.ihfft),
    "fft.fft2": c(scipy.fft.fft2),
    "fft.ifft2": c(scipy.fft.ifft2),
    "fft.rfft2": r(scipy.fft.rfft2, (3, 5)),
    "fft.irfft2": c(scipy.fft.irfft2, (3, 5)),
    "fft.hfft2": c(scipy.fft.hfft2),
    "fft.ihfft2": r(scipy.fft.ihfft2),
    "fft.fftn": c(scipy.fft.fftn),
    "fft.ifftn": c(scipy.fft.ifftn),
    "fft.rfftn": r(scipy.fft.rfftn),
    "fft.irfftn": c(scipy.fft.irfftn),
    "fft.hfftn": c(scipy.fft.hfftn),
    "fft.ihfftn": r(scipy.fft.ihfftn),
    "fft.fftshift": [Sample(normal(2, 5), reference=np.fft.fftshift)],
    "fft.ifftshift": [Sample(normal(2, 5), reference=np.fft.ifftshift)],
    "stft": [Sample(normal(8), 4, return_complex=False), Sample(normal(2, 6), 4, center=False, return_complex=True)],
    "istft": [Sample(compound(3, 5), 4)],
}
