"""The image, started for real: `make image-try`."""
