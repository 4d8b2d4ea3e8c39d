"""Presentations: one page a slide, with its tables, its groups and the speaker's notes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator

import pptx
from pptx.exc import PackageNotFoundError
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape
from pptx.slide import Slide

from dealpulse.errors import Unreadable
from dealpulse.extraction.pages import Draft, Reading, table_text
from dealpulse.extraction.registry import Source
from dealpulse.models import PageKind


def read(source: Source) -> Reading:
    try:
        presentation = pptx.Presentation(str(source.path))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError) as error:
        raise Unreadable("The presentation is damaged; save it again and resend it.", code="corrupt") from error
    return Reading(pages=tuple(map(_slide, presentation.slides)))


def _slide(slide: Slide) -> Draft:
    parts = list(_texts(slide.shapes))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        if notes:
            parts.append(f"Notes:\n{notes}")
    title = slide.shapes.title
    hidden = slide.element.get("show") == "0"
    return Draft(
        text="\n\n".join(parts),
        kind=PageKind.slide,
        label=title.text_frame.text if title is not None else None,
        warnings=("The slide is hidden.",) if hidden else (),
    )


def _texts(shapes: Iterable[BaseShape]) -> Iterator[str]:
    for shape in shapes:
        if isinstance(shape, GroupShape):
            yield from _texts(shape.shapes)
        elif isinstance(shape, GraphicFrame) and shape.has_table:
            yield table_text([cell.text for cell in row.cells] for row in shape.table.rows)
        elif isinstance(shape, Shape):
            text = shape.text_frame.text.strip()
            if text:
                yield text
