"""Who has to act, by what a message says. Never somebody who is only copied and not named."""

from __future__ import annotations

import re

from dealpulse.models import Address
from dealpulse.processors.operations.contract import EmailText

_NAME = (
    r"(?:(?:(?:Dr|Mr|Ms|Mrs|Prof)\.?\s+)?[A-Z][\w'’&.-]*[\w](?:\s+(?:&\s+)?(?:de\s+|van\s+"
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
        rf"\b(?i:from|with|by)\s+{_WHO}(?=[\s,.;:!?)'’]|$)",
        rf"(?:^|[,.;:]\s|\s[-–—]\s|\b(?:that|but|and|because|since|as|until"
        rf"|unless)\s){_WHO}(?:\s*\([^)]*\))?,?\s+(?i:still\s+)?(?:has(?:n't)?|have(?:n't)?|had|is|are|was|needs?|must|will|would"
        rf"|should|won't|refuses?|refused|declines?|declined|keeps?|did|does|says|said|told|objects?|rejects?"
        r"|rejected|promised|to)\b",
        rf"\b(?i:waiting|wait|awaiting|need|received|get|without|have|until)\b[^.;]{{0,40}}?{_WHO}['’]s?\s",
        rf"\b(?i:waiting|wait)\s+(?:on|for)\s+{_WHO}",
        rf"^{_WHO},\s",
        r"\b(?i:from|with|by)\s+(?P<you>you|your\s+(?:side|team|end))\b",
    )
)
_ASSIGNED = re.compile(
    rf"(?P<who>{_NAME})(?:\s*\([^)]*\))?\s+(?:to|is to|needs to|has to|must)\s+(?!be\b)[a-z]{{3,}}\b"
)
_YOU = re.compile(r"(?i)\b(?:you|your)\b")
_US = re.compile(
    r"(?i)\b(?:we owe|on our (?:side|end)|from our (?:side|end)|i (?:owe|still need to)|we (?:have not"
    r"|haven't) (?:sent|provided|signed)|our side)\b"
)
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


def assigned_to(sentence: str, email: EmailText) -> str | None:
    """The person a sentence gives the task to: "Karen Ott (seller's counsel) to deliver them by Monday"."""
    match = _ASSIGNED.match(" ".join(sentence.split()))
    who = None if match is None else _cleaned(match["who"])
    return None if who is None else _full_name(who, email)


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
    """A first name as the full name of the one person in the thread who has it."""
    if " " in who or who.islower():
        return who
    people = {address.name for address in _people(email) if address.name.split()[:1] == [who]}
    return people.pop() if len(people) == 1 else who


def _people(email: EmailText) -> tuple[Address, ...]:
    messages = (email, *email.thread)
    return tuple(
        address for message in messages for address in (message.sender, *message.to, *message.cc) if address is not None
    )


def _is_sender(who: str, email: EmailText) -> bool:
    return email.sender is not None and bool(email.sender.name) and email.sender.name.split()[0] == who


def _named(address: Address | None) -> str | None:
    return None if address is None else address.name or address.address or None
