"""Checkpointing: computing again in the backward pass what the forward pass does not keep."""

from lineal.transforms.recomputing import checkpoint, checkpoint_sequential

__all__ = ["checkpoint", "checkpoint_sequential"]
