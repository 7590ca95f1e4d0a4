"""Methods of Krylov spaces."""
