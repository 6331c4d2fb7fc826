"""``python -m kvota`` is ``kvota``."""

from kvota.cli import main

main()
