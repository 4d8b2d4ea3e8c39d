"""Which text of a web page or an HTML message nobody sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_NOT_SHOWN = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0?\.?0+(?![.\d])"
    r"|(?:text-indent|left|top)\s*:\s*-\d{4,})",
    re.IGNORECASE,
)
_FONT_SIZE = re.compile(r"(?:^|[;\s])font-size\s*:\s*(\d*\.?\d+)\s*(px|pt|em|rem|%)?", re.IGNORECASE)
_SMALLEST = {"px": 1.0, "pt": 1.0, "em": 0.1, "rem": 0.1, "%": 10.0, "": 0.0}
_WHITE = re.compile(r"(?:^|[;\s])color\s*:\s*(?:white|#fff(?:fff)?\b|rgba?\(\s*255\s*,\s*255\s*,\s*255)", re.IGNORECASE)
_COLOURED = re.compile(
    r"background(?:-color|-image)?\s*:\s*(?!\s|none|transparent|inherit|white|#fff(?:fff)?\b)", re.IGNORECASE
)
_RULE = re.compile(r"([^{}@]+)\{([^{}]*)\}")
_ONLY_SOMEWHERE = re.compile(r"@[^{};]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}|@[^{};]+;|/\*.*?\*/", re.DOTALL)
"""What a style sheet says for some devices only, and comments."""

_FACTS_FOR_MACHINES = r"ix\:header"
"""Filings with the SEC keep a table of tags in an invisible corner."""

_MOST_RULES = 500
_NO_TEXT = frozenset({"script", "style", "head", "template", "noscript", "title"})


def hidden_in_markup(markup: str) -> tuple[str, ...]:
    """The passages, by the page's own styles and style sheets; those of other files are not looked at."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(markup)
    found = (node.text(separator=" ").strip() for node in _hidden_nodes(tree) if node.tag not in _NO_TEXT)
    return tuple(dict.fromkeys(text for text in found if text))


def _hidden_nodes(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    rules = _rules(tree)
    coloured = {node.mem_id for selector, style in rules if _COLOURED.search(style) for node in _found(tree, selector)}
    styled = [(node, node.attributes.get("style") or "") for node in tree.css("[style], [hidden], [color]")]
    styled += [(node, style) for selector, style in rules if _is_telling(style) for node in _found(tree, selector)]
    for node, style in styled:
        in_plain_sight = "hidden" not in node.attributes and not _is_unseen(style)
        if in_plain_sight and (not _is_white(node, style) or _lies_on_colour(node, coloured)):
            continue
        if node.css_first(_FACTS_FOR_MACHINES) is None:
            yield node


def _is_telling(style: str) -> bool:
    return _is_unseen(style) or _WHITE.search(style) is not None


def _is_unseen(style: str) -> bool:
    size = _FONT_SIZE.search(style)
    if size and float(size[1]) <= _SMALLEST[(size[2] or "").lower()]:
        return True
    return _NOT_SHOWN.search(style) is not None


def _is_white(node: LexborNode, style: str) -> bool:
    return bool(_WHITE.search(style)) or (node.attributes.get("color") or "").lower() in ("white", "#fff", "#ffffff")


def _lies_on_colour(node: LexborNode, coloured: set[int]) -> bool:
    """Whether it or something around it has a background that white stands out against."""
    around: LexborNode | None = node
    while around is not None:
        attributes = around.attributes
        if around.mem_id in coloured or attributes.get("bgcolor") or attributes.get("background"):
            return True
        if _COLOURED.search(attributes.get("style") or ""):
            return True
        around = around.parent
    return False


def _rules(tree: LexborHTMLParser) -> list[tuple[str, str]]:
    """Selectors and their styles, of the page's own style sheets."""
    sheet = _ONLY_SOMEWHERE.sub("", "\n".join(node.text() for node in tree.css("style")))
    rules = [(rule[1].strip(), rule[2]) for rule in _RULE.finditer(sheet)]
    return [rule for rule in rules if ":" not in rule[0]][:_MOST_RULES]


def _found(tree: LexborHTMLParser, selector: str) -> list[LexborNode]:
    try:
        return tree.css(selector)
    except ValueError:  # one the parser does not know
        return []
