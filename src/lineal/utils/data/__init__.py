"""`lineal.utils.data`: datasets and loaders, where PyTorch's users look for them."""

from lineal.data import *
from lineal.utils.data import dataloader, dataset, distributed, sampler
