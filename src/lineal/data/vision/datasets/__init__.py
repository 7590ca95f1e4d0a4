"""Data sets of images that a user has on disk: MNIST and its relatives, CIFAR, folders of images. Nothing is downloaded."""

from lineal.data.vision.datasets.cifar import CIFAR10, CIFAR100
from lineal.data.vision.datasets.folders import IMG_EXTENSIONS, DatasetFolder, ImageFolder, default_loader
from lineal.data.vision.datasets.mnist import EMNIST, KMNIST, MNIST, FashionMNIST, read_idx
from lineal.data.vision.datasets.vision import VisionDataset

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "IMG_EXTENSIONS",
    "DatasetFolder",
    "EMNIST",
    "FashionMNIST",
    "ImageFolder",
    "KMNIST",
    "MNIST",
    "VisionDataset",
    "default_loader",
    "read_idx",
]
