"""Kernels for batches of matrices of middle size: one matrix at a time to a thread, each row of it in vectors."""
