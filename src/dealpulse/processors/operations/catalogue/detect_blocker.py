"""E-mails: what holds the deal up, judged across the thread."""

from __future__ import annotations

from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.emails import EmailOperation
from dealpulse.models import EmailAnalysis
from dealpulse.processors.operations.contract import EmailSpec, EmailText
from dealpulse.processors.operations.instructions import BLOCKERS, QUOTING, instructions
from dealpulse.processors.operations.material import email_material
from dealpulse.processors.operations.offline.blockers import blockers
from dealpulse.processors.operations.reading import read_blockers
from dealpulse.processors.operations.schemas import BlockersAnswer

VERSION = "1"


def ask(email: EmailText) -> Question[BlockersAnswer]:
    return Question(
        operation="email.detect_blocker",
        version=VERSION,
        instructions=instructions(BLOCKERS, QUOTING),
        material=email_material(email),
        schema=BlockersAnswer,
        offline=partial(blockers, email),
        max_tokens=3_000,
    )


def read(answer: BlockersAnswer, email: EmailText) -> EmailAnalysis:
    return EmailAnalysis(blockers=read_blockers(answer.blockers, email))


DETECT_BLOCKER = EmailSpec(name=EmailOperation.detect_blocker, ask=ask, read=read)
