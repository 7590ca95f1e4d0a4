"""Resizing, where PyTorch keeps it."""

from lineal.nn.resizing import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d

__all__ = ["Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"]
