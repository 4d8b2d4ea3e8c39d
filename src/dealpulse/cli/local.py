"""The commands that bring their own Redis, Postgres and Supabase: demo, up, run."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from typer.models import ArgumentInfo

from dealpulse.cli.connection import connected, home, up_data_dir
from dealpulse.cli.progress import progress_on
from dealpulse.cli.terminal import ERR, OUT, print_markdown, say
from dealpulse.local import sample_deal
from dealpulse.local.data_dirs import emptied, passing
from dealpulse.local.deal_gathering import FolderFile, files_below, result_of
from dealpulse.local.deal_result import RunResult
from dealpulse.local.deal_run import DealRun, DealRunner, Place
from dealpulse.local.errors import LocalStackError
from dealpulse.local.processes import exit_when_parent_dies
from dealpulse.local.services import Services, announced, own_environment, running_services
from dealpulse.local.stack import Stack, running_stack
from dealpulse.models import Brief, SourceType
from dealpulse.processors import brief_markdown
from dealpulse.processors.brief_markdown import written_of
from dealpulse.settings import Fault, SettingsError
from dealpulse.settings.variables import PORT
from dealpulse.store.answers_file import load_answers, save_answers
from dealpulse.store.migrate import apply_migrations

_DEFAULT_PORT: Final = 3000
_ANY_PORT: Final = 0
_FAILURES_SAID: Final = 20
_WATCH_SECONDS: Final = 0.25
_PAGE: Final = "brief.html"


def _folder(help_text: str) -> ArgumentInfo:
    argument: ArgumentInfo = typer.Argument(help=help_text, exists=True, file_okay=False, resolve_path=True)
    return argument


class Engine(StrEnum):
    """Who analyses."""

    auto = "auto"
    local = "local"
    claude = "claude"


EngineOption = Annotated[
    Engine,
    typer.Option(help="Who analyses: Claude (needs ANTHROPIC_API_KEY), the local engine, or what is there (auto)."),
]


def demo(
    place: Annotated[
        str | None,
        typer.Argument(help="Your own folder instead of the sample deal; with --source, what names the place there."),
    ] = None,
    source: Annotated[
        SourceType, typer.Option("--source", help="Where the deal is, as `dealpulse deal add-source --type` says.")
    ] = SourceType.folder,
    name: Annotated[str | None, typer.Option(help="The deal's name; by default the place's.")] = None,
    engine: EngineOption = Engine.auto,
) -> None:
    """Take a deal room through the real queues to its daily brief, with nothing installed, and stop.

    Starts Redis, Postgres, the API and a worker in .dealpulse/demo, which is emptied first. The brief stays there as
    brief.html; what Claude answered is kept in .dealpulse/answers and costs nothing the next time.
    """
    _end_with_terminal_and_parent()
    wanted = _place(source, place)
    deal_name = name or (sample_deal.DEAL_NAME if place is None else wanted.name)
    own = _own_environment(engine)
    port = _port(own, _ANY_PORT)
    data_dir = emptied(home() / "demo")
    page = data_dir / _PAGE
    with _running_stack(data_dir, durable=False, answers=_answers(own)) as stack:
        say("Starting the API and the worker")
        with running_services(stack, own=own, api_port=port) as services:
            say(f"The API answers at {services.api_url}")
            say(f"Processing {deal_name!r} ({wanted.location}). {_who_analyses(services)}")
            done = asyncio.run(_run(services, wanted, deal_name))
            page.write_text(done.brief.html, encoding="utf-8")
            print_markdown(brief_markdown.render(written_of(done.brief), evidence_at=page.as_uri()))
            say("Stopping")
    say(f"The brief, with the evidence for each citation: {page.as_uri()}")
    say(f"Done. `dealpulse up` (or `make up`) keeps all this running; the logs are in {data_dir / 'logs'}.")


def run(
    folder: Annotated[Path, _folder("A folder of documents and e-mails.")],
    out: Annotated[
        Path, typer.Option("--out", help="Where result.json, brief.md and brief.html go.", resolve_path=True)
    ],
    name: Annotated[str | None, typer.Option(help="The deal's name; the folder's by default.")] = None,
    engine: EngineOption = Engine.auto,
) -> None:
    """Process a folder and write what was found to result.json, brief.md and brief.html.

    What Claude answered is kept in .dealpulse/answers and costs nothing the next time. Every file of the folder is in
    result.json exactly once: under documents, emails, failed or skipped.
    """
    _end_with_terminal_and_parent()
    own = _own_environment(engine)
    _make_folder(out)
    files = files_below(folder)
    with (
        passing(out / ".dealpulse") as data_dir,
        _running_stack(data_dir, durable=False, answers=_answers(own)) as stack,
    ):
        say("Starting the worker")
        with running_services(stack, own=own, api_port=None) as services:
            say(f"Processing {len(files)} files in {folder}. {_who_analyses(services)}")
            result, brief = asyncio.run(_run_and_gather(services, folder, name or folder.name, files))
            say("Stopping")
    markdown = brief_markdown.render(written_of(brief), evidence_at=_PAGE)
    (out / "brief.md").write_text(markdown, encoding="utf-8")
    (out / _PAGE).write_text(brief.html, encoding="utf-8")
    (out / "result.json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    counts = result.counts
    say(
        f"{counts.files} files: {counts.documents} documents and {counts.emails} e-mails done, {counts.failed} failed, "
        f"{counts.skipped} skipped; {counts.attachments} attachments."
    )
    own_failures = [failure for failure in result.failed if failure.attachment_of is None]
    for failure in own_failures[:_FAILURES_SAID]:
        say(f"  failed: {failure.path}: {failure.reason}")
    if len(own_failures) > _FAILURES_SAID:
        say(f"  and {len(own_failures) - _FAILURES_SAID} more: see result.json")
    OUT.print(f"{out / 'result.json'}\n{out / 'brief.md'}\n{out / _PAGE}", markup=False, soft_wrap=True)


def up() -> None:
    """Keep the whole stack running until Ctrl-C: Redis, Postgres, PostgREST, the API and a worker.

    The data stay in .dealpulse/data. The API listens on PORT, by default 3000, and requests from this machine need no
    token. Other `dealpulse` commands in this folder use this stack unless the environment names another.
    """
    _end_with_terminal_and_parent()
    own = _own_environment(Engine.auto)
    port = _port(own, _DEFAULT_PORT)
    data_dir = up_data_dir()
    with suppress(KeyboardInterrupt), _running_stack(data_dir, durable=True) as stack:
        say("Starting the API and the worker")
        with (
            running_services(stack, own=own, api_port=port) as services,
            announced(services, data_dir) as file,
        ):
            _print_addresses(services, stack, file)
            _until_a_part_ends(services)
    say("Stopped.")


def _end_with_terminal_and_parent() -> None:
    """Also in the background of a script, whose shell has us ignore Ctrl-C, and below a make that is killed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    exit_when_parent_dies()


def _own_environment(engine: Engine) -> dict[str, str]:
    own = own_environment(environ=os.environ, directory=Path.cwd())
    if engine is Engine.local:
        own.pop("ANTHROPIC_API_KEY", None)
    elif engine is Engine.claude and "ANTHROPIC_API_KEY" not in own:
        raise typer.BadParameter("claude needs a key: set ANTHROPIC_API_KEY, in .env.local for example.")
    # Our own requests to the stack must not go through a proxy either.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))
    return own


def _port(own: Mapping[str, str], default: int) -> int:
    """``PORT``, before anything is started. Raises SettingsError."""
    try:
        return PORT.parse(own[PORT.name]) if PORT.name in own else default
    except ValueError as error:
        raise SettingsError((Fault(PORT.name, str(error), PORT.remedy),)) from error


def _place(source: SourceType, named: str | None) -> Place:
    """What the demo is of. Raises BadParameter for what cannot be read, as far as can be told from here."""
    if source is not SourceType.folder:
        if named is None:
            raise typer.BadParameter(f"--source {source.value} needs the place there: an address or an id.")
        return Place(source, named, named)
    folder = sample_deal.PATH if named is None else Path(named).resolve()
    if not folder.is_dir():
        raise typer.BadParameter(f"{named} is no folder.")
    if all(file.obstacle for file in files_below(folder)):
        raise typer.BadParameter(f"{folder} holds no file to read.")
    return Place.folder(folder)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"--out {out} cannot be made a folder ({error.strerror}).") from error


@contextmanager
def _running_stack(data_dir: Path, *, durable: bool, answers: Path | None = None) -> Iterator[Stack]:
    """``answers`` is the file that outlives a database which is thrown away."""

    def migrate(database_url: str) -> None:
        say("Applying the migrations")
        asyncio.run(apply_migrations(database_url))
        if answers is not None and answers.exists():
            asyncio.run(load_answers(database_url, answers))

    with running_stack(
        data_dir,
        durable=durable,
        prepare_database=migrate,
        on_step=lambda step: say(step[:1].upper() + step[1:]),
    ) as stack:
        try:
            yield stack
        finally:
            # Also of a run that failed: what was paid for is kept.
            if answers is not None and stack.fault() is None:
                asyncio.run(save_answers(stack.database_url, answers))


def _answers(own: Mapping[str, str]) -> Path | None:
    """Where Claude's answers are kept; the offline engine's are not."""
    return home() / "answers" if "ANTHROPIC_API_KEY" in own else None


async def _run(services: Services, place: Place, deal_name: str) -> DealRun:
    async with connected(services.settings) as clients:
        with progress_on(ERR) as watch:
            runner = DealRunner(intake=clients.intake, watch=watch, fault=services.fault)
            return await runner.run(place, deal_name=deal_name)


async def _run_and_gather(
    services: Services, folder: Path, deal_name: str, files: list[FolderFile]
) -> tuple[RunResult, Brief]:
    async with connected(services.settings) as clients:
        with progress_on(ERR) as watch:
            runner = DealRunner(intake=clients.intake, watch=watch, fault=services.fault)
            done = await runner.run(Place.folder(folder), deal_name=deal_name)
        result = await result_of(done, folder=folder, files=files, store=clients.store, queue=clients.queue)
        return result, done.brief


def _who_analyses(services: Services) -> str:
    ai = services.settings.ai
    if ai.api_key is None:
        return "The offline engine analyses (no ANTHROPIC_API_KEY)."
    return f"Analysed by {' and '.join(ai.all_models)}."


def _print_addresses(services: Services, stack: Stack, file: Path) -> None:
    OUT.print(
        f"""
DealPulse is up. Ctrl-C stops everything; the data stay in {stack.data_dir}.

  API       {services.api_url}
  Supabase  {stack.supabase_url}
  Redis, Postgres and all keys: {file}
  Logs      {stack.data_dir / "logs"}

Try, in another terminal:

  {_this_program()} deal create "My deal"
  curl -X POST {services.api_url}/api/queue/trigger-daily-briefs
  curl {services.api_url}/api/queue/stats
""",
        markup=False,
        soft_wrap=True,
    )


def _this_program() -> str:
    """How a person in this folder calls it: it need not be on PATH."""
    program = Path(sys.argv[0]).absolute()
    if shutil.which("dealpulse") == str(program):
        return "dealpulse"
    return shlex.quote(os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program))


def _until_a_part_ends(services: Services) -> None:
    """Raises LocalStackError (``part_failed``) once a service or a part of the stack is gone."""
    while (fault := services.fault()) is None:
        time.sleep(_WATCH_SECONDS)
    raise LocalStackError("part_failed", fault)
