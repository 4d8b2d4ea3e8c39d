"""HTML and RTF to text as a person would see it: paragraphs apart, table cells apart by tabs, no scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

_COLUMN_GAP = re.compile(r"(?<=\S)[ \xa0]{2,}(?=\S)")
_INDENT = re.compile(r"^[ \t\xa0]+", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


def html_to_text(markup: str) -> str:
    """Falls back to plain text nodes where the layout engine finds nothing (very deep nesting, broken markup)."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(markup)
    plain = tree.body.text(separator="\n", strip=True) if tree.body else ""
    if not plain.strip():
        return ""
    try:
        laid_out = _laid_out(markup)
    except (RecursionError, ValueError, AssertionError, IndexError):
        laid_out = ""
    enough = len(laid_out.split()) >= 0.9 * len(plain.split())
    text = _COLUMN_GAP.sub("\t", _INDENT.sub("", laid_out if enough else plain))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def _laid_out(markup: str) -> str:
    from inscriptis import get_text
    from inscriptis.css_profiles import CSS_PROFILES
    from inscriptis.model.config import ParserConfig

    text: str = get_text(markup, ParserConfig(css=CSS_PROFILES["relaxed"]))
    return text


_QUOTED = "blockquote[type=cite], blockquote.gmail_quote, .gmail_attr, .moz-cite-prefix, .yahoo_quoted"


def without_quotes(markup: str) -> str:
    """The message without what mail programs mark as quoted. Quotations its author made stay."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(markup)
    quoted = tree.css(_QUOTED)
    for node in quoted:
        node.decompose()
    return (tree.html or "") if quoted else markup


def rtf_to_text(data: bytes, *, charset: str) -> str:
    """``charset`` is for RTF that names none itself."""
    from striprtf import striprtf

    convert: Callable[..., str] = striprtf.rtf_to_text
    return convert(data.decode("latin-1"), encoding=charset, errors="replace")
