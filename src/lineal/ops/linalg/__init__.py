"""Linear algebra; its files are imported when one of them is first named."""

from lineal.base import later

__getattr__, __all__ = later.names(__name__, {"": "older"})
