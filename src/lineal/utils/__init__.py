"""Names that PyTorch keeps under `utils`."""

from lineal.base import later

__getattr__, __all__ = later.names(__name__, {"": "benchmark checkpoint data dlpack hooks pytree tensorboard treepaths"})
