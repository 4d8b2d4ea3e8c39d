"""Wording that tells a clause which names a risk from one that runs it."""

from __future__ import annotations

DEFINES = (
    r"\b(?:means|shall mean|will mean|has the meaning|have the meanings?|is defined|are defined"
    r"|shall include, but)\b"
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
PERMITTED_WITHOUT = (
    r"\A(?!.{0,400}\b(?:neither|nor|no party|not)\b).{0,400}\b(?:may|can|could|permitted to|entitled to"
    r"|free to|allowed to"
    r"|at liberty to)\b[^;]{0,160}\bwithout (?:\w+ ){0,6}(?:consents?|approvals?|licen[cs]es?|permits?"
    r"|authori[sz]ation"
    r"|clearance|permission|registration)\b"
)
"""That something may be done without leave; a negation before keeps it a prohibition."""
NO_CONSEQUENCE = (
    r"\bnot (?:be )?(?:deemed |considered |treated as |regarded as )?(?:to (?:be|constitute) "
    r"|constitute )?an? assignment\b"
    r"|\b(?:do|does|shall|will) not (?:\w+ )?(?:require|need|trigger|give rise to|give|grant|confer|entitle)\b"
    r"|\b(?:requir|need|giv|confer|grant|trigger)(?:e|es|s|ing"
    r"|ting)? (?:\w+ ){0,4}?no (?:\w+ )?(?:consent|approval|right"
    r"|notice|termination|entitlement)"
    r"|\bno (?:right|entitlement|ground)s? (?:to|of|for) (?:terminat|consent|object)\w*"
)
"""That an event has none of the effects it might have."""
TERM_OF_CONTRACT = (
    r"\bany and all\b|\bhold harmless\b|\bparties hereto\b|\bthis agreement\b|\bindemnified part|\beffective time\b"
    r"|\b(?:means|has the meaning|representations? and warrant\w+)\b"
)
CONTRACT_LANGUAGE = (
    r"\bany and all\b|\bparties hereto\b|\beffective time\b|\b(?:means|has the meaning)\b"
    r"|\brepresents? and warrants?\b"
)
MAY = r"(?<!\bin )(?<!\bof )(?<!since )(?<!until )(?<!by )(?<!from )(?<!\d )\bmay\b(?! \d)"
"""The verb, not the month."""
