"""Which text of a Word document nobody sees who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docx.oxml.ns import qn

_RUN, _TEXT, _PROPERTIES = qn("w:r"), qn("w:t"), qn("w:rPr")
_VANISH, _COLOR, _SIZE, _SHADING, _HIGHLIGHT = (
    qn(f"w:{name}") for name in ("vanish", "color", "sz", "shd", "highlight")
)
_VALUE, _FILL, _STYLE, _STYLE_ID = qn("w:val"), qn("w:fill"), qn("w:style"), qn("w:styleId")
_RUN_STYLE, _PARAGRAPH_STYLE, _TABLE_STYLE = (qn(f"w:{name}") for name in ("rStyle", "pStyle", "tblStyle"))
_OFF = frozenset({"0", "false", "off"})
_TINY_HALF_POINTS = 4

Element = Any  # lxml has no types


def hidden_runs(body: Element, styles: Element) -> Iterator[str]:
    """Text marked as hidden, itself or by its style; white text on nothing dark; text of two points or less."""
    hiding = {style.get(_STYLE_ID) for style in styles.iter(_STYLE) if _is_on(style.find(f"{_PROPERTIES}/{_VANISH}"))}
    passage: list[str] = []
    for run in body.iter(_RUN):
        if _is_hidden(run, hiding):
            passage.append("".join(text.text or "" for text in run.iter(_TEXT)))
        elif passage:
            yield "".join(passage)
            passage = []
    if passage:
        yield "".join(passage)


def _is_on(switch: Element) -> bool:
    return switch is not None and switch.get(_VALUE, "1") not in _OFF


def _is_hidden(run: Element, hiding: set[str]) -> bool:
    of_paragraph = _style(run.getparent(), f"{qn('w:pPr')}/{_PARAGRAPH_STYLE}") in hiding
    properties = run.find(_PROPERTIES)
    if properties is None:
        return of_paragraph
    vanish = properties.find(_VANISH)
    if vanish is not None:
        return _is_on(vanish)
    if of_paragraph or _style(properties, _RUN_STYLE) in hiding:
        return True
    size = _style(properties, _SIZE) or ""
    if size.isdigit() and int(size) <= _TINY_HALF_POINTS:
        return True
    return (_style(properties, _COLOR) or "").upper() == "FFFFFF" and not _lies_on_colour(run, properties)


def _style(element: Element, path: str) -> str | None:
    found = element.find(path)
    return None if found is None else found.get(_VALUE)


def _lies_on_colour(run: Element, properties: Element) -> bool:
    """Shaded itself, in its paragraph or cell, in a shape, or in a table whose style may shade it."""
    if properties.find(_HIGHLIGHT) is not None or _is_shaded(properties):
        return True
    for around in run.iterancestors():
        name = around.tag.rpartition("}")[2]
        if name == "txbxContent" or (name == "tbl" and around.find(f"{qn('w:tblPr')}/{_TABLE_STYLE}") is not None):
            return True
        if any(_is_shaded(each) for each in around if each.tag.endswith("Pr")):
            return True
    return False


def _is_shaded(properties: Element) -> bool:
    shading = properties.find(_SHADING)
    return shading is not None and shading.get(_FILL, "auto").upper() not in ("AUTO", "FFFFFF")
