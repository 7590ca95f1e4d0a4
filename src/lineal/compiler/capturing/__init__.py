"""Capturing: a function's call becomes a trace of pure equations.

In go a function and its arguments; out comes a `Trace`: equations that never write, what is written and returned in the end,
and all of Python's state that the function read, as guards. Invariant: the trace, run with the same numbers and state, gives
what the function would give; what cannot be compared, or said by equations, is refused by name.
"""
