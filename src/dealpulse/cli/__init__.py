"""The command line: ``dealpulse --help``."""

from __future__ import annotations


def main() -> None:
    """Run the command the arguments name and end the process with its exit code."""
    from dealpulse.cli.app import run  # what is imported takes half a second: only the command itself pays for it

    run()


__all__ = ["main"]
