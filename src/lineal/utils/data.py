"""`lineal.utils.data`: datasets and loaders, where PyTorch's users look for them."""

from lineal.data import *  # noqa: F403 - the same names at PyTorch's place
