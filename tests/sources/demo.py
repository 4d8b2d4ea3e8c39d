"""The sample deal at a vendor's, as far as anyone can tell: ``make demo SOURCE=gdrive``.

Fills the vendor's fake site with the sample deal and runs ``dealpulse demo`` against it: the same connector, sync and
worker as against the vendor itself, for which only the addresses differ.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dealpulse.local import sample_deal
from dealpulse.settings import SourceSettings
from dealpulse.sources.contract import ItemKind
from sources.sites import SITES, Site

SHOWN: Final = {"gdrive": "my drive", "gmail": "gmail", "sharepoint": "library", "outlook": "outlook"}
"""By the source's type: the site that shows it."""


def files() -> Iterator[tuple[str, bytes]]:
    """Each file of the sample deal, by its path."""
    for path in sorted(sample_deal.PATH.rglob("*")):
        if path.is_file():
            yield path.relative_to(sample_deal.PATH).as_posix(), path.read_bytes()


def addresses(settings: SourceSettings) -> dict[str, str]:
    """The environment in which the service finds the site."""
    google, microsoft = settings.google, settings.microsoft
    if microsoft.client_secret is not None:
        return {
            "MICROSOFT_GRAPH_URL": microsoft.graph_url,
            "MICROSOFT_LOGIN_URL": microsoft.login_url,
            "MICROSOFT_TENANT_ID": microsoft.tenant or "",
            "MICROSOFT_CLIENT_ID": microsoft.client_id or "",
            "MICROSOFT_CLIENT_SECRET": microsoft.client_secret.reveal(),
        }
    return {
        "GOOGLE_API_URL": google.api_url,
        "GOOGLE_TOKEN_URL": google.token_url,
        "GOOGLE_SERVICE_ACCOUNT_FILE": str(google.service_account),
        **({"GOOGLE_IMPERSONATE": google.impersonate} if google.impersonate else {}),
    }


def fill(site: Site) -> None:
    for path, content in files():
        if site.kind is ItemKind.document or path.endswith(".eml"):
            site.put(path, content)


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted not in SHOWN:
        sys.exit(f"SOURCE={wanted} is none of {', '.join(SHOWN)}.")
    with tempfile.TemporaryDirectory(prefix="dealpulse-site-") as folder, SITES[SHOWN[wanted]](Path(folder)) as site:
        fill(site)
        command = [sys.executable, "-m", "dealpulse.cli", "demo", "--source", wanted]
        named = ["--name", sample_deal.DEAL_NAME, "--", site.location]
        demo = subprocess.Popen([*command, *named], env={**os.environ, **addresses(site.settings)})
        while True:
            try:
                return demo.wait()
            except KeyboardInterrupt:  # it got the same, and is about to stop
                continue


if __name__ == "__main__":
    sys.exit(main())
