"""Functions on many parameters at once: clipping their grads, and all of them as one vector."""

from lineal.nn.utils import rnn
from lineal.nn.utils.clipping import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from lineal.nn.utils.skipping import skip_init
from lineal.nn.utils.vectors import parameters_to_vector, vector_to_parameters

__all__ = [
    "rnn",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "skip_init",
    "vector_to_parameters",
]
