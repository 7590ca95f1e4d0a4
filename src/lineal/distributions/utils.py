"""What PyTorch's programs take from `torch.distributions.utils`. Names only."""

from lineal.distributions.parameters import (
    broadcast_all,
    clamp_probs,
    euler_constant,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
    sum_rightmost,
)
from lineal.distributions.triangles import tril_matrix_to_vec, vec_to_tril_matrix

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "euler_constant",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

_sum_rightmost = sum_rightmost
