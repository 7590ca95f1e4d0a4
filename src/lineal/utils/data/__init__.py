"""`lineal.utils.data`: datasets and loaders, where PyTorch's users look for them."""

from lineal.data import *
from lineal.utils.data import _utils, dataloader, dataset, distributed, sampler
