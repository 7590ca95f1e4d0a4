"""The shuffling of channels, where PyTorch keeps it."""

from lineal.nn.resizing import ChannelShuffle

__all__ = ["ChannelShuffle"]
