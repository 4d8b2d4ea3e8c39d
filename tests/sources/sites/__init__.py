"""The places the conformance suite runs on: what people do there, and how a connector gets at it.

A vendor's site does with its fake what a person would do in the vendor's own program. To add one, write a class as
``contract.py`` says, its line in :data:`SITES`, and what it does not know in :data:`LACKING`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from sources.sites.contract import PAGE, Call, Notion, Site, VendorSite
from sources.sites.folder import FolderSite, local_folder
from sources.sites.google import DriveSite, GmailSite, gmail, my_drive, shared_drive
from sources.sites.microsoft import SharePointSite, library, library_folder

__all__ = [
    "LACKING",
    "PAGE",
    "SITES",
    "Call",
    "DriveSite",
    "FolderSite",
    "GmailSite",
    "Notion",
    "SharePointSite",
    "Site",
    "VendorSite",
]

SITES: Final[Mapping[str, Callable[[Path], AbstractContextManager[Site]]]] = {
    "folder": local_folder,
    "my drive": my_drive,
    "shared drive": shared_drive,
    "gmail": gmail,
    "library": library,
    "library folder": library_folder,
}

LACKING: Final[Mapping[str, Mapping[Notion, str]]] = {
    "folder": {
        Notion.account: "It is read from the disk: no token, no budget, and nobody who refuses or breaks off. That a "
        "file which vanished, or cannot be listed, costs only itself is in test_folder.py.",
        Notion.change_log: "A directory keeps none; every sync lists it.",
        Notion.identity: "A path is all there is to know a file by.",
        Notion.ranges: "Nothing is downloaded.",
    },
    "gmail": {
        Notion.names: "A message has a subject, and nobody can change that.",
        Notion.ranges: "A message comes within a JSON answer, which is given whole or not at all.",
    },
}
"""What does not apply to a site, and why: tests that need it run on the others."""
