"""Scheduling: nodes become groups that run together, each in its place, in memory that is planned.

In go nodes, out comes a `Schedule`: groups in order, what each stores, and where everything lies. Invariants: nobody reads
what is not written yet, or given away; whatever may stop the program comes before anything is written to memory from outside.
Readers of groups: `cost`, `listing` (text), `interpreter` (NumPy, with `noise`), `signature` (what code depends on).
"""
