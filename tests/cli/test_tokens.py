"""``dealpulse token``: handed out once, listed without secrets, revoked."""

from __future__ import annotations

from cli.conftest import CommandLine


def test_a_token_is_made_shown_once_listed_and_revoked(dealpulse: CommandLine) -> None:
    made = dealpulse("token", "create", "next app", "--scope", "operate", "--days", "30")
    assert made.returncode == 0
    token = made.stdout.strip()
    assert token.startswith("dp_")
    assert len(token) > 40
    listed = dealpulse("token", "list")
    assert token not in listed.stdout
    (line,) = [line for line in listed.stdout.splitlines() if "next app" in line]
    assert "operate" in line
    assert "valid until" in line
    revoked = dealpulse("token", "revoke", line.split()[0])
    assert revoked.returncode == 0
    assert "revoked" in dealpulse("token", "list").stdout


def test_a_token_that_cannot_be_made_or_revoked_says_why(dealpulse: CommandLine) -> None:
    assert "1 to 64 printable characters" in dealpulse("token", "create", " ").stderr
    assert dealpulse("token", "create", "x", "--scope", "god").returncode == 2
    unknown = dealpulse("token", "revoke", "nobody")
    assert (unknown.returncode, unknown.stderr.strip()) == (1, "Error: There is no such token.")
    assert "no token yet" in dealpulse("token", "list").stdout
