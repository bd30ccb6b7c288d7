"""theta0 learns where to start: initial weights of coordinate networks for a class of signals.

>>> import theta0
>>> init = theta0.load("faces")

The public names are those of ``__init__.pyi``. Each is imported when it is first used, so that
``import theta0`` and ``theta0 --help`` are fast.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
