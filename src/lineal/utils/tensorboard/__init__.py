"""Files of events for TensorBoard, as in `torch.utils.tensorboard`; nothing need be installed to write them."""

from lineal.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
