"""``python -m dealpulse.cli`` is ``dealpulse``."""

from dealpulse.cli import main

main()
