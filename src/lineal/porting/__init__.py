"""Programs written for PyTorch: where they find its names, and which are missing."""
