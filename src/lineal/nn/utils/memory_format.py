"""Weights of convolutions in another memory format."""

from __future__ import annotations

from typing import Any, TypeVar

from lineal.nn.convolution import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from lineal.nn.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

M = TypeVar("M", bound=Module)


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Lay out the weights of all `Conv2d` and `ConvTranspose2d` in a module by `memory_format`; returns the module."""
    return converted(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Lay out the weights of all `Conv3d` and `ConvTranspose3d` in a module by `memory_format`; returns the module."""
    return converted(module, (Conv3d, ConvTranspose3d), memory_format)


def converted(module: M, kinds: tuple[type, ...], memory_format: Any) -> M:
    """Lay out the weights of the layers of some kinds; returns the module."""
    for each in module.modules():
        if isinstance(each, kinds):
            each.weight.data = each.weight.detach().clone(memory_format=memory_format)
    return module
