"""Advice: what a program does that is often a mistake, with the line and what to do instead."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"advising": ["Adviser", "advise"], "steps": ["Advice", "Advices"]}
)
