"""The temperature of a deal's e-mails: how warm, which way it goes, and whose mails make it so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from dealpulse.models import Email, Sentiment
from dealpulse.processors.brief_facts import Cited, Direction, Party, Temperature, Week, WeekTone

_RECENT: Final = timedelta(days=7)
_TURN: Final = 0.15
"""How far the mean sentiment (-1..1) must move to be called a direction."""
_FEWEST: Final = 3
"""Mails of one organisation below which two means say nothing about a direction."""
_OPENING: Final = 280
_PROVIDERS: Final = """
gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com aol.com gmx.de gmx.net web.de
proton.me protonmail.com
"""
_PUBLIC_MAIL: Final = frozenset(_PROVIDERS.split())
"""Whose domain tells nothing about who writes."""


class _Judged(Struct, frozen=True):
    """A mail with a date and a sentiment."""

    email: Email
    sent_at: datetime
    sentiment: Sentiment


def temperature(emails: Sequence[Email], *, cite: Callable[[Email, int, int], Cited]) -> Temperature:
    """``cite`` makes a citation of an e-mail's text from one offset to another."""
    judged = [_Judged(email, email.sent_at, email.sentiment) for email in emails if email.sentiment and email.sent_at]
    if not judged:
        return Temperature(recent=None, earlier=None, direction=Direction.unknown, emails=0)
    recent, earlier = _means(judged)
    by_party: defaultdict[str, list[_Judged]] = defaultdict(list)
    for one in judged:
        if one.email.sender and one.email.sender.address:
            by_party[_party_of(one.email.sender.address)].append(one)
    parties = [_party(name, mails, cite) for name, mails in by_party.items()]
    return Temperature(
        recent=recent,
        earlier=earlier,
        direction=_direction(recent, earlier),
        emails=len(judged),
        weeks=_weeks(judged),
        parties=tuple(sorted(parties, key=lambda party: (party.recent, party.name))),
    )


def week_tones(emails: Sequence[Email], *, since: datetime, until: datetime) -> tuple[WeekTone, ...]:
    """The tone of each organisation's mails from ``since`` to before ``until``, beside that of the seven days before.

    Coldest first; whoever wrote nothing in the week is left out.
    """
    by_party: defaultdict[str, tuple[list[_Judged], list[_Judged]]] = defaultdict(lambda: ([], []))
    for email in emails:
        if not (email.sentiment and email.sent_at and email.sender and email.sender.address):
            continue
        if since - _RECENT <= email.sent_at < until:
            of_before = email.sent_at < since
            by_party[_party_of(email.sender.address)][of_before].append(_Judged(email, email.sent_at, email.sentiment))
    tones = [_week_tone(name, now, before) for name, (now, before) in by_party.items() if now]
    return tuple(sorted(tones, key=lambda tone: (tone.score, tone.name)))


def _week_tone(name: str, now: Sequence[_Judged], before: Sequence[_Judged]) -> WeekTone:
    score, earlier = _mean(now), _mean(before) if before else None
    enough = len(now) + len(before) >= _FEWEST
    return WeekTone(
        name=name,
        score=score,
        earlier=earlier,
        direction=_direction(score, earlier) if enough else Direction.unknown,
        emails=len(now),
    )


def _party_of(address: str) -> str:
    _, _, domain = address.rpartition("@")
    return address if domain in _PUBLIC_MAIL or not domain else domain


def _party(name: str, mails: Sequence[_Judged], cite: Callable[[Email, int, int], Cited]) -> Party:
    recent, earlier = _means(mails)
    coldest = min(_split(mails)[0], key=lambda one: (one.sentiment.score, one.sent_at, one.email.path))
    text = coldest.email.body_text
    start = len(text) - len(text.lstrip())
    return Party(
        name=name,
        recent=recent,
        earlier=earlier,
        direction=_direction(recent, earlier) if len(mails) >= _FEWEST else Direction.unknown,
        emails=len(mails),
        last_on=max(one.sent_at for one in mails).date(),
        coldest=cite(coldest.email, start, _cut(text, start)),
        coldest_score=coldest.sentiment.score,
    )


def _cut(text: str, start: int) -> int:
    """Where the opening of a text ends: at a word's end, after a few lines."""
    if len(text) - start <= _OPENING:
        return len(text.rstrip())
    space = max(text.rfind(mark, start, start + _OPENING) for mark in " \n")
    return space if space > start else start + _OPENING


def _split(mails: Sequence[_Judged]) -> tuple[list[_Judged], list[_Judged]]:
    """The recent mails, of which there is always one, and those before them."""
    # Counted back from the latest mail: a quiet week does not make the tone unknown.
    border = max(one.sent_at for one in mails) - _RECENT
    return [one for one in mails if one.sent_at > border], [one for one in mails if one.sent_at <= border]


def _means(mails: Sequence[_Judged]) -> tuple[float, float | None]:
    recent, earlier = _split(mails)
    return _mean(recent), _mean(earlier) if earlier else None


def _mean(mails: Sequence[_Judged]) -> float:
    # + 0.0: no brief says "-0.00".
    return round(sum(one.sentiment.score for one in mails) / len(mails), 2) + 0.0


def _direction(recent: float, earlier: float | None) -> Direction:
    if earlier is None:
        return Direction.unknown
    change = recent - earlier
    if abs(change) < _TURN:
        return Direction.steady
    return Direction.warming if change > 0 else Direction.cooling


def _weeks(mails: Sequence[_Judged]) -> tuple[Week, ...]:
    by_week: defaultdict[date, list[_Judged]] = defaultdict(list)
    for one in mails:
        day = one.sent_at.date()
        by_week[day - timedelta(days=day.weekday())].append(one)
    return tuple(
        Week(begins=begins, score=_mean(found), emails=len(found)) for begins, found in sorted(by_week.items())
    )
