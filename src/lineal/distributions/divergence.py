"""The table of Kullback and Leibler's divergences, by the classes of two distributions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from lineal.distributions.distribution import Distribution
from lineal.tensors import Tensor

__all__ = ["kl_divergence", "register_kl"]

Rule = Callable[[Any, Any], Tensor]

_RULES: dict[tuple[type, type], Rule] = {}
_FOUND: dict[tuple[type, type], Rule | None] = {}
"""What was looked up, until another rule is entered."""


def register_kl(type_p: type, type_q: type) -> Callable[[Rule], Rule]:
    """Return the decorator that enters a function of p and q for distributions of two classes, and of their subclasses.

    Of several the one of the nearest classes is taken; RuntimeWarning where p and q do not agree which that is. As in PyTorch,
    other libraries may have classes of distributions that are none of ours; TypeError for what is no class.
    """
    for name, each in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(each, type):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {each}")

    def enter(rule: Rule) -> Rule:
        _RULES[type_p, type_q] = rule
        _FOUND.clear()
        return rule

    return enter


def _nearest(type_p: type, type_q: type) -> Rule | None:
    """Return the rule of the first classes in the order of inheritance, p's before q's, if q's before p's is the same."""
    order_p, order_q = type_p.__mro__, type_q.__mro__
    pairs = [(p, q) for p, q in _RULES if p in order_p and q in order_q]
    if not pairs:
        return None
    by_p = min(pairs, key=lambda pair: (order_p.index(pair[0]), order_q.index(pair[1])))
    by_q = min(pairs, key=lambda pair: (order_q.index(pair[1]), order_p.index(pair[0])))
    if _RULES[by_p] is not _RULES[by_q]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
            f"Please register_kl({by_p[0].__name__}, {by_q[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _RULES[by_p]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Return KL(p ‖ q) = ∫ p(x) log(p(x)/q(x)) dx of the batch's distributions; NotImplementedError for unknown pairs.

    >>> import lineal
    >>> D = lineal.distributions
    >>> D.kl_divergence(D.Normal(0.0, 1.0), D.Normal(1.0, 1.0))
    tensor(0.5000)
    """
    pair = type(p), type(q)
    if pair not in _FOUND:
        _FOUND[pair] = _nearest(*pair)
    rule = _FOUND[pair]
    if rule is None:
        raise NotImplementedError(f"No KL(p || q) is implemented for p type {pair[0].__name__} and q type {pair[1].__name__}")
    return rule(p, q)
