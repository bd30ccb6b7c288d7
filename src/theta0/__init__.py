"""theta0 learns where to start: initial weights of coordinate networks for a class of signals."""

__version__ = "0.1.0"
