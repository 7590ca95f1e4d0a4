"""Kernels: groups become native code.

In go the groups of a `Schedule`, out come LLVM modules, a function for each group, and the driver that calls them in order
(`Segment`; a `Sketch` has its numbers apart). Invariant: code does what the group's nodes mean, and touches no memory that they
do not declare. The only station that knows the processor.
"""
