"""One line of samples per op; the contract test checks each. Arrays become tensors, the floating ones differentiated."""

from samples import contraction, elementwise, fourier, indexing, linalg, reductions, sorting, structural
from samples.exempt import CONSTANTS

FAMILIES = (elementwise, structural, indexing, reductions, sorting, contraction, linalg, fourier)
SAMPLES = {name: samples for family in FAMILIES for name, samples in family.SAMPLES.items()}

__all__ = ["CONSTANTS", "FAMILIES", "SAMPLES"]
