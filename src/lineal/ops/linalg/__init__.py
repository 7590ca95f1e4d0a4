"""Linear algebra; its files are imported when one of them is first named."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, ["older"])
