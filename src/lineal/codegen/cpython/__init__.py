"""What emitted code knows of CPython's objects, behind one boundary: how they lie, what is compared, how calls enter and leave.

`layout` finds fields by looking at live objects, and says None where it cannot; `objects` and `facts` write and hold what is
read and compared; `entry`, `tablecall`, `arraycall` and `stepcall` are builtins, `sieve` and `callwatch` profile functions
(`callfilter`).
docs/cpython.md lists every assumption, and how it is verified. Invariant: where one does not hold, calls go the slow way, in
Python, with the same results.
"""
