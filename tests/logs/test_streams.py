"""Whoever speaks in one of our processes, each line on standard output and standard error is one JSON object.

``run`` reads both streams and fails at the first line that is none.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from arq.logs import default_log_config
from uvicorn.config import LOGGING_CONFIG

from .program import PREAMBLE, run, run_command

CANARY = "xXcanaryXx"


def test_a_line_has_the_fixed_fields_first() -> None:
    line = run("log.info('job_done', duration_ms=12)").of("job_done")
    assert list(line) == ["timestamp", "level", "event", "logger", "service", "duration_ms"]
    assert (line["level"], line["logger"], line["service"]) == ("info", "dealpulse.test", "worker")
    assert isinstance(line["timestamp"], str)
    assert line["timestamp"].endswith("Z")
    assert abs(datetime.fromisoformat(line["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=5)


def test_bound_fields_are_on_every_line_inside_and_in_the_tasks_started_there() -> None:
    output = run("""
        async def child():
            log.info("child")
            logging.getLogger("library").info("stdlib")

        async def main():
            with logs.bound(queue="dailyBrief", job_id="brief:1", deal_id="1"):
                await asyncio.create_task(child())
                with logs.bound(deal_id="2", request_id="r"):
                    log.info("inner", queue="own")
            log.info("outside")

        asyncio.run(main())
    """)
    for event in ("child", "stdlib"):
        line = output.of(event)
        assert (line["queue"], line["job_id"], line["deal_id"]) == ("dailyBrief", "brief:1", "1")
        assert "request_id" not in line
    inner = output.of("inner")
    assert (inner["deal_id"], inner["request_id"], inner["queue"]) == ("2", "r", "own")
    assert not {"queue", "job_id", "deal_id", "request_id"} & output.of("outside").keys()


def test_stdlib_loggers_of_any_library_speak_json() -> None:
    output = run("""
        logging.getLogger("library").info("one %s", 1)
        logging.getLogger("library").info("%(who)s", {"who": "two"})
        logging.getLogger("library").log(35, "between levels")
        logging.getLogger("library").info("three\\nlines\\u2028here")
        logging.getLogger("library").info("100%")
        logging.getLogger("library").debug("content")
        logging.warning("root")
    """)
    events = [(line["event"], line["level"]) for line in output.lines]
    assert events == [
        ("one 1", "info"),
        ("two", "info"),
        ("between levels", "warning"),
        ("three\nlines\u2028here", "info"),
        ("100%", "info"),
        ("root", "warning"),
    ]


def test_arq_speaks_json_though_its_command_line_configures_logging_after_us() -> None:
    output = run(f"""
        logging.config.dictConfig({default_log_config(verbose=True)!r})
        for name in ("arq", "arq.worker", "arq.connections", "arq.jobs", "arq.utils", "arq.cron"):
            logging.getLogger(name).info("from %s", name)
        logging.getLogger("arq.worker").debug("details")
    """)
    loggers = ["arq", "arq.worker", "arq.connections", "arq.jobs", "arq.utils", "arq.cron"]
    assert [line["logger"] for line in output.lines] == loggers


ARQ_SETTINGS = """
from dealpulse import logs
from dealpulse.settings import LogSettings, Settings
logs.configure(LogSettings(), service="worker")

async def work(ctx):
    pass

class NoRedis:
    functions = [work]
    redis_settings = __import__("arq").connections.RedisSettings(port=1, conn_retries=1, conn_retry_delay=0)

def __getattr__(name):
    if name == "Faulty":
        return Settings.load(environ={})
    raise AttributeError(name)
"""


@pytest.mark.parametrize(("settings", "event"), [("NoRedis", "process_failed"), ("Faulty", "startup_failed")])
def test_arqs_own_command_speaks_json_to_its_end(settings: str, event: str, tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(ARQ_SETTINGS)
    arq = Path(sys.executable).with_name("arq")
    output = run_command([str(arq), f"work.{settings}"], directory=tmp_path)
    assert output.code == 1
    assert output.lines[-1]["event"] == event
    assert output.lines[-1]["service"] == "worker"


def test_uvicorn_speaks_json_though_its_command_line_configured_logging_before_us() -> None:
    output = run(
        f"""
        logging.config.dictConfig({LOGGING_CONFIG!r})
        configure()
        logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
        logging.getLogger("uvicorn.access").info(
            '%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", "/api?token={CANARY}", "1.1", 200
        )
        """,
        configured=False,
    )
    assert [line["event"] for line in output.lines] == [
        "Started server process [7]",
        '127.0.0.1:1 - "GET /api HTTP/1.1" 200',
    ]


def test_warnings_are_lines() -> None:
    line = run("warnings.warn('careful\\nhere', UserWarning)").of("python_warning")
    assert (line["category"], line["message"], line["level"]) == ("UserWarning", "careful\nhere", "warning")


def test_an_exception_nobody_caught_is_one_line_and_still_ends_the_process() -> None:
    output = run("def f():\n    raise RuntimeError('boom')\nf()")
    assert output.code == 1
    line = output.of("process_failed")
    assert line["level"] == "critical"
    (error,) = exceptions(line)
    assert error["type"] == "RuntimeError"
    assert str(error["frames"]).endswith("in f']")


def test_an_interrupt_is_no_failure() -> None:
    assert run("raise KeyboardInterrupt").of("interrupted")["level"] == "info"


def test_an_exception_in_a_thread_or_a_destructor_is_one_line() -> None:
    output = run("""
        class Sloppy:
            def __del__(self):
                raise ValueError

        thread = threading.Thread(target=lambda: 1 / 0, name="reader")
        thread.start()
        thread.join()
        Sloppy()
    """)
    failed = output.of("thread_failed")
    assert failed["thread"] == "reader"
    assert exceptions(failed)[0]["type"] == "ZeroDivisionError"
    assert exceptions(output.of("unraisable_exception"))[0]["type"] == "ValueError"


@pytest.mark.parametrize("configure_inside", [True, False])
def test_a_task_nobody_waited_for_is_one_line(configure_inside: bool) -> None:
    output = run(f"""
        async def fail():
            raise KeyError("{CANARY}")

        async def main():
            if {configure_inside}:
                configure()
            task = asyncio.create_task(fail())
            await asyncio.wait({{task}})

        asyncio.run(main())
    """)
    (line,) = output.lines
    assert line["logger"] == "asyncio"
    assert exceptions(line)[0]["type"] == "KeyError"
    assert CANARY not in output.text


def test_a_wrong_setting_at_the_start_is_one_line_that_lists_all_faults() -> None:
    output = run(f"""
        try:
            Settings.load(environ={{"PORT": "{CANARY}"}})
        except Exception as error:
            logs.report_fatal(error, "worker")
            sys.exit(1)
    """)
    line = output.of("startup_failed")
    assert (output.code, line["level"], line["code"]) == (1, "critical", "invalid_settings")
    assert isinstance(line["faults"], list)
    assert [fault["variable"] for fault in line["faults"]] == [
        "PORT",
        "SUPABASE_URL (or NEXT_PUBLIC_SUPABASE_URL)",
        "SUPABASE_SERVICE_ROLE_KEY",
    ]
    assert CANARY not in output.text


def test_a_fatal_error_is_one_line_even_before_logs_are_configured() -> None:
    output = run("logs.report_fatal(OSError('no port'), 'api')", configured=False)
    line = output.of("startup_failed")
    assert line["service"] == "api"
    assert exceptions(line)[0]["type"] == "OSError"


def test_the_level_holds_for_everybody() -> None:
    output = run(
        """
        configure(level="error")
        for logger in (log, logging.getLogger("library"), logging.getLogger("arq.worker")):
            logger.warning("quiet")
            logger.error("loud")
        configure(level="debug")
        log.debug("details")
        logging.getLogger("library").debug("content")
        """,
        configured=False,
    )
    assert [line["event"] for line in output.lines] == ["loud", "loud", "loud", "details"]


def test_http_clients_do_not_tell_what_they_ask_for() -> None:
    output = run(f"""
        for name in ("httpx", "httpx2", "httpcore.http11", "anthropic._base_client"):
            logging.getLogger(name).info("GET https://example.com/?signature={CANARY}")
    """)
    assert output.lines == []


def test_lines_go_to_whatever_standard_output_is_at_that_moment() -> None:
    output = run("""
        import contextlib, io
        with contextlib.redirect_stdout(io.StringIO()) as captured:
            log.info("inside")
            logging.getLogger("library").info("also inside")
        log.info("outside", captured=captured.getvalue().count("inside"))
    """)
    (line,) = output.lines
    assert (line["event"], line["captured"]) == ("outside", 2)


def test_a_closed_standard_output_does_not_stop_the_work() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [sys.executable, "-c", PREAMBLE + "configure()\nlog.info('x')\nlog.info('y')\nimport os\nos._exit(7)"],
            stdout=write_end,
            check=False,
            timeout=60,
        )
    finally:
        os.close(write_end)
    assert done.returncode == 7


def on_a_terminal(program: str) -> str:
    """What the program prints when its standard output is a terminal."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen([sys.executable, "-c", PREAMBLE + program], stdout=slave)
        os.close(slave)
        chunks = []
        while True:
            try:
                chunk = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            chunks.append(chunk)
        assert process.wait(timeout=60) == 0
    finally:
        os.close(master)
    return b"".join(chunks).decode()


def test_logs_for_people_need_both_the_wish_and_a_terminal() -> None:
    said = "log.info('job_done', duration_ms=12)"
    assert run(f"configure(human=True)\n{said}", configured=False).of("job_done")["duration_ms"] == 12
    assert on_a_terminal(f"configure()\n{said}").startswith('{"timestamp"')
    human = on_a_terminal(f"configure(human=True)\n{said}")
    assert "job_done" in human
    assert not human.startswith("{")


def exceptions(line: dict[str, object]) -> list[dict[str, object]]:
    chain = line["exception"]
    assert isinstance(chain, list)
    return chain
