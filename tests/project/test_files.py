"""The files around the code agree with each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements.runtime.lock")


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_image_gets_the_versions_the_tests_ran_with() -> None:
    everything, runtime = (pins(name) for name in LOCKS)
    assert runtime
    assert runtime.items() <= everything.items()


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_no_lock_names_where_it_came_from(name: str) -> None:
    text = (ROOT / name).read_text()
    requirements = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in requirement for requirement in requirements)
    assert "://" not in text


def test_the_image_build_is_given_every_file_it_copies() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = {
        source
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
        for source in sources.split()
    }
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == admitted
    assert all((ROOT / source).exists() for source in copied)
