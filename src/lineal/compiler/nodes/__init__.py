"""Nodes: the compiler's own language, which knows neither ops nor processors.

A node says what is done (a map, a reduction, a product, a scan, a call …) on views, which say where in memory values lie; a
`Rolled` equation holds the turns of a loop. Invariant: what a node reads and writes, it declares.
"""
