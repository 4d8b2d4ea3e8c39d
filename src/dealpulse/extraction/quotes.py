"""What a message newly says: its text without the history below it and without its signature.

Line by line and conservative: bullet lists, a ``Thanks, received`` and a clause that begins ``From: the Closing Date``
are the sender's own words. When everything looks quoted, as in a bare forward, everything is kept.
"""

from __future__ import annotations

import re

# --- what introduces history ------------------------------------------------------------------------------------------

_WROTE = re.compile(
    r"\b(wrote|writes|schrieb|a écrit|a ecrit|escribió|escribio|ha scritto|schreef|escreveu|skrev|kirjoitti|napisał"
    r"|napisał\(a\)|napsal|napsal\(a\)|írta|yazdı|писал|написал|写道)\b.{0,120}[:：]\s*$",
    re.IGNORECASE,
)
_INTRO_BEGINS = re.compile(r"^\s*(?:on|am|le|el|il|em|op|den|dne|w dniu)\s.{0,40}\d", re.IGNORECASE)
_DATED = re.compile(r"\d{1,4}[-./]\d{1,2}|\d{1,2}:\d{2}|\b(?:19|20)\d{2}\b")
_SEPARATOR = re.compile(
    r"^[-_=*\s]{0,40}(?:-{2,}\s*(?:original (?:message|appointment)|forwarded message|forwarded by\b.*|reply message"
    r"|ursprüngliche nachricht|weitergeleitete nachricht|message d'origine|message original|message transféré"
    r"|mensaje original|mensaje reenviado|messaggio originale|messaggio inoltrato|oorspronkelijk bericht"
    r"|mensagem original|oprindelig meddelelse|ursprungligt meddelande|původní zpráva|wiadomość oryginalna)\b"
    r"|begin forwarded message:|anfang der weitergeleiteten (?:nachricht|e-mail):"
    r"|début du message (?:réexpédié|transféré))",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^[\s*]{0,4}(?:"
    r"(?P<sender>from|von|de|da|van|fra|från|od)|(?P<date>sent|date|gesendet|datum|envoyé|enviado|inviato|verzonden"
    r"|data|fecha|dato|skickat|sendt|odesláno)|(?P<to>to|an|à|para|a|aan|til|till|komu|do)"
    r"|(?P<cc>cc|bcc|kopie|copie)|(?P<subject>subject|betreff|objet|asunto|oggetto|onderwerp|assunto|emne|ämne"
    r"|předmět|temat)"
    r")[\s*]{0,3}[:：]",
    re.IGNORECASE,
)
_RULE = re.compile(r"^\s*[_\-=*]{5,}\s*$")
_QUOTED = re.compile(r"^[ \t]{0,2}(?:[>|]|&gt;)")

_INTRO_LINES = 3
_BLOCK_LINES = 14


def new_text(text: str) -> str:
    """The sender's own words; the whole text where no words of the sender's own are left. Lines are kept as is."""
    lines = text.split("\n")
    own = _without_signature(_without_history(lines))
    if not "".join(own).strip():
        own = _without_signature(lines)
    if not "".join(own).strip():
        own = lines
    return "\n".join(own).strip("\n")


def _without_history(lines: list[str]) -> list[str]:
    """Quoted blocks go wherever they stand (answers between them stay); unmarked history goes with all below it."""
    kept: list[str] = []
    position = 0
    while position < len(lines):
        if _QUOTED.match(lines[position]):
            position += 1
            continue
        intro = _intro_length(lines, position)
        after = _skip_blank(lines, position + intro)
        if intro and after < len(lines) and _QUOTED.match(lines[after]):
            position = after
        elif (intro and _is_certain(lines[position : position + intro])) or _begins_history(lines, position):
            break
        else:
            kept.append(lines[position])
            position += 1
    return kept


def _intro_length(lines: list[str], position: int) -> int:
    """How many lines the ``On Monday, Jane wrote:`` at ``position`` takes; 0 where there is none."""
    joined = ""
    for count, line in enumerate(lines[position : position + _INTRO_LINES], start=1):
        if not line.strip() or len(line) > 300 or _QUOTED.match(line):
            return 0
        if count > 1 and _INTRO_BEGINS.match(line):
            # It begins here: what stands above is the sender's.
            return 0
        joined = f"{joined} {line.strip()}"
        if _WROTE.search(joined):
            return count
    return 0


def _is_certain(intro: list[str]) -> bool:
    """``Our counsel wrote:`` introduces what the sender wants to say; history is introduced by a date or an address."""
    joined = " ".join(intro)
    return _DATED.search(joined) is not None


def _begins_history(lines: list[str], position: int) -> bool:
    line = lines[position]
    if _SEPARATOR.match(line):
        return True
    if _RULE.match(line):
        following = _skip_blank(lines, position + 1)
        return _is_header_block(lines, following)
    if _is_header_block(lines, position):
        return True
    return _is_notes_intro(lines, position)


def _is_header_block(lines: list[str], position: int) -> bool:
    """Three different headers of a message in a row (``From``, ``Sent``, ``To``, ``Subject``), as Outlook puts them."""
    if position >= len(lines) or not _HEADER.match(lines[position]):
        return False
    roles: set[str] = set()
    blank = 0
    for line in lines[position : position + _BLOCK_LINES]:
        header = _HEADER.match(line)
        if header and header.lastgroup:
            roles.add(header.lastgroup)
            blank = 0
        elif not line.strip():
            blank += 1
            if blank > 1:
                break
        elif blank:
            break
    return len(roles) >= 3


def _is_notes_intro(lines: list[str], position: int) -> bool:
    """Lotus Notes puts name and date, without a word, above the headers: ``Jane Roe on 09/26/2000 01:18:45 PM``."""
    if not _DATED.search(lines[position]) or len(lines[position]) > 120:
        return False
    following = position + 1
    while following < min(position + 4, len(lines)) and not _HEADER.match(lines[following]):
        if lines[following].strip() and not lines[following].lower().startswith("please respond to"):
            return False
        following += 1
    return _is_header_block(lines, following)


def _skip_blank(lines: list[str], position: int) -> int:
    while position < len(lines) and not lines[position].strip():
        position += 1
    return position


# --- the end of the message -------------------------------------------------------------------------------------------

_DASHES = re.compile(r"^-- ?$|^—$")
_DEVICE = re.compile(
    r"^\s*(?:sent (?:from|via) (?:my|outlook|the|yahoo|samsung|mail)\b|get outlook for\b|von meinem .{1,30} gesendet"
    r"|gesendet (?:von|mit)\b|envoyé de(?:puis)? mon\b|enviado desde mi\b|inviato da\b|verstuurd vanaf\b)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^\s*(?:(?:(?:with )?(?:best|kind|kindest|warm|warmest|many)? ?(?:regards|wishes))|best|cheers|sincerely"
    r"|(?:yours|very) (?:sincerely|truly|faithfully)|(?:yours )?(?:sincerely|truly)|thanks|thank you|many thanks"
    r"|thanks and regards|thx|all the best|respectfully|rgds|mit (?:freundlichen|besten) grüßen|viele grüße"
    r"|beste grüße|freundliche grüße|lg|mfg|cordialement|bien cordialement|salutations|saludos|un saludo"
    r"|cordiali saluti|distinti saluti|met vriendelijke groet(?:en)?|atenciosamente)\s*[,.!]?\s*$",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"^\s*\*{0,3}(?:confidential(?:ity)?(?: notice| note)?\s*[:.]|disclaimer\b"
    r"|(?:this|the information (?:contained )?in this) (?:e-?mail|message|communication|transmission)\b.{0,120}"
    r"(?:confidential|intended|privileged))",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(r"^\s*p\.?\s?s\.?\b[:. ]", re.IGNORECASE)

_SENTENCE = re.compile(r"^(?:\S+\s+){5,}\S+[.!?]\s*$")
"""Six words or more and a full stop: nobody's address."""

_SIGNATURE_LINES = 12
_SIGNATURE_WIDTH = 90


def _without_signature(lines: list[str]) -> list[str]:
    """The lines before a signature mark, a closing formula, a device's own line or a disclaimer."""
    for position, line in enumerate(lines):
        own = "".join(lines[:position]).strip() if _may_end(line) else ""
        if own and _is_end(lines, position):
            return lines[:position]
    return lines


def _may_end(line: str) -> bool:
    return len(line) <= 400 and any(mark.match(line) for mark in (_DASHES, _DEVICE, _CLOSING, _DISCLAIMER))


def _is_end(lines: list[str], position: int) -> bool:
    if _DASHES.match(lines[position]) or _DEVICE.match(lines[position]):
        return len(lines) - position <= 40
    below = [line for line in lines[position + 1 :] if line.strip()]
    if any(_POSTSCRIPT.match(line) for line in below):
        return False
    if _DISCLAIMER.match(lines[position]):
        return True
    for count, line in enumerate(below):
        if _DISCLAIMER.match(line) or _DASHES.match(line) or _DEVICE.match(line):
            return True
        if count >= _SIGNATURE_LINES or len(line) > _SIGNATURE_WIDTH or _SENTENCE.search(line):
            return False
    return True
