"""Pictures of what computes: a model's layers, a trace, a tensor's history."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"pictures": ["Drawing", "draw"]})
