"""Native code for matrices compressed by rows: products, sampled products, triangular systems."""
