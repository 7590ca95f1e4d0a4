"""The version of this package, read by the build and by `lineal info`."""

__version__ = "0.2.0"
