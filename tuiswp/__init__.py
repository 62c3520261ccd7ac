"""Hyperparameter sweeps in your terminal. Import the submodule you need; the root loads nothing."""

__version__ = "0.1.0"
