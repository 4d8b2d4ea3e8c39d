"""The API as its users start it: ``uvicorn dealpulse.web.app:create_app --factory``."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from dealpulse.local.stack import Stack

COMMAND = [sys.executable, "-m", "uvicorn", "dealpulse.web.app:create_app", "--factory"]


@contextmanager
def _started(environ: Mapping[str, str], directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the address of a socket that listened before it began."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        process = subprocess.Popen(
            [*COMMAND, "--fd", str(listener.fileno())],
            env={**inherited, **environ},
            cwd=directory,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process, f"http://localhost:{listener.getsockname()[1]}"
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def _lines(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_it_serves_and_ends_on_sigterm_with_every_line_json(clean_stack: Stack, tmp_path: Path) -> None:
    environ = {**clean_stack.environment(), "API_TOKENS": "a-token-0123456789"}
    with _started(environ, tmp_path) as (process, address):
        headers = {"authorization": "Bearer a-token-0123456789", "x-request-id": "trace-1"}
        with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=30) as client:
            assert client.get("/readyz").json()["ready"] is True
            created = client.post("/api/deals", json={"name": "Project Alder"})
            assert created.status_code == 201
            triggered = client.post("/api/queue/trigger-daily-briefs").json()
            assert triggered["queued"] == 1
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)

    lines = _lines(output)
    assert process.returncode in (0, -signal.SIGTERM)
    assert all({"timestamp", "level", "event", "logger", "service"} <= set(line) for line in lines)
    asked = [line for line in lines if line["event"] == "work_asked"]
    assert [(line["request_id"], line["caller"]) for line in asked] == [("trace-1", "token-1")]
    finished = [line for line in lines if line["event"] == "request_finished"]
    assert [line["status"] for line in finished] == [201, 200]
    assert any(line["event"] == "worker_status" for line in lines)
    assert "a-token-0123456789" not in output
    assert clean_stack.service_role_key not in output


def test_an_open_event_stream_keeps_it_from_ending_for_no_longer_than_any_request(
    clean_stack: Stack, tmp_path: Path
) -> None:
    with _started({**clean_stack.environment(), "API_TRUST_LOOPBACK": "true"}, tmp_path) as (process, address):
        with (
            httpx.Client(base_url=address, trust_env=False, timeout=30) as client,
            client.stream("GET", "/api/events") as answer,
        ):
            heard = answer.iter_lines()
            assert next(heard).startswith("retry:")
            process.send_signal(signal.SIGTERM)
            # The stream ends: the client would come again.
            assert [line for line in heard if line.startswith("event:")] == []
        output, _ = process.communicate(timeout=10)
    assert process.returncode in (0, -signal.SIGTERM)
    assert [line for line in _lines(output) if line["level"] in ("error", "critical")] == []


def test_without_redis_and_supabase_it_answers_503_and_logs_no_traceback(tmp_path: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # bound and not listening: refused for as long as this block lasts
        away = f"127.0.0.1:{unheard.getsockname()[1]}"
        environ = {
            "SUPABASE_URL": f"http://{away}",
            "SUPABASE_SERVICE_ROLE_KEY": "service-key",
            "REDIS_URL": f"redis://{away}/0",
            "API_TRUST_LOOPBACK": "true",
        }
        with _started(environ, tmp_path) as (process, address):
            with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
                answers = [
                    client.get("/api/queue/stats"),
                    client.post("/api/queue/trigger-daily-briefs"),
                    client.post("/api/webhooks/gdrive", json={"changes": [{"dealId": "x"}]}),
                ]
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=30)

    # Whether a deal may be called x is known without asking Supabase.
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers[:2])
    lines = _lines(output)
    assert [line["event"] for line in lines if line["level"] in ("error", "critical") or "exception" in line] == []
    assert "Traceback" not in output


def test_wrong_settings_end_it_at_once_naming_every_fault(tmp_path: Path) -> None:
    with _started({"PORT": "many", "TIMEZONE": "Mars/Olympus"}, tmp_path) as (process, _):
        output, _ = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    lines = _lines(output)
    assert "Traceback" not in output
    told = json.dumps(lines)
    assert all(name in told for name in ("PORT", "TIMEZONE", "SUPABASE_SERVICE_ROLE_KEY"))
