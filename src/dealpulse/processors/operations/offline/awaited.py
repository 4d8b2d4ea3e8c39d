"""What a complaint waits for, and what has to be done about it, in a few words."""

from __future__ import annotations

import re

from dealpulse.processors.operations.offline.owners import BULLET, Assignment
from dealpulse.processors.operations.offline.sentences import Sentence
from dealpulse.processors.operations.offline.stopwords import STOPWORDS

_TITLE_WORDS = 9
_OPENING = re.compile(
    r"(?i)\A(?:(?:(?:just )?(?:a )?(?:quick |gentle |friendly |short )?(?:reminder|update|note|heads-up"
    r"|status)(?: that|:| -|,)?|all,|team,|fyi[,:]?|(?:please )?note that|unfortunately,?|as you know,?|also,?"
    r"|but|and|so|however,?|[A-Z]\w+ (?:-|–))\s*)+"
)
AWAITING = "Awaiting"
_WORD = re.compile(r"[a-z][a-z-]{2,}")
_GENERIC_TEXT = """
still waiting awaiting wait received receive need needs cannot proceed sign signing close closing until yet
have has not been get got send sent please today week weeks day days team side deal transaction because
outstanding missing overdue pending blocked stuck hold before after without unless back heard nothing
everything blocking holding refuse refuses refused agree will next last friday monday tuesday wednesday
thursday
"""
_GENERIC = frozenset(_GENERIC_TEXT.split())

_TOPICS = (
    re.compile(
        r"(?i)\b(?:until|unless|before|till)\s+[^,.;]{2,60}?\s(?:has\s|have\s)?(?:been\s)?(?:signed"
        r"|executed|countersigned|delivered|sent"
        r"|provided|given|confirmed|approved|released|returned|issued|filed|paid|signs|delivers|sends"
        r"|provides|confirms|approves|gives"
        r"|releases|returns|issues)\s+(?:us\s+|off\s+(?:on\s+)?)?(.+)"
    ),
    re.compile(r"(?i)\b(?:waiting|wait|awaiting|pending|chas(?:ed|ing))\s+(?:for|on|up)?\s*(.+)"),
    re.compile(
        r"(?i)\b(?:until|without|unless|before)\s+(?:we|you|they|i)\s+(?:have|receive|get|see|obtain"
        r"|are given)\s+(.+)"
    ),
    re.compile(
        r"(?i)\b(?:received|got|seen|had|need|require|missing|lack|provided|sent|signed|returned|delivered"
        r"|uploaded)\s+(?:any\s+|us\s+|back\s+)?(.+)"
    ),
    re.compile(r"(?i)\b(?:until|without|unless)\s+(?!they\b|he\b|she\b|we\b|it\b|you\b|i\b|that\b|this\b)(.+)"),
    re.compile(r"(?i)\b(?:no|nothing)\s+((?:response|reply|word|answer|news|feedback|signature|consent).+)"),
)
_TOPIC_END = re.compile(
    r"(?i)[,;:.!?()\n]|\s[–—-]\s|\b(?:from|by|before|until|since|which|who|that|so|but|although|despite|in order"
    r"|to be|is|are|has|have|was|were|we|you|and we|otherwise|because|for (?:two|three|\d|over|more|weeks|days)"
    r"|despite|as of|yet|today|again)\b"
)


def title_of(sentence: Sentence) -> str:
    """What is awaited, in the message's own words."""
    text = _OPENING.sub("", BULLET.sub("", " ".join(sentence.text.split())))
    for pattern in _TOPICS:
        match = pattern.search(text)
        words = [] if match is None else _TOPIC_END.split(match[1], maxsplit=1)[0].split()
        if words and topic_of(" ".join(words)):
            return f"{AWAITING} " + " ".join(words[:_TITLE_WORDS]).strip(" \"'“”")
    return (
        " ".join(_TOPIC_END.split(text, maxsplit=1)[0].split()[:_TITLE_WORDS]).strip(" -*•")
        if len(text) > 80
        else text.rstrip(".!")
    )


def topic_of(text: str) -> set[str]:
    """The telling words of ``text``: two complaints that share some are about one thing."""
    words = (word.removesuffix("s") for word in _WORD.findall(text.lower()) if word not in STOPWORDS)
    return {word for word in words if word not in _GENERIC}


_DATE_TAIL = re.compile(
    r"(?i)[\s,]*\b(?:by|before|until|on|no later than|not later than|at the latest|due|within|tomorrow"
    r"|today|tonight|this|next)\s*"
    r"(?:\Z|(?=(?:cob|eod|the|close|end|next|this|\d|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun"
    r"|jul|aug|sep|oct|nov|dec"
    r"|tomorrow|today|noon|then|a |two|three|week)).*)"
)
_PLEASE = re.compile(
    r"(?i)\b(?:please|could you|can you|would you|kindly)\s+(?:please\s+|kindly\s+)?(?P<task>[a-z]{3,}\b[^.;!?]*)"
)
_PRONOUN = re.compile(
    r"(?i)\b(?:it|them|this|that|those|these|one)\b(?!\s+\w+ing)(?=\s*(?:\Z|to\b|over\b|back\b|across\b))"
)
_GIVEN = re.compile(r"(?i)\b(?:consents?|approvals?|waivers?|permission|clearance|confirmation|notice)\b")
_SIGNED = re.compile(r"(?i)\bsignatures?\b|\bsignature pages?\b")
_LONGEST_ACTION = 120


def needed_action(title: str, *, owner: str | None, assigned: Assignment | None, asking: str) -> str:
    """What is to be done next, as an imperative with the owner in front where one is known.

    ``assigned`` is the task as the message gives it out, ``asking`` the sentences in which a request may stand.
    """
    thing = title.removeprefix(AWAITING).strip() if title.startswith(AWAITING) else ""
    please = _PLEASE.search(asking)
    given_out = assigned.task if assigned is not None else please["task"] if please is not None else None
    if given_out is not None:
        task = _DATE_TAIL.sub("", " ".join(given_out.split()))
        task = _PRONOUN.sub(lambda _: thing, task, count=1) if thing else task
    elif thing:
        task = f"{_verb(thing)} {thing}"
    else:
        return _cut(f"Resolve: {title}")
    return _cut(f"{owner[:1].upper()}{owner[1:]} to {task}" if owner else f"{task[:1].upper()}{task[1:]}")


def asks(text: str) -> bool:
    """Whether ``text`` asks somebody to do something."""
    return bool(_PLEASE.search(text))


def _verb(thing: str) -> str:
    if _SIGNED.search(thing):
        return "provide"
    return "give" if _GIVEN.search(thing) else "send"


def _cut(text: str) -> str:
    text = text.strip(" ,.-")
    return text if len(text) <= _LONGEST_ACTION else text[: _LONGEST_ACTION - 2].rsplit(" ", 1)[0] + " …"
