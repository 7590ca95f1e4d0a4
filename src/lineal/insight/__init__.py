"""Looking at models: what their layers are and cost, how they hang together, what may go wrong."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "advice": ["Adviser", "Advice", "Advices", "advise"],
        "drawing": ["Drawing", "draw"],
        "summaries": ["Layer", "Summary", "summary"],
    },
)
