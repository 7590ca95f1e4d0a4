"""`import lineal.as_torch`: from here on, `import torch` gives lineal in this process.

Every path below `torch` is found by one finder (`porting/finder.py`) through one table (`porting/paths.py`). What lineal has
not fails when it is used, and not when it is imported, with one line that says what and where; an import within `try … except
ImportError` fails at once, so that programs take their other way.
"""

from lineal.porting.finder import install

install()
