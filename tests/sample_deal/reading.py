"""What the offline engine reads out of the sample deal, held against what is hidden in it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from dealpulse.ai.local import LocalEngine
from dealpulse.extraction import EmailContent, Limits, extract_document, extract_email
from dealpulse.jobs import DocumentOperation, EmailOperation
from dealpulse.local.sample_deal import PATH
from dealpulse.models import Blocker, Finding
from dealpulse.processors.operations import DOCUMENT_OPERATIONS, EMAIL_OPERATIONS
from dealpulse.processors.operations.contract import DocumentText, EmailText
from sample_deal.plants import ARGUABLE, PLANTED_BLOCKERS, PLANTED_RISKS, PlantedBlocker, PlantedRisk

ENOUGH_WORDS = 0.6
"""Share of a plant's words a quote must hold to be about it: OCR misreads some, a sentence is longer than its core."""


@dataclass
class Reading:
    """What one reading of the whole data room found, by document or e-mail."""

    findings: list[tuple[str, Finding]] = field(default_factory=list)
    blockers: list[tuple[str, Blocker]] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)


async def read_everything(folder: Path) -> Reading:
    engine, found = LocalEngine(), Reading()
    for path in sorted((PATH / "documents").rglob("*")):
        if path.is_file():
            content = await extract_document(path, name=path.name, limits=Limits())
            document = DocumentText(name=path.name, pages=content.pages)
            result = await DOCUMENT_OPERATIONS[DocumentOperation.extract_risks].run(document, engine=engine)
            name = path.relative_to(PATH / "documents").as_posix()
            found.findings += [(name, finding) for finding in result.analysis.findings or ()]
    messages = [
        (path.name, await extract_email(path, name=path.name, attachments_dir=_new(folder, path.stem), limits=Limits()))
        for path in sorted((PATH / "emails").glob("*.eml"))
    ]
    for name, message in messages:
        thread = tuple(_text(other) for _, other in messages if _is_earlier(other, message))
        analysis = (await EMAIL_OPERATIONS[EmailOperation.analyze].run(_text(message, thread), engine=engine)).analysis
        found.blockers += [(name, blocker) for blocker in analysis.blockers or ()]
        assert analysis.sentiment is not None
        found.scores[name] = analysis.sentiment.score
    await engine.aclose()
    return found


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _is_earlier(one: EmailContent, other: EmailContent) -> bool:
    assert one.sent_at is not None
    assert other.sent_at is not None
    return one.thread_key == other.thread_key and one.sent_at < other.sent_at


def _text(message: EmailContent, thread: tuple[EmailText, ...] = ()) -> EmailText:
    assert message.sent_at is not None
    return EmailText(
        subject=message.subject,
        sender=message.sender,
        sent_at=message.sent_at,
        body_text=message.body_text,
        thread_key=message.thread_key,
        to=message.to,
        cc=message.cc,
        thread=thread,
    )


def _is_about(quote: str, passage: str) -> bool:
    """Whether enough of the shorter one's words stand in the other."""
    one, other = (Counter(re.findall(r"\w+", text.lower())) for text in (quote, passage))
    return sum((one & other).values()) >= ENOUGH_WORDS * min(sum(one.values()), sum(other.values()))


def _states(plant: PlantedRisk, document: str, finding: Finding) -> bool:
    """Whether a finding tells of the planted fact, from any place that states it."""
    places = [(plant.document, plant.quote), *((place.document, place.quote) for place in plant.repeated_in)]
    return any(document == where and _is_about(finding.citation.quote, quote) for where, quote in places)


def is_found(plant: PlantedRisk, reading: Reading) -> bool:
    fair = {plant.category, *plant.also_fair}
    return any(
        finding.category.value in fair and _states(plant, document, finding) for document, finding in reading.findings
    )


def _is_false_alarm(document: str, finding: Finding) -> bool:
    arguable = any(
        document == place.document and _is_about(finding.citation.quote, place.quote) for _, place in ARGUABLE
    )
    return not arguable and not any(_states(plant, document, finding) for plant in PLANTED_RISKS)


def false_alarms(reading: Reading) -> list[tuple[str, str, str]]:
    """Document or e-mail, category and quote of what tells of nothing that is hidden."""
    alarms = [
        (document, finding.category.value, finding.citation.quote)
        for document, finding in reading.findings
        if _is_false_alarm(document, finding)
    ]
    planted = {name for plant in PLANTED_BLOCKERS for name in (plant.email, *plant.repeated_in)}
    alarms += [(name, "blocker", blocker.citation.quote) for name, blocker in reading.blockers if name not in planted]
    return alarms


def is_blocker_found(plant: PlantedBlocker, reading: Reading) -> bool:
    """With its owner or its due date."""
    return any(
        name == plant.email
        and _is_about(blocker.citation.quote, plant.quote)
        and (blocker.due_date == plant.due_date or plant.owner.split()[0] in (blocker.owner or ""))
        for name, blocker in reading.blockers
    )
