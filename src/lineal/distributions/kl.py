"""Kullback and Leibler's divergence of two distributions. Names only; the modules named here enter the rules."""

from lineal.distributions import kl_across as _across
from lineal.distributions import kl_gaussian as _gaussian
from lineal.distributions import kl_infinite as _infinite
from lineal.distributions import kl_within as _within
from lineal.distributions.divergence import kl_divergence, register_kl

__all__ = ["kl_divergence", "register_kl"]

_RULES = (_across, _gaussian, _infinite, _within)
