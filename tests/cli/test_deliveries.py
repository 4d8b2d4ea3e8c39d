"""``dealpulse recipient``, ``delivery`` and ``schedule``: added, listed, tested, removed."""

from __future__ import annotations

from cli.conftest import CommandLine


def test_recipients_and_schedules_are_managed_from_the_command_line(dealpulse: CommandLine) -> None:
    deal = dealpulse("deal", "create", "Kestrel").stdout.strip()
    added = dealpulse("recipient", "add", deal, "webhook", "https://hooks.example/1", "--kind", "daily_brief")
    secret = added.stdout.strip()
    assert secret.startswith("whsec_")
    listed = dealpulse("recipient", "list", deal)
    assert secret not in listed.stdout
    (line,) = [line for line in listed.stdout.splitlines() if "hooks.example" in line]
    recipient = line.split()[0]
    assert dealpulse("recipient", "test", recipient).stdout.startswith("deliver:")
    sent = dealpulse("delivery", "list", deal).stdout
    assert "pending" in sent
    delivery = next(line.split()[0] for line in sent.splitlines() if "pending" in line)
    assert dealpulse("delivery", "again", delivery).stdout.strip() == f"deliver:{delivery}"
    schedule = dealpulse("schedule", "add", deal, "weekly_report", "0 8 * * MON", "--time-zone", "Europe/Berlin")
    assert schedule.returncode == 0
    assert "Europe/Berlin" in dealpulse("schedule", "list", deal).stdout
    assert dealpulse("schedule", "remove", schedule.stdout.strip()).returncode == 0
    assert "no schedule" in dealpulse("schedule", "list", deal).stdout
    assert dealpulse("recipient", "remove", recipient).returncode == 0
    assert "no recipient" in dealpulse("recipient", "list", deal).stdout
    assert "Nothing was sent" in dealpulse("delivery", "list", deal).stdout


def test_what_cannot_be_added_says_why(dealpulse: CommandLine) -> None:
    deal = dealpulse("deal", "create", "Kestrel").stdout.strip()
    refused = dealpulse("recipient", "add", deal, "email", "nobody")
    assert (refused.returncode, refused.stderr.strip()) == (1, "Error: That is no e-mail address.")
    assert "at most once a day" in dealpulse("schedule", "add", deal, "risk_register", "*/5 * * * *").stderr
