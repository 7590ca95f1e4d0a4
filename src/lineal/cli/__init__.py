"""The command `lineal`."""

import lazy_loader

# rich is slow to import, so `display` comes when something is to be shown.
COMMANDS = ["advising", "bench", "caching", "checking", "display", "doctor", "info", "launching", "script", "training"]
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submodules=COMMANDS)
