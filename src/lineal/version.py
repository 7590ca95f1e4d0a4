"""Which lineal this is, as in `torch.version`; there is no CUDA and no HIP."""

from lineal.base.version import __version__

__all__ = ["__version__", "cuda", "debug", "hip", "rocm"]

cuda = hip = rocm = None
debug = False
