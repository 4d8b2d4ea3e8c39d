"""Wording that tells a clause which names a risk from one that runs it."""

from __future__ import annotations

DEFINES = (
    r"\b(?:means|shall mean|will mean|has the meaning|have the meanings?|is defined|are defined|shall include, but)\b"
)
LISTED = (
    r"\b(?:any|each|every|all) (?:\w+ ){0,3}(?:contracts?|agreements?|leases?|licenses?|plan|commitments?)"
    r" (?:\w+ ){0,3}(?:that|which|containing|contains|under|pursuant|with|providing|relating|to which)\b"
)
LISTED_IN_A_REPRESENTATION = (
    f"{LISTED}|"
    r"\b(?:except as|as) (?:set forth|disclosed|listed|described|expressly)\b|\bparties hereto\b|\beffective time\b"
    r"|\bmerger sub\b|\bneither (?:the )?(?:company|seller|parent|execution|the execution)\b"
    r"|\bconsummation of the (?:merger|transactions?)\b|\bcompany disclosure\b"
)
NEUTRAL = f"{DEFINES}|{LISTED_IN_A_REPRESENTATION}"
TERM_OF_CONTRACT = (
    r"\bany and all\b|\bhold harmless\b|\bparties hereto\b|\bthis agreement\b|\bindemnified part|\beffective time\b"
    r"|\b(?:means|has the meaning|representations? and warrant\w+)\b"
)
CONTRACT_LANGUAGE = (
    r"\bany and all\b|\bparties hereto\b|\beffective time\b|\b(?:means|has the meaning)\b|\brepresents? and warrants?\b"
)
