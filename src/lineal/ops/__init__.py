"""The mathematics, front to back: every public function of tensors, each file using only those before it."""

from lineal.ops.elementwise.arithmetic import *
from lineal.ops.reductions.sums import *
from lineal.ops.structural.reshape import *
from lineal.ops.creation import *
from lineal.ops.random.distributions import *
from lineal.ops.random.generator import *
