"""Programs of one node, for eager code: what large arrays are computed with.

In go a way to build nodes (a map, a reduction, a formula over rows) and arrays; out come the results, by the code that a
compiled function would have for these nodes: the same lowering, scheduling and kernels. Sizes are no numbers here but remember
where they come from (`codegen/sizes.py`), so one piece of code serves all sizes at which the same is decided.
"""
