"""Parameters as one vector, where PyTorch keeps it."""

from lineal.nn.utils.vectors import parameters_to_vector, vector_to_parameters

__all__ = ["parameters_to_vector", "vector_to_parameters"]
