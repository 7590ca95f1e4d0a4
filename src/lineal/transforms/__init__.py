"""Functions of functions: derivatives, Jacobians, batches."""
