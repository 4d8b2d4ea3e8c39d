"""Presentations of before 2007, by ``catppt`` where it is installed: one page a slide."""

from __future__ import annotations

import os
import shutil
import subprocess

from dealpulse.errors import Unreadable
from dealpulse.extraction.pages import Draft, Reading, clean
from dealpulse.extraction.registry import Source
from dealpulse.models import PageKind

_FOLDERS = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin"
"""Where programs are looked for: the sandbox has no ``PATH``."""


def read(source: Source) -> Reading:
    program = shutil.which("catppt", path=os.environ.get("PATH", _FOLDERS))
    if program is None:
        raise Unreadable(
            "The file is a PowerPoint file of before 2007, for which no converter is installed (catppt, of catdoc);"
            " convert it to .pptx or .pdf.",
            code="unsupported_type",
        )
    finished = subprocess.run(  # noqa: S603 - a program of the system, a path of ours; the sandbox bounds its time
        [program, "-d", "utf-8", str(source.path)], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if finished.returncode != 0:
        raise Unreadable("The presentation is damaged; convert it to .pptx or .pdf.", code="corrupt")
    slides = clean(finished.stdout.decode("utf-8", errors="replace")).strip("\f\n").split("\f")
    return Reading(pages=tuple(Draft(text=slide.strip("\n"), kind=PageKind.slide) for slide in slides))
