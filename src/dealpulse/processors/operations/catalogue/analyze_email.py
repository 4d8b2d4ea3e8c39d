"""E-mails: sentiment and blockers in one reading."""

from __future__ import annotations

from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.emails import EmailOperation
from dealpulse.models import EmailAnalysis
from dealpulse.processors.operations.contract import EmailSpec, EmailText
from dealpulse.processors.operations.instructions import BLOCKERS, QUOTING, SENTIMENT, instructions
from dealpulse.processors.operations.material import email_material
from dealpulse.processors.operations.offline.blockers import blockers
from dealpulse.processors.operations.offline.sentiment import sentiment
from dealpulse.processors.operations.reading import read_blockers, read_email_findings, read_sentiment
from dealpulse.processors.operations.schemas import EmailAnswer

VERSION = "1"


def ask(email: EmailText) -> Question[EmailAnswer]:
    return Question(
        operation="email.analyze",
        version=VERSION,
        instructions=instructions(SENTIMENT, BLOCKERS, QUOTING),
        material=email_material(email),
        schema=EmailAnswer,
        offline=partial(_offline, email),
        max_tokens=4_000,
    )


def _offline(email: EmailText) -> EmailAnswer:
    return EmailAnswer(sentiment=sentiment(email.body_text), blockers=blockers(email).blockers)


def read(answer: EmailAnswer, email: EmailText) -> EmailAnalysis:
    return EmailAnalysis(
        sentiment=read_sentiment(answer.sentiment),
        blockers=read_blockers(answer.blockers, email),
        findings=read_email_findings(email),
    )


ANALYZE_EMAIL = EmailSpec(name=EmailOperation.analyze, ask=ask, read=read)
