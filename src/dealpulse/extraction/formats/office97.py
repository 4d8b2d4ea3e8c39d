"""Word and PowerPoint files of before 2007, by catdoc and catppt where the system has them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

from dealpulse.errors import Unreadable
from dealpulse.extraction.confine import die_with_parent
from dealpulse.extraction.pages import Draft, Reading, clean, section_drafts
from dealpulse.extraction.registry import Source
from dealpulse.models import PageKind

_PROGRAMS = {"application/msword": "catdoc", "application/vnd.ms-powerpoint": "catppt"}


def read(source: Source) -> Reading:
    program = shutil.which(_PROGRAMS[source.mime_type])
    if program is None:
        raise Unreadable(
            "The file is in the Office format of before 2007; convert it to .docx or .pdf.", code="unsupported_type"
        )
    finished = subprocess.run(  # noqa: S603 - a fixed program; the path is ours, not the file's own name
        [program, "-d", "utf-8", str(source.path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        preexec_fn=functools.partial(die_with_parent, os.getpid()),
    )
    if finished.returncode != 0:
        raise Unreadable("The file is damaged; open it, save it as .docx and resend it.", code="corrupt")
    text = clean(finished.stdout.decode("utf-8", errors="replace"))
    slides = text.split("\f")
    if len(slides) > 1:
        return Reading(pages=tuple(Draft(text=slide, kind=PageKind.slide) for slide in slides))
    return Reading(pages=tuple(section_drafts(text)))
