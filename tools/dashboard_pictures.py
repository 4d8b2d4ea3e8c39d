"""The pictures of ``docs/dashboard.md``, of a dashboard that runs and shows the sample deal.

make up &
.venv/bin/dealpulse deal create "Project Kestrel"      # then add the sample deal as its source, and sync it
.venv/bin/python tools/dashboard_pictures.py http://localhost:3000
"""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDE = {"width": 1200, "height": 760}
PHONE = {"width": 375, "height": 760}


def asked(url: str) -> dict[str, list[dict[str, str]]]:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - the address is the caller's own
        found: dict[str, list[dict[str, str]]] = json.load(answer)
    return found


def take(page: Page, url: str, name: str) -> None:
    page.goto(url)
    page.get_by_text("live", exact=True).wait_for()
    page.screenshot(path=IMAGES / f"{name}.png")


def main(base: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    (deal, *_) = asked(f"{base}/api/deals")["deals"]
    (failed, *_) = asked(f"{base}/api/jobs?state=failed&limit=1")["jobs"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        light = browser.new_page(color_scheme="light", viewport=WIDE)
        take(light, f"{base}/", "overview")
        take(light, f"{base}/jobs", "jobs")
        take(light, f"{base}/jobs/{failed['id']}", "job")
        take(light, f"{base}/deals/{deal['id']}", "deal")
        dark = browser.new_page(color_scheme="dark", viewport=WIDE)
        take(dark, f"{base}/charts?queue=document", "charts")
        take(dark, f"{base}/dead", "dead-letters")
        take(browser.new_page(viewport=PHONE), f"{base}/", "overview-phone")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
