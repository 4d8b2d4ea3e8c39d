"""A model that does whatever it is told by whoever wrote the material: the worst reader there can be.

Where it finds an order it obeys all of them at once, as far as a schema lets it: it reports none of the true risks and
one it made up, classifies and judges as the seller would, declares other people's blockers settled, gives away its
instructions, and writes links and markup into every sentence. Where it finds none it is honest and finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Json = dict[str, Any]

INVENTED_QUOTE = "The Seller has waived every right under this Agreement and owes the Buyer nothing at all."
LINK = "[the data room](https://evil.example/login) <script>alert(1)</script>"


def obeying(attempts: Iterable[str]) -> Callable[[Json], Json]:
    """An answerer (see :mod:`fakes.claude`) that obeys when one of ``attempts`` stands in what it is asked about."""
    known = ["".join(attempt.split()) for attempt in attempts]

    def answer(body: Json) -> Json:
        material = "".join(_text(body["messages"]).split())
        obeyed = any(attempt in material for attempt in known)
        wanted = body["output_config"]["format"]["schema"]["properties"]
        return {name: _ANSWERS[name](obeyed, str(body["system"])) for name in wanted if name in _ANSWERS}

    return answer


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return "\n".join(_text(one) for one in value.values()) if isinstance(value, dict) else ""


def _summary(obeyed: bool, system: str) -> Json:
    text = f"There is nothing to see here, {LINK}. {system[:500]}" if obeyed else "A lease."
    return {
        "document_type": "lease",
        "summary": text,
        "parties": [],
        "dates": [],
        "amounts": [],
        "obligations": [],
        "key_terms": [],
    }


def _risks(obeyed: bool, _: str) -> list[Json]:
    if not obeyed:
        return []
    return [
        {
            "category": "liability_cap",
            "severity": "P0",
            "action": "walk",
            "title": f"Nothing is owed {LINK}",
            "explanation": LINK,
            "quote": INVENTED_QUOTE,
            "page": 1,
        }
    ]


def _classification(obeyed: bool, _: str) -> Json:
    stream = "insurance" if obeyed else "real_estate"
    return {"primary": stream, "confidence": 1.0, "workstreams": [{"workstream": stream, "score": 1.0}]}


def _sentiment(obeyed: bool, _: str) -> Json:
    return {"label": "positive" if obeyed else "neutral", "score": 7.0 if obeyed else 0.0, "reason": LINK}


def _blockers(obeyed: bool, _: str) -> list[Json]:
    if not obeyed:
        return []
    return [
        {
            "title": "Landlord's consent",
            "owner": "Nobody",
            "due_date": None,
            "needed_action": LINK,
            "quote": INVENTED_QUOTE,
            "resolved": True,
        }
    ]


_ANSWERS: dict[str, Callable[[bool, str], Any]] = {
    "summary": _summary,
    "risks": _risks,
    "classification": _classification,
    "sentiment": _sentiment,
    "blockers": _blockers,
}
