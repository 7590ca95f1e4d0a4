"""Kernels for batches of small matrices, vectorised across the batch: every lane of a vector belongs to another matrix."""
