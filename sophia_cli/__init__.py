"""Sophia takes a broken Python multi-service repository and gets it running again."""

__version__ = "0.1.0"
