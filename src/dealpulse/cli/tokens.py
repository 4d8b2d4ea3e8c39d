"""API tokens: make, list, revoke."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from dealpulse.cli.connection import answer_to
from dealpulse.cli.terminal import moment, print_table, printable, say
from dealpulse.models import ApiToken
from dealpulse.web.access.identity import Scope
from dealpulse.web.access.tokens import digest_of, new_token

token = typer.Typer(help="Make, list and revoke tokens of the API.", no_args_is_help=True, rich_markup_mode=None)


@token.command()
def create(
    name: Annotated[str, typer.Argument(help="Who will use it; stands in logs and jobs.", show_default=False)],
    scope: Annotated[Scope, typer.Option(help="What it may do; each contains those before it.")] = Scope.enqueue,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="For how long; for ever when left out.")] = None,
) -> None:
    """Make a token and print it. It is shown this once: only its digest is kept."""
    title = name.strip()
    if not title or len(title) > 64 or not title.isprintable():
        raise typer.BadParameter("A token's name has 1 to 64 printable characters.")
    made = new_token()
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    answer_to(
        lambda clients: clients.store.tokens.add(
            name=title, scope=scope.value, digest=digest_of(made.encode()), expires_at=expires
        )
    )
    say(f"A token for {printable(title)} with the scope {scope.value}; it is not shown again:")
    typer.echo(made)


@token.command("list")
def list_tokens() -> None:
    """Show all tokens, their scopes and when they were last used."""
    found = answer_to(lambda clients: clients.store.tokens.all())
    if not found:
        typer.echo("There is no token yet; make one with `dealpulse token create NAME`.")
        return
    rows = [(one.id, printable(one.name), one.scope, _state(one), moment(one.last_used_at)) for one in found]
    print_table(("id", "name", "scope", "state", "last used"), rows)


@token.command()
def revoke(token_id: Annotated[str, typer.Argument(help="The id `token list` shows.", show_default=False)]) -> None:
    """Make a token invalid; a running API may accept it for some seconds more."""
    revoked = answer_to(lambda clients: clients.store.tokens.revoke(token_id))
    typer.echo(f"The token of {printable(revoked.name)} is revoked.")


def _state(one: ApiToken) -> str:
    if one.revoked_at is not None:
        return "revoked"
    if one.expires_at is None:
        return "valid"
    return "expired" if one.expires_at <= datetime.now(UTC) else f"valid until {one.expires_at:%Y-%m-%d}"
