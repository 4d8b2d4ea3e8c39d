"""What holds a deal up, by how deal people complain about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from dealpulse.processors.operations.contract import EmailText
from dealpulse.processors.operations.offline.due_dates import due_date
from dealpulse.processors.operations.offline.owners import assigned_to, owner_of
from dealpulse.processors.operations.offline.sentences import Sentence, text_sentences
from dealpulse.processors.operations.offline.stopwords import STOPWORDS
from dealpulse.processors.operations.schemas import BlockerEntry, BlockersAnswer

MOST = 3
"""Blockers of one message."""
NEAR = 2
"""Sentences within which two complaints are about one thing."""
_TITLE_WORDS = 9

_STEP = (
    r"(?:proceed|close|sign|finali[sz]e|complete|move (?:forward|ahead|on)|release|start|begin|submit|issue"
    r"|launch|file|fund|go (?:ahead|forward)|commit|circulate|conclude|progress|sign off|deliver|approve|clear)"
)
_DEAL = (
    r"(?:closing|close|signing|completion|sign-off|the deal|the transaction|the timetable|the timeline|the spa"
    r"|the merger|diligence|due diligence|the filing|the offer|funding|the process|us|everything|the model)"
)
_THING = (
    r"(?:consents?|approvals?|signatures?|signed|schedules?|disclosure|reports?|audit\w*|financials?|statements?"
    r"|data|documents?|certificates?|waivers?|estoppels?|opinions?|comfort|confirmation"
    r"|pay-?off|releases?|licen[cs]es?|contracts?|agreements?|lists?|numbers|figures|drafts?|comments|mark-?ups?"
    r"|funds|escrow|assignments?|assign|sign|amendments?|minutes|registers?|returns?|forms?|letters?|policy|quotes?"
    r"|reconciliations?|forecasts?|budget|cap table|tax\w*|access|answers?|responses?|reply|feedback|information"
    r"|provide|waive|filings?|clearance|visa|permit|invoices?|backup|support|details|records|census|indemnity|cap"
    r"|price)"
)

_STRONG = re.compile(
    rf"\b(?:cannot|can't|can not|unable to|won't be able to|will not be able to|not able to|not in a position to"
    rf"|impossible to|nobody can|no one can|not going to|won't|will not)\b[^;]{{0,30}}\b{_STEP}\b"
    r"[^;]{0,80}\b(?:until|without|before|unless|till|as long as|because|while)\b"
    rf"|\b(?:until|unless|without)\b[^;]{{0,120}}\b(?:cannot|can't|unable to|won't|will not"
    rf"|not be able to)\b[^;]{{0,30}}\b{_STEP}\b"
    rf"|\b(?:is|are|remains?|been|it's|that's|now)\b[^;]{{0,20}}\b(?:blocking|holding up|gating|holding back"
    rf"|preventing|stopping|delaying)\b[^;]{{0,30}}\b{_DEAL}\b"
    rf"|\b(?:blocks?|holds? up|gates?)\b[^;]{{0,20}}\b{_DEAL}\b"
    r"|\b(?:is|are|remains?|we're|we are|been|now|still) (?:\w+ )?(?:blocked|stuck|on hold|held up|stalled"
    r"|at a standstill|at an impasse|deadlocked)\b"
    r"|\b(?:blocker|gating item|show-?stopper|critical path)\b[^;]{0,60}\b(?:is|remains?|for|:|-)"
    rf"|\b(?:refus(?:e|es|ed|ing)|declin(?:e|es|ed|ing)|object(?:s|ed|ing)|unwilling|not (?:prepared|willing|ready)"
    rf"|will not|won't|reject(?:s|ed))\b[^;]{{0,20}}\b(?:to )?(?:sign|consent|agree|provide|release|waive|give|grant"
    rf"|accept|share|approve|move|the)\b"
    rf"[^;]{{0,60}}\b{_THING}\b"
    rf"|\b{_THING}\b[^;]{{0,60}}\b(?:is|are|was|were|now) (?:\w+ ){{0,3}}(?:overdue|past due|late|missing"
    rf"|weeks? behind|days? (?:late|overdue|behind))\b"
    r"|\b(?:missed|will miss|going to miss|won't make|will not make|cannot make|can't make)\b[^;]{0,30}\b(?:deadline"
    r"|closing|signing|date|target)\b"
    rf"|\b{_THING}\b[^;]{{0,60}}\b(?:is|are|remains?) still (?:\w+ )?(?:outstanding|open|missing|pending|unsigned"
    rf"|not)\b"
)
_WEAK = re.compile(
    rf"\b(?:waiting|awaiting|wait|pending|chas(?:ed|ing)|held up)\b[^;]{{0,80}}\b{_THING}\b"
    rf"|\b{_THING}\b[^;]{{0,60}}\b(?:outstanding|pending|awaited|missing)\b"
    rf"|\b(?:have|has|had|did|do)(?: not|n't)\b[^;]{{0,30}}\b(?:received?|got|get|seen?|heard?|had|sent|send"
    rf"|provided?|delivered?|signed?|returned?|uploaded?|responded|replied|confirmed?"
    rf"|approved?)\b[^;]{{0,80}}\b{_THING}\b"
    rf"|\b{_THING}\b[^;]{{0,40}}\b(?:have|has|had)(?: not|n't) (?:\w+ )?(?:been )?(?:received|sent|provided"
    rf"|delivered|signed|returned|uploaded|arrived|come|granted|given|approved|countersigned|cleared|obtained)\b"
    rf"|\b(?:no|without any) (?:response|reply|word|answer|news|feedback|sign|signature"
    rf"|consent)\b[^;]{{0,30}}\bfrom\b|\b(?:heard nothing|radio silence)\b"
    rf"|\b(?:still|urgently) (?:need|require|missing|lack|do not have|don't have)\b[^;]{{0,80}}\b{_THING}\b"
    rf"|\bneed\b[^;]{{0,60}}\b{_THING}\b[^;]{{0,80}}\b(?:before|otherwise|or we|or else)\b"
)
_PRESSING = re.compile(
    r"\b(?:still|yet|again|since|overdue|second|third|reminder|reminded|chas\w+|weeks?|days ago|days now|for days"
    r"|so far|to date|repeatedly|promised|urgent\w*|asap|before (?:we|signing|closing|close|completion)|otherwise"
    r"|or else|delay\w*|hold(?:s|ing)? up|slip\w*|at risk|critical|deadline|cannot|can't|depends? on)\b"
)
_NO_BLOCKER = re.compile(
    r"\b(?:no longer|nothing (?:is )?(?:outstanding|missing|blocking)|not (?:blocking|a blocker|holding)"
    r"|no (?:blockers?|outstanding|open (?:points|issues|items))|isn't (?:blocking|holding)|don't wait"
    r"|no need to wait|no rush|without delay"
    r"|(?:shares|stock|options|options|loans?|amounts?|balance) (?:issued and )?outstanding|outstanding (?:shares"
    r"|stock|work|job|effort|balance|amount|principal|options)|let me know if you (?:have not|haven't|do not|don't)"
    r"|if you (?:have not|haven't)"
    r"|sorry (?:for|to keep)|waiting (?:room|list|period)|can't wait|cannot wait|pending (?:merger|transaction"
    r"|acquisition|deal)|wait and see|hope(?:fully)?)\b|\?\W*\Z"
)
_SETTLES = re.compile(
    r"\b(?:received|signed|executed|countersigned|resolved|approved|granted|cleared|obtained|agreed|sorted|lifted"
    r"|settled|delivered|returned|came (?:in|through|back)|arrived|(?:is|are) in hand|now (?:have|in place)|uploaded"
    r"|no longer (?:an? )?(?:issue|blocker|problem|blocking|needed)|closed out|waived|fixed|done|attached|enclosed"
    r"|secured|provided|confirmed|consented|sent over|unblocked|withdrawn|completed?)\b"
)
_UNSETTLED = re.compile(
    r"\b(?:not|never|no|n't|until|once|when|if|unless|will|would|should|could|may|might|need|needs|to be|yet to"
    r"|waiting|awaiting|before|expect\w*|hope\w*|still|please|by (?:mon|tue|wed|thu|fri)\w*|can you|could you|partly"
    r"|except)\b|n't\b|\?\W*\Z"
)
_ITEM = re.compile(r"\s*(?:[-*•·–]|\(?[a-z0-9]{1,2}[.)])\s")
_BULLET = re.compile(r"\A(?:[-*•·–]|\(?[a-z0-9]{1,2}[.)])\s+")
_OPENING = re.compile(
    r"(?i)\A(?:(?:(?:just )?(?:a )?(?:quick |gentle |friendly |short )?(?:reminder|update|note|heads-up"
    r"|status)(?: that|:| -|,)?|all,|team,|fyi[,:]?|(?:please )?note that|unfortunately,?|as you know,?|also,?"
    r"|but|and|so|however,?|[A-Z]\w+ (?:-|–))\s*)+"
)
_ASKS = re.compile(
    r"\b(?:please|can you|could you|needs? to|must|should|will|to (?:send|provide|sign|confirm|deliver|return))\b"
)
_AWAITING = "Awaiting"
_WORD = re.compile(r"[a-z][a-z-]{2,}")
_GENERIC_TEXT = """
still waiting awaiting wait received receive need needs cannot proceed sign signing close closing until yet
have has not been get got send sent please today week weeks day days team side deal transaction because
outstanding missing overdue pending blocked stuck hold before after without unless back heard nothing
everything blocking holding refuse refuses refused agree will next last friday monday tuesday wednesday
thursday
"""
_GENERIC = frozenset(_GENERIC_TEXT.split())


@dataclass(frozen=True)
class _Complaint:
    position: int
    sentence: Sentence
    is_item: bool
    entry: BlockerEntry
    strong: bool
    asks: bool
    """Whether the next sentences ask for something."""


def blockers(email: EmailText) -> BlockersAnswer:
    """The blockers a message tells, and those of its thread that it settles."""
    earlier = _open_before(email.thread)
    settled = list(_settled(email, earlier))
    closed = {entry.title for entry in settled}
    told = [_as_known(entry, earlier) for entry in _told(email)]
    fresh = {entry.title: entry for entry in reversed(told) if entry.title not in closed}
    return BlockersAnswer(blockers=[*settled, *reversed(fresh.values())])


def _open_before(thread: Sequence[EmailText]) -> list[BlockerEntry]:
    """The blockers the earlier messages left open, as first titled."""
    known: dict[str, BlockerEntry] = {}
    for message in thread:
        for entry in _settled(message, list(known.values())):
            known.pop(entry.title, None)
        for entry in _told(message):
            entry = _as_known(entry, list(known.values()))
            known.setdefault(entry.title, entry)
    return list(known.values())


def _as_known(entry: BlockerEntry, known: Iterable[BlockerEntry]) -> BlockerEntry:
    """With the title under which the thread knows it already."""
    topic = _topic(f"{entry.title} {entry.quote}")
    for other in known:
        shared = topic & _topic(other.title)
        if shared and len(shared) >= min(2, len(_topic(other.title))):
            return entry.model_copy(
                update={
                    "title": other.title,
                    "owner": entry.owner or other.owner,
                    "due_date": entry.due_date or other.due_date,
                }
            )
    return entry


def _told(email: EmailText) -> list[BlockerEntry]:
    """One entry for each run of complaints about one thing, the most pressing ones first where there are too many."""
    runs: list[list[_Complaint]] = []
    for complaint in _complaints(email):
        same = next((run for run in runs if any(_same(complaint, other) for other in run)), None)
        if same is None:
            runs.append([complaint])
        else:
            same.append(complaint)
    pressing = sorted(runs, key=lambda run: not any(complaint.strong for complaint in run))[:MOST]
    return [_merged(run) for run in runs if any(run is kept for kept in pressing)]


def _merged(run: Sequence[_Complaint]) -> BlockerEntry:
    """The complaint that names the thing, with the owner and the day any of them gives."""
    best = max(
        run,
        key=lambda complaint: (
            bool(_topic(complaint.entry.title)),
            complaint.entry.title.startswith(_AWAITING),
            -complaint.position,
        ),
    )
    owner = best.entry.owner or next((other.entry.owner for other in run if other.entry.owner), None)
    due = best.entry.due_date or next((other.entry.due_date for other in run if other.entry.due_date), None)
    action = next((other.entry.needed_action for other in run if other.asks), best.entry.needed_action)
    return best.entry.model_copy(update={"owner": owner, "due_date": due, "needed_action": action})


def _complaints(email: EmailText) -> Iterator[_Complaint]:
    sentences = text_sentences(email.body_text)
    for position, sentence in enumerate(sentences):
        flat = sentence.flat
        strong = bool(_STRONG.search(flat))
        due = due_date(flat, email.sent_at.date())
        weak = bool(_WEAK.search(flat)) and (due is not None or bool(_PRESSING.search(flat)))
        if not (strong or weak) or _NO_BLOCKER.search(flat):
            continue
        is_item = _is_item(sentence, email)
        following = [other for other in sentences[position + 1 : position + 1 + NEAR] if not _is_item(other, email)]
        due = due or next((day for other in following if (day := due_date(other.flat, email.sent_at.date()))), None)
        owner = _first(assigned_to, following, email) or _first(owner_of, [sentence, *following], email)
        request = next((other for other in following if _ASKS.search(other.flat)), None)
        entry = BlockerEntry(
            title=_title(sentence),
            owner=owner,
            due_date=due,
            needed_action=_short(request or sentence),
            quote=sentence.text[:600].strip(),
        )
        yield _Complaint(position, sentence, is_item, entry, strong, request is not None)


def _first(who: Callable[[str, EmailText], str | None], sentences: Iterable[Sentence], email: EmailText) -> str | None:
    return next((found for sentence in sentences if (found := who(sentence.text, email))), None)


def _is_item(sentence: Sentence, email: EmailText) -> bool:
    line = email.body_text.rfind("\n", 0, sentence.start) + 1
    return bool(_ITEM.match(email.body_text[line : sentence.end]))


def _same(one: _Complaint, other: _Complaint) -> bool:
    if one.is_item and other.is_item:
        return False
    return abs(one.position - other.position) <= NEAR or len(_topic(one.entry.quote) & _topic(other.entry.quote)) >= 2


_TOPICS = (
    re.compile(r"(?i)\b(?:waiting|wait|awaiting|pending|chas(?:ed|ing))\s+(?:for|on|up)?\s*(.+)"),
    re.compile(
        r"(?i)\b(?:until|without|unless|before)\s+(?:we|you|they|i)\s+(?:have|receive|get|see|obtain|are given)\s+(.+)"
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


def _title(sentence: Sentence) -> str:
    """What is awaited, in the message's own words."""
    text = _OPENING.sub("", _BULLET.sub("", " ".join(sentence.text.split())))
    for pattern in _TOPICS:
        match = pattern.search(text)
        words = [] if match is None else _TOPIC_END.split(match[1], maxsplit=1)[0].split()
        if words and _topic(" ".join(words)):
            return f"{_AWAITING} " + " ".join(words[:_TITLE_WORDS]).strip(" \"'“”")
    return (
        " ".join(_TOPIC_END.split(text, maxsplit=1)[0].split()[:_TITLE_WORDS]).strip(" -*•")
        if len(text) > 80
        else text.rstrip(".!")
    )


def _short(sentence: Sentence) -> str:
    text = _BULLET.sub("", " ".join(sentence.text.split()))
    return text if len(text) <= 240 else text[:237].rsplit(" ", 1)[0] + " ..."


def _settled(email: EmailText, earlier: Sequence[BlockerEntry]) -> Iterator[BlockerEntry]:
    """Those of ``earlier`` that the message says are done; a general "all resolved" closes a single one."""
    closed: set[str] = set()
    for sentence in text_sentences(email.body_text) if earlier else ():
        if not _SETTLES.search(sentence.flat) or _UNSETTLED.search(sentence.flat):
            continue
        for entry in earlier:
            about = bool(_topic(entry.title) & _topic(sentence.text)) or (
                len(earlier) == 1 and len(sentence.flat) < 120 and "attached" not in sentence.flat
            )
            if about and entry.title not in closed:
                closed.add(entry.title)
                yield entry.model_copy(update={"quote": sentence.text, "resolved": True, "needed_action": ""})


def _topic(text: str) -> set[str]:
    words = (word.removesuffix("s") for word in _WORD.findall(text.lower()) if word not in STOPWORDS)
    return {word for word in words if word not in _GENERIC}
