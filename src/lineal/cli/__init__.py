"""The command `lineal`."""

import lazy_loader

# rich is slow to import, so `display` comes when something is to be shown.
MODULES = [
    "advising",
    "bench",
    "bugreport",
    "caching",
    "checking",
    "completion",
    "display",
    "doctor",
    "info",
    "launching",
    "script",
    "training",
    "viewing",
]
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=MODULES)
