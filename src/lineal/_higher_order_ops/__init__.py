"""Control flow as functions, where PyTorch's programs look for it."""

from lineal._higher_order_ops.associative_scan import associative_scan
from lineal._higher_order_ops.cond import cond
from lineal._higher_order_ops.map import map
from lineal._higher_order_ops.scan import scan
from lineal._higher_order_ops.while_loop import while_loop

__all__ = ["associative_scan", "cond", "map", "scan", "while_loop"]
