"""``python -m theta0``: the same as the ``theta0`` command."""

from theta0.cli import main

main()
