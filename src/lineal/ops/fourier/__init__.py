"""Fourier transforms, their frequencies, windows, and spectra of short times."""
