"""The softmax in clusters, where PyTorch keeps it."""

from lineal.nn.adaptive import AdaptiveLogSoftmaxWithLoss

__all__ = ["AdaptiveLogSoftmaxWithLoss"]
