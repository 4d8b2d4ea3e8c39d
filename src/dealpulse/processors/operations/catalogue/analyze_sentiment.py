"""E-mails: how the writer feels."""

from __future__ import annotations

from functools import partial

from dealpulse.ai.contract import Question
from dealpulse.jobs.emails import EmailOperation
from dealpulse.models import EmailAnalysis
from dealpulse.processors.operations.contract import EmailSpec, EmailText
from dealpulse.processors.operations.instructions import SENTIMENT, instructions
from dealpulse.processors.operations.material import email_material
from dealpulse.processors.operations.offline.sentiment import sentiment
from dealpulse.processors.operations.reading import read_sentiment
from dealpulse.processors.operations.schemas import SentimentAnswer

VERSION = "1"


def ask(email: EmailText) -> Question[SentimentAnswer]:
    return Question(
        operation="email.analyze_sentiment",
        version=VERSION,
        instructions=instructions(SENTIMENT),
        material=email_material(email),
        schema=SentimentAnswer,
        offline=partial(sentiment, email.body_text),
        max_tokens=1_000,
    )


def read(answer: SentimentAnswer, email: EmailText) -> EmailAnalysis:
    return EmailAnalysis(sentiment=read_sentiment(answer))


ANALYZE_SENTIMENT = EmailSpec(name=EmailOperation.analyze_sentiment, ask=ask, read=read)
