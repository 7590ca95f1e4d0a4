"""Lowering: equations become nodes.

In goes a `Trace`, out come nodes in an order in which everything is made before it is read, and the view that each variable
is. Invariant: nodes mean what the equations' ops compute, but for rounding; an op without a rule is a step of the host's.
"""
