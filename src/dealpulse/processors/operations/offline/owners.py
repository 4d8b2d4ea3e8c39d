"""Who has to act, by what a message says. Never somebody who is only copied and not named."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dealpulse.models import Address
from dealpulse.processors.operations.contract import EmailText

_NAME = (
    r"(?:(?:(?:Dr|Mr|Ms|Mrs|Prof)\.?\s+)?(?:[A-Z]\.\s?){0,2}[A-Z][\w'’&.-]*[\w](?:\s+(?:&\s+)?(?:de\s+|van\s+"
    r"|von\s+)?[A-Z][\w'’&.-]*[\w]){0,3})"
)
_ROLE = (
    r"(?:(?:the|our|your|their|seller's|buyer's|company's|target's|landlord's"
    r"|bank's)\s+)?(?:[\w'’-]+\s+){0,2}?(?:landlord|lender|bank|seller|buyer|vendor|auditors?|accountants?|counsel"
    r"|lawyers?|attorneys?|regulator"
    r"|insurer|broker|escrow agent|founders?|board|management|customer|supplier|trustee|licensor|lessor"
    r"|tax advis[eo]rs?|consultants?|finance team|legal team|hr team|it team|legal|agency|authority|committee"
    r"|shareholders?|cfo|ceo|cto|general counsel)"
)
_WHO = rf"(?P<who>{_NAME}|(?i:{_ROLE}))"
_NOT_NAMES_TEXT = """
We I You They It The This That These Those There If Until Once Please Hi Hello Dear Thanks Thank Also And
But So No Not Still As At In On For To Our Your My Their All Any Both Each Everything Nothing Nobody Monday
Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August
September October November December Closing Signing Completion SPA APA NDA Re Fwd FYI Update Unfortunately
However Without Unless Schedule Exhibit Annex Section Who What When Where Why How Just Another Status Since
Given Despite Because Same Open Q1 Q2 Q3 Q4 CET EST UTC ET AM PM EOD COB ASAP He She Some Until Next Last
Two Three One
"""
_NOT_NAMES = frozenset(_NOT_NAMES_TEXT.split())
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?i:\b(?:owner|action|responsible|assigned to|with whom))\s*[:=-]\s*{_WHO}",
        rf"\b(?i:waiting|wait)\s+(?:on|for)\s+{_WHO}(?:['’]s?)?\s+(?:to|for|who|in|at)\b",
        rf"\b(?i:until|unless|before|till|without)\s+{_WHO}\s+(?:has|have|is|are|signs?|delivers?|sends?"
        rf"|provides?|confirms?|approves?"
        rf"|gives?|releases?|returns?|issues?|agrees?|consents?|signing|sending|delivering|confirming)\b",
        rf"\b(?i:from|with|by)\s+{_WHO}(?=[\s,.;:!?)'’]|$)",
        rf"(?:^|[,.;:]\s|\s[-–—]\s|\b(?:that|but|and|because|since|as|until"
        rf"|unless)\s){_WHO}(?:\s*\([^)]*\))?,?\s+(?i:still\s+)?(?:has(?:n't)?|have(?:n't)?|had|is|are|was"
        rf"|needs?|must|will|would"
        rf"|should|won't|refuses?|refused|declines?|declined|keeps?|did|does|says|said|told|objects?|rejects?"
        r"|rejected|promised|to)\b",
        rf"\b(?i:waiting|wait|awaiting|need|received|get|without|have|until)\b[^.;]{{0,40}}?{_WHO}['’]s?\s",
        rf"\b(?i:waiting|wait)\s+(?:on|for)\s+{_WHO}",
        rf"^{_WHO},\s",
        r"\b(?i:from|with|by)\s+(?P<you>you|your\s+(?:side|team|end))\b",
    )
)
_TAKES_ON = (
    r"(?:(?:has|have)\s+(?:promised|agreed|undertaken|committed|offered|said)\s+(?:to|(?:he|she"
    r"|they)\s+(?:will|would|can))"
    r"|(?:is|are)\s+(?:going|expected|due|meant|supposed|committed)\s+to|(?:promised|agreed|undertook"
    r"|committed|offered|expects"
    r"|intends|aims|hopes|plans)\s+to|(?:is|are)\s+to|needs?\s+to|has\s+to|have\s+to|must|will|shall"
    r"|should|can|['’]ll|to)"
)
_ASSIGNED = re.compile(
    rf"(?:\A|[,;:.–—-]\s+|\b(?:and|but|that|so)\s+)(?P<who>{_NAME}|I)(?:\s*\([^)]*\))?\s*(?:\s"
    rf"|(?=['’]ll)){_TAKES_ON}\s+(?:now\s+|then"
    rf"\s+|also\s+|try\s+to\s+)?(?!not\b|be\b|have\b|only\b|never\b|chase\b|follow\b|call\b|keep\b|let\b"
    rf"|update\b|remind\b|speak\b|check\b|ask\b|need\b|want\b|slip\b|miss\b|refuse\b|consider\b|agree\b"
    rf"|accept\b|bind\b|lapse\b|expire\b)(?P<task>[a-z]{{3,}}\b[^.;!?]*)"
)
BULLET = re.compile(r"\A(?:[-*•·–]|\(?[a-z0-9]{1,2}[.)])\s+")
_YOU = re.compile(r"(?i)\b(?:you|your)\b")
_US = re.compile(
    r"(?i)\b(?:we owe|on our (?:side|end)|from our (?:side|end)|i (?:owe|still need to)|we (?:have not"
    r"|haven't) (?:sent|provided|signed)|our side)\b"
)
_COURTESY = re.compile(r"(?:Dr|Mr|Ms|Mrs|Prof)\.?\s+")
_GREETING = re.compile(
    r"\A\s*(?:(?:Hi|Hello|Dear|Hey|Good (?:morning"
    r"|afternoon))\s+)?(?P<who>[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)?)\s*(?:,|-|–|\n)"
)


def owner_of(sentence: str, email: EmailText) -> str | None:
    """The person or party the sentence waits for; the addressee where it says "you"; None where it does not tell."""
    text = " ".join(sentence.split())
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            if groups.get("you"):
                return addressee(email)
            who = _cleaned(groups.get("who") or "")
            if who is not None and not _is_sender(who, email):
                return _full_name(who, email)
    if _US.search(text):
        return _named(email.sender)
    return addressee(email) if _YOU.search(text) else None


@dataclass(frozen=True)
class Assignment:
    """Who does what, as a message says it: "Karen Ott (seller's counsel) to deliver them by Monday"."""

    owner: str | None
    task: str
    """From its verb on, in the message's words."""


def assignment(sentence: str, email: EmailText) -> Assignment | None:
    """The task a sentence gives to a named person, or takes on for its writer."""
    for match in _ASSIGNED.finditer(BULLET.sub("", " ".join(sentence.split()))):
        if match["who"] == "I":
            return Assignment(owner=_named(email.sender), task=match["task"])
        who = _cleaned(match["who"])
        if who is not None:
            return Assignment(owner=_full_name(who, email), task=match["task"])
    return None


def addressee(email: EmailText) -> str | None:
    """Whom the message speaks to: the greeting's name, else its only recipient."""
    greeting = _GREETING.match(email.body_text)
    if greeting is not None and greeting["who"].split()[0] not in _NOT_NAMES | {"All", "Team", "Everyone", "Folks"}:
        return _full_name(greeting["who"], email)
    return _named(email.to[0]) if len(email.to) == 1 else None


def _cleaned(who: str) -> str | None:
    words = who.split()
    article = words[:1] in (["The"], ["the"])
    while words and words[0] in _NOT_NAMES:
        words = words[1:]
    name = " ".join(words).strip(" .,'’")
    name = re.sub(r"['’]s\Z", "", name)
    name = re.sub(r"(?i)\A(?:the|our|their)\s+(?=\w)", "the ", name)
    if article and name.islower() and not name.startswith("the "):
        name = f"the {name}"
    return name if len(name) > 1 and words[-1] not in _NOT_NAMES else None


def _full_name(who: str, email: EmailText) -> str:
    """A first or last name as the full name of the one person in the thread who has it."""
    title = _COURTESY.match(who)
    bare = who[title.end() :] if title else who
    if " " in bare or bare.islower():
        return who
    names = {name for address in _people(email) if (name := _display_name(address))}
    for part in (-1,) if title else (0, -1):
        having = {name for name in names if name.split()[part].lower() == bare.lower()}
        if len(having) == 1:
            return having.pop()
    return who


def _display_name(address: Address) -> str:
    """As people write it: "Lindqvist, Maria" the right way round, a name of the mailbox's where none is given."""
    name = address.name.strip(" '\"")
    if not name or "@" in name:
        words = re.split(r"[._-]+", address.address.partition("@")[0])
        return " ".join(word.capitalize() for word in words) if len(words) == 2 and all(map(str.isalpha, words)) else ""
    last, comma, first = name.partition(", ")
    return f"{first} {last}" if comma and " " not in last else name


def _people(email: EmailText) -> tuple[Address, ...]:
    messages = (email, *email.thread)
    return tuple(
        address for message in messages for address in (message.sender, *message.to, *message.cc) if address is not None
    )


def _is_sender(who: str, email: EmailText) -> bool:
    return email.sender is not None and bool(email.sender.name) and email.sender.name.split()[0] == who


def _named(address: Address | None) -> str | None:
    return None if address is None else address.name or address.address or None
