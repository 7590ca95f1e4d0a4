"""Eigenvalues, and what is made of them, of matrices known by their products."""
