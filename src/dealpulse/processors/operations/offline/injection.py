"""Text in a document that gives orders to an AI. Found by rules, whoever else reads the document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dealpulse.models import Action, Page, RiskCategory, Severity
from dealpulse.processors.operations.offline.sentences import Sentence, page_sentences
from dealpulse.processors.operations.schemas import RiskEntry

MOST_INJECTIONS = 3
"""Reported a document: a document of nothing else is one risk, not a thousand."""

_MACHINE = (
    r"\b(?:ai|a\.i\.|artificial intelligence|llms?|language models?|chat ?gpt|gpt-?\d|claude|gemini|copilot"
    r"|(?:ai|automated|virtual|digital) (?:assistant|reviewer|agent|system|analyst|tool|summari[sz]er)s?)\b"
)
_ORDER = (
    r"\b(?:ignore|disregard|forget|omit|do not (?:report|mention|flag|disclose|include|summari[sz]e|extract|list)"
    r"|don't (?:report|mention|flag)"
    r"|must not (?:report|mention|flag|disclose)|report (?:only |that )?(?:no|zero|there are no)|rate this"
    r"|classify this|mark this|respond (?:only )?with"
    r"|output only|answer only|reply with|say that|state that there (?:is|are) no|treat this"
    r"|summari[sz]e this (?:document )?as|you (?:are|must|should|will))\b"
)
_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^;]{0,30}\b(?:all |any |the |your |my |these "
    r"|those )*(?:previous|prior|preceding|above|earlier|system"
    r"|existing|other|original)\b[^;]{0,20}\b(?:instructions?|prompts?|rules|guidelines|directions|commands)\b"
    r"|\b(?:ignore|disregard|forget|override)\b[^;]{0,12}\byour\b[^;]{0,20}\b(?:instructions?|prompts?|rules"
    r"|guidelines|training)\b"
    rf"|{_MACHINE}[^;]{{0,120}}{_ORDER}|{_ORDER}[^;]{{0,80}}{_MACHINE}[^;]{{0,40}}\b(?:reading|reviewing|processing"
    rf"|analy[sz]ing|summari[sz]ing)\b"
    r"|\byou are (?:now )?(?:an? |the )?(?:\w+ )?(?:ai|language model|assistant|chatbot)\b"
    r"|\b(?:reveal|print|repeat|output|disclose)\b[^;]{0,20}\b(?:your|the) (?:system prompt|hidden instructions"
    r"|initial instructions)\b"
    r"|<\|?(?:im_start|system|endoftext)\|?>|\[/?inst\]|^(?:###? ?)?(?:system|assistant) ?(?:prompt|message|note"
    r"|instruction)s? ?:"
    r"|\b(?:note|instructions?|message|attention) (?:to|for) (?:all |any |the )?(?:ai|llm|automated|language model"
    r"|summari[sz]\w+)\b"
)
_ABOUT_AI = re.compile(
    r"\b(?:employees?|staff|personnel|users?|customers?|company policy|policy|shall|supplier|licensee|contractor"
    r"|party|parties)\b[^;]{0,60}"
    r"\b(?:ai|artificial intelligence|chat ?gpt|copilot|language models?)\b"
)
_AMONG_PEOPLE = re.compile(
    r"\b(?:shall|may|must) (?:not )?(?:disregard|ignore|override|bypass)\b(?![^;]{0,60}\b(?:your|ai|prompt))"
)
_CERTAIN = re.compile(
    r"\b(?:previous|prior|above|system|your) (?:instructions?|prompts?)\b|\bdo not (?:report|mention|flag)"
)


def injections(pages: Sequence[Page]) -> Iterator[RiskEntry]:
    """A finding for each of the first passages that instruct a machine."""
    found = 0
    for page in pages:
        for sentence in page_sentences(page) if _suspicious(page.text) else ():
            if found < MOST_INJECTIONS and is_injection(sentence.flat):
                found += 1
                yield _entry(sentence)


def is_injection(flat: str) -> bool:
    """Of one flattened sentence."""
    if _AMONG_PEOPLE.search(flat):
        return False
    return bool(_INJECTION.search(flat)) and (bool(_CERTAIN.search(flat)) or not _ABOUT_AI.search(flat))


_SUSPECT = re.compile(
    r"(?i)\b(?:ignore|disregard|forget|override|bypass)\b|\b(?:ai|a\.i\.|llms?|gpt|chat ?gpt|claude|gemini|copilot"
    r"|assistant|language models?|artificial|automated)\b"
    r"|system prompt|hidden instruction|im_start|\[/?inst\]|<\|?(?:system|endoftext)"
)


def _suspicious(text: str) -> bool:
    return _SUSPECT.search(text) is not None


def _entry(sentence: Sentence) -> RiskEntry:
    return RiskEntry(
        category=RiskCategory.prompt_injection,
        severity=Severity.P1,
        action=Action.investigate,
        title="The document tries to instruct an AI reviewer",
        explanation="Somebody wants this document read differently by software than by people: find out who and why.",
        quote=sentence.text,
        page=sentence.page,
    )
