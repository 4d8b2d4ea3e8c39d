"""What holds a deal up, by how deal people complain about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from dealpulse.processors.operations.contract import EmailText
from dealpulse.processors.operations.offline.awaited import AWAITING, asks, needed_action, title_of, topic_of
from dealpulse.processors.operations.offline.due_dates import due_date
from dealpulse.processors.operations.offline.owners import Assignment, assignment, owner_of
from dealpulse.processors.operations.offline.sentences import Sentence, text_sentences
from dealpulse.processors.operations.schemas import BlockerEntry, BlockersAnswer

MOST = 3
"""Blockers of one message."""
NEAR = 2
"""Sentences within which two complaints are about one thing."""

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
    r"|price|balances?|accounts|ledgers?|memo\w*|cop(?:y|ies)|paperwork|pages?|deeds?|guarantees?|bonds?"
    r"|breakdowns?|analys[ie]s"
    r"|spreadsheets?|files?|versions?|results?|surveys?|titles?|evidence|proof|countersign\w*"
    r"|acknowledg\w+|undertakings?"
    r"|resolutions?|power of attorney|bring-?down|legal opinion|side letter)"
)

_STRONG = re.compile(
    r"\b(?:hold|holding|holds|keep|keeping|withhold\w*|sitting on|parking)\b[^;]{0,40}\b(?:signatures?|pages|funds"
    r"|escrow|closing|signing|release|off|back|payment|filing|approval|draft|money)\b[^;]{0,40}\b(?:until|pending|unless"
    r"|till)\b"
    r"|"
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
    rf"|will not|won't|reject(?:s|ed))\b[^;]{{0,20}}\b(?:to )?(?:sign|consent|agree|provide|release|waive"
    rf"|give|grant"
    rf"|accept|share|approve|move|the)\b"
    rf"[^;]{{0,60}}\b{_THING}\b"
    rf"|\b{_THING}\b[^;]{{0,60}}\b(?:is|are|was|were|now) (?:\w+ ){{0,3}}(?:overdue|past due|late|missing"
    rf"|weeks? behind|days? (?:late|overdue|behind))\b"
    r"|\b(?:missed|will miss|going to miss|won't make|will not make|cannot make"
    r"|can't make)\b[^;]{0,30}\b(?:deadline"
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
    r"|settled|delivered|returned|came (?:in|through|back)|arrived|(?:is|are) in hand|now (?:have"
    r"|in place)|uploaded"
    r"|no longer (?:an? )?(?:issue|blocker|problem|blocking|needed)|closed out|waived|fixed|done|attached|enclosed"
    r"|secured|provided|confirmed|consented|sent over|unblocked|withdrawn|completed?)\b"
)
_UNSETTLED = re.compile(
    r"\b(?:not|never|no|n't|until|once|when|if|unless|will|would|should|could|may|might|need|needs|to be|yet to"
    r"|waiting|awaiting|before|expect\w*|hope\w*|still|please|by (?:mon|tue|wed|thu|fri)\w*|can you"
    r"|could you|partly"
    r"|except)\b|n't\b|\?\W*\Z"
)
_PROMISES = re.compile(
    r"(?:\b(?:will|shall|going to|expects? to|expected|should (?:have|be|arrive)|promise[sd]?|aim(?:s"
    r"|ing)? to|to follow|agreed to|undertakes? to"
    r"|commit(?:s|ted)? to|on its way)\b|'ll\b)(?! not\b| be late| be delayed)"
)
_IT = re.compile(r"\b(?:it|them|this|these|that)\b")
_ITEM = re.compile(r"\s*(?:[-*•·–]|\(?[a-z0-9]{1,2}[.)])\s")


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
    told = [*(_as_known(entry, earlier) for entry in _told(email)), *_promised(email, earlier)]
    fresh = {entry.title: entry for entry in reversed(told) if entry.title not in closed}
    return BlockersAnswer(blockers=[*settled, *reversed(fresh.values())])


def _open_before(thread: Sequence[EmailText]) -> list[BlockerEntry]:
    """The blockers the earlier messages left open, as first titled."""
    known: dict[str, BlockerEntry] = {}
    for message in thread:
        for entry in _settled(message, list(known.values())):
            known.pop(entry.title, None)
        for entry in _promised(message, list(known.values())):
            known[entry.title] = entry
        for entry in _told(message):
            entry = _as_known(entry, list(known.values()))
            known.setdefault(entry.title, entry)
    return list(known.values())


def _as_known(entry: BlockerEntry, known: Iterable[BlockerEntry]) -> BlockerEntry:
    """With the title under which the thread knows it already."""
    topic = topic_of(f"{entry.title} {entry.quote}")
    for other in known:
        shared = topic & topic_of(other.title)
        if shared and len(shared) >= min(2, len(topic_of(other.title))):
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
            bool(topic_of(complaint.entry.title)),
            complaint.entry.title.startswith(AWAITING),
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
        own_day = due_date(flat, email.sent_at.date())
        weak = bool(_WEAK.search(flat)) and (own_day is not None or bool(_PRESSING.search(flat)))
        if (strong or weak) and not _NO_BLOCKER.search(flat):
            following = [other for other in sentences[position + 1 : position + 1 + NEAR] if not _is_item(other, email)]
            elsewhere = [*sentences[:position], *sentences[position + 1 + NEAR :]]
            yield _complaint(position, sentence, strong, following, elsewhere, email)


def _complaint(
    position: int,
    sentence: Sentence,
    strong: bool,
    following: Sequence[Sentence],
    elsewhere: Iterable[Sentence],
    email: EmailText,
) -> _Complaint:
    """What is awaited by the complaint itself; who acts by when, also by the sentences near or about it."""
    sent, title = email.sent_at.date(), title_of(sentence)
    related = [
        other for other in elsewhere if len(topic_of(title) & topic_of(other.text)) >= min(2, len(topic_of(title)) or 2)
    ]
    task, day = _given_out([sentence, *following, *related], email)
    owner = (task.owner if task is not None else None) or next(
        (who for other in (sentence, *following) if (who := owner_of(other.text, email))), None
    )
    due = day or next((day for other in (sentence, *following, *related) if (day := due_date(other.flat, sent))), None)
    asking = " ".join(other.text for other in (sentence, *following))
    return _Complaint(
        position=position,
        sentence=sentence,
        is_item=_is_item(sentence, email),
        entry=BlockerEntry(
            title=title,
            owner=owner,
            due_date=due,
            needed_action=needed_action(title, owner=owner, assigned=task, asking=asking),
            quote=sentence.text[:600].strip(),
        ),
        strong=strong,
        asks=task is not None or asks(asking),
    )


def _given_out(sentences: Iterable[Sentence], email: EmailText) -> tuple[Assignment | None, date | None]:
    """The first task the sentences give to somebody, and its day; that of another before one the writer takes on."""
    found = [
        (task, due_date(sentence.flat, email.sent_at.date()))
        for sentence in sentences
        if (task := assignment(sentence.text, email)) is not None
    ]
    found.sort(key=lambda pair: pair[0].owner is None or _is_writer(pair[0].owner, email))
    return next(((task, day) for task, day in found), (None, None))


def _is_writer(name: str, email: EmailText) -> bool:
    return email.sender is not None and name in (email.sender.name, email.sender.address)


def _is_item(sentence: Sentence, email: EmailText) -> bool:
    line = email.body_text.rfind("\n", 0, sentence.start) + 1
    return bool(_ITEM.match(email.body_text[line : sentence.end]))


def _same(one: _Complaint, other: _Complaint) -> bool:
    if one.is_item and other.is_item:
        return False
    return (
        abs(one.position - other.position) <= NEAR or len(topic_of(one.entry.quote) & topic_of(other.entry.quote)) >= 2
    )


def _settled(email: EmailText, earlier: Sequence[BlockerEntry]) -> Iterator[BlockerEntry]:
    """Those of ``earlier`` that the message says are done; a general "all resolved" closes a single one."""
    closed: set[str] = set()
    for sentence in text_sentences(email.body_text) if earlier else ():
        if not _SETTLES.search(sentence.flat) or _UNSETTLED.search(sentence.flat):
            continue
        for entry in earlier:
            about = bool(topic_of(entry.title) & topic_of(sentence.text)) or (
                len(earlier) == 1 and len(sentence.flat) < 120 and "attached" not in sentence.flat
            )
            if about and entry.title not in closed:
                closed.add(entry.title)
                yield entry.model_copy(update={"quote": sentence.text, "resolved": True, "needed_action": ""})


def _promised(email: EmailText, earlier: Sequence[BlockerEntry]) -> Iterator[BlockerEntry]:
    """Those of ``earlier`` that the message promises by a day, with who promises and the new day."""
    moved: set[str] = set()
    for sentence in text_sentences(email.body_text) if earlier else ():
        day = due_date(sentence.flat, email.sent_at.date())
        if day is None or not _PROMISES.search(sentence.flat) or sentence.flat.endswith("?"):
            continue
        task = assignment(sentence.text, email)
        for entry in earlier:
            about = bool(topic_of(entry.title) & topic_of(sentence.text)) or (
                len(earlier) == 1 and bool(_IT.search(sentence.flat))
            )
            if about and entry.title not in moved:
                moved.add(entry.title)
                owner = (task.owner if task is not None else None) or entry.owner
                action = needed_action(entry.title, owner=owner, assigned=task, asking="")
                yield entry.model_copy(
                    update={"owner": owner, "due_date": day, "quote": sentence.text, "needed_action": action}
                )
