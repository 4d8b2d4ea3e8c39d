"""The commands for people, against a running stack."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from cli.conftest import CommandLine

NOWHERE = "00000000-0000-4000-8000-000000000000"
COMMANDS = (
    *("demo", "up", "run", "worker", "api", "enqueue", "stats", "workers", "alerts", "job", "queue", "dead", "deal"),
    *("migrate", "doctor"),
)


def test_help_names_every_command_and_where_settings_come_from(stranger: CommandLine) -> None:
    done = stranger("--help")
    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    assert ".env.local" in done.stdout


def test_version_is_printed(stranger: CommandLine) -> None:
    done = stranger("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "dealpulse")


def test_stats_shows_every_queue(dealpulse: CommandLine) -> None:
    done = dealpulse("stats")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "queue",
        "dailyBrief",
        "documentProcessing",
        "emailProcessing",
        "sourceSync",
    ]


def test_stats_as_json_is_only_json(dealpulse: CommandLine) -> None:
    done = dealpulse("stats", "--json")
    stats = json.loads(done.stdout)
    assert stats["dailyBrief"]["waiting"] == 0
    assert stats["sourceSync"]["oldestWaitingMs"] == 0
    assert done.stderr == ""


def test_a_deal_is_made_listed_and_archived(dealpulse: CommandLine) -> None:
    deal_id = dealpulse("deal", "create", "Project Heron", "--time-zone", "Europe/Berlin").stdout.strip()
    listed = dealpulse("deal", "list").stdout
    assert f"{deal_id}  active  Europe/Berlin  Project Heron" in listed
    assert dealpulse("deal", "archive", deal_id).stdout == "Project Heron is archived.\n"
    refused = dealpulse("enqueue", "daily-brief", deal_id)
    assert refused.returncode == 1
    assert "Only active deals" in refused.stderr


def test_a_deal_is_given_a_budget(dealpulse: CommandLine) -> None:
    deal_id = dealpulse("deal", "create", "Project Heron").stdout.strip()
    assert dealpulse("deal", "budget", deal_id, "--usd", "7.5").stdout == "It may spend 7.50 USD a day.\n"
    assert dealpulse("deal", "budget", deal_id, "--default").stdout == "It may spend what is set for all deals.\n"
    assert "--usd" in dealpulse("deal", "budget", deal_id).stderr
    assert "no such deal" in dealpulse("deal", "budget", NOWHERE, "--default").stderr


def test_what_a_deal_has_cost_is_shown(dealpulse: CommandLine) -> None:
    deal_id = dealpulse("deal", "create", "Project Heron").stdout.strip()
    shown = dealpulse("deal", "cost", deal_id, "--days", "7")
    assert shown.returncode == 0, shown.stderr
    header, total = shown.stdout.splitlines()
    assert header.split()[:3] == ["day", "operation", "model"]
    assert total == "Together 0.0000 USD."
    assert "no such deal" in dealpulse("deal", "cost", NOWHERE).stderr


def test_a_brief_asked_for_twice_is_queued_once_whichever_name_the_queue_is_given(dealpulse: CommandLine) -> None:
    deal_id = dealpulse("deal", "create", "Project Heron").stdout.strip()
    names = ("daily-brief", "dailyBrief")
    asked = [dealpulse("enqueue", name, deal_id, "--date", "2026-11-20").stdout for name in names]
    job = f"brief:{deal_id}:2026-11-20"
    assert asked == [f"{job}  queued\n", f"{job}  was queued already\n"]
    assert json.loads(dealpulse("stats", "--json").stdout)["dailyBrief"]["waiting"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("daily-brief", NOWHERE), "no such deal"),
        (("document", NOWHERE, NOWHERE), "no such document"),
        (("document", NOWHERE, NOWHERE, "--operation", "shred"), "summarize"),
        (("email", NOWHERE, NOWHERE), "no such e-mail"),
        (("source-sync", NOWHERE), "no such deal"),
        (("source-sync", NOWHERE, "--type", "pigeon"), "gdrive"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(
    dealpulse: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    done = dealpulse("enqueue", *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_arguments_end_with_2(dealpulse: CommandLine) -> None:
    assert dealpulse("enqueue", "daily-brief").returncode == 2
    assert dealpulse("worker", "fax").returncode == 2
    assert dealpulse("run", "nowhere", "--out", "there").returncode == 2


def test_missing_settings_are_named_all_at_once_for_people(stranger: CommandLine) -> None:
    done = stranger("stats", REDIS_PORT="a-lot", SUPABASE_SERVICE_ROLE_KEY="not-a-key-at-all")
    assert done.returncode == 2
    for name in ("REDIS_PORT", "SUPABASE_URL"):
        assert name in done.stderr
    assert "not-a-key-at-all" not in done.stderr
    assert "{" not in done.stderr


@pytest.mark.parametrize("service", ["worker", "api"])
def test_services_report_missing_settings_as_json(stranger: CommandLine, service: str) -> None:
    done = stranger(service)
    assert done.returncode == 2
    lines = [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]
    assert "SUPABASE_URL" in json.dumps(lines)


def test_an_api_that_cannot_listen_says_where_and_why_as_json(dealpulse: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = dealpulse("api", PORT=str(port))
    assert done.returncode == 1
    (line,) = [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]
    assert (line["level"], line["code"]) == ("critical", "address_unusable")
    assert f"127.0.0.1, port {port} (Address already in use)" in line["message"]


def test_a_demo_of_a_folder_without_a_file_is_refused_before_anything_starts(
    stranger: CommandLine, folder: Path
) -> None:
    (folder / "room").mkdir()
    (folder / "room" / ".hidden").touch()
    done = stranger("demo", "room")
    assert done.returncode == 2
    assert "holds no file to read" in done.stderr
    assert not (folder / ".dealpulse").exists()


def test_a_worker_in_a_burst_drains_the_queues_named_and_ends(dealpulse: CommandLine) -> None:
    deal_id = dealpulse("deal", "create", "Project Heron").stdout.strip()
    dealpulse("enqueue", "daily-brief", deal_id, "--date", "2026-11-20")
    done = dealpulse("worker", "daily-brief", "emailProcessing", "--burst")
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (done.stdout + done.stderr).splitlines():
        json.loads(line)
    assert "# Project Heron" in dealpulse("deal", "brief", deal_id, "--date", "2026-11-20").stdout


def test_an_unreachable_redis_is_one_sentence(dealpulse: CommandLine) -> None:
    done = dealpulse("stats", REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Redis does not answer")


def test_migrate_tells_what_is_applied_and_that_nothing_is_left(dealpulse: CommandLine) -> None:
    status = dealpulse("migrate", "--status")
    assert status.returncode == 0, status.stderr
    assert all(line.startswith("applied ") for line in status.stdout.splitlines())
    assert dealpulse("migrate", "--dry-run").stdout == "The database is up to date.\n"
    assert dealpulse("migrate").stdout == "The database is up to date.\n"


def test_migrate_needs_the_database_itself(dealpulse: CommandLine) -> None:
    done = dealpulse("migrate", DATABASE_URL="")
    assert done.returncode == 2
    assert "DATABASE_URL is not set" in done.stderr


def test_doctor_is_content_with_a_whole_stack(dealpulse: CommandLine) -> None:
    done = dealpulse("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("All is well.\n")
    assert all(subject in done.stdout for subject in ("settings", "Redis", "Supabase", "database", "AI", "OCR"))


def test_doctor_says_how_to_mend_each_wrong_setting_and_still_checks_this_machine(stranger: CommandLine) -> None:
    done = stranger("doctor", REDIS_PORT="a-lot")
    assert done.returncode == 1
    assert "REDIS_PORT" in done.stdout
    assert "Right would be: a port from 1 to 65535." in done.stdout
    assert "SUPABASE_URL" in done.stdout
    assert "ok       OCR" in done.stdout


def test_doctor_names_what_is_away_and_what_is_refused(dealpulse: CommandLine) -> None:
    done = dealpulse(
        "doctor",
        REDIS_URL="redis://127.0.0.1:1/0",
        SUPABASE_URL="http://127.0.0.1:1",
        DATABASE_URL="postgresql://postgres:wrong@127.0.0.1:1/postgres",
        OCR_LANGUAGE="tlh",
    )
    assert done.returncode == 1
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("problem")] == [
        "Redis:",
        "Supabase:",
        "database:",
        "OCR:",
    ]


def test_settings_in_dotenv_files_of_the_folder_are_used(dealpulse: CommandLine, folder: Path) -> None:
    (folder / ".env.local").write_text('REDIS_SOCKET_TIMEOUT="soon" # after lunch\n')
    done = dealpulse("stats")
    assert done.returncode == 2
    assert "REDIS_SOCKET_TIMEOUT" in done.stderr
