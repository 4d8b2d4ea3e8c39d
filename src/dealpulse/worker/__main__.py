"""``python -m dealpulse.worker document email``: one process for the queues named; plain arq serves one or all."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from dealpulse.errors import Invalid
from dealpulse.jobs import queue_named
from dealpulse.logs import configure, report_fatal
from dealpulse.settings import LogSettings

_EXIT_BAD_USAGE: Final = 2


def main() -> None:
    """Drain the queues the arguments name until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m dealpulse.worker", description=__doc__)
    parser.add_argument("queues", nargs="+", metavar="QUEUE")
    parser.add_argument("--burst", action="store_true", help="stop when nothing is left to do")
    arguments = parser.parse_args()
    # Before anything else is imported: whatever fails from here on is one JSON line.
    configure(LogSettings(), service="worker")
    try:
        queues = [queue_named(name) for name in arguments.queues]
    except Invalid as error:
        report_fatal(error, service="worker")
        sys.exit(_EXIT_BAD_USAGE)
    from arq.worker import run_worker

    from dealpulse.worker.entry import class_for

    run_worker(class_for("SeveralWorkerSettings", list(dict.fromkeys(queues))), burst=arguments.burst)


if __name__ == "__main__":
    main()
