"""Pictures of pages: PNG, JPEG, TIFF with one or many pages. All text is by OCR."""

from __future__ import annotations

import warnings

from PIL import Image, ImageSequence, UnidentifiedImageError

from dealpulse.errors import Unreadable
from dealpulse.extraction.ocr import Ocr
from dealpulse.extraction.pages import Draft, Reading, too_many_pages
from dealpulse.extraction.registry import Source

_MOST_PIXELS = 200_000_000
"""Uncompressed in grey that is a fifth of the child's memory; larger pictures are no page scans."""


def read(source: Source) -> Reading:
    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS // 2  # Pillow refuses above twice this
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Reading(pages=tuple(_frames(source)))
    except Image.DecompressionBombError as error:
        raise Unreadable(
            "The picture has too many pixels to be a scanned page; scan it again with a lower resolution.", code="bomb"
        ) from error
    except (UnidentifiedImageError, SyntaxError, EOFError, OSError) as error:
        raise Unreadable("The picture is cut off or damaged; ask for it again.", code="truncated") from error


def _frames(source: Source) -> list[Draft]:
    drafts = []
    with Image.open(source.path) as picture, Ocr(source.limits.ocr_language) as ocr:
        if getattr(picture, "n_frames", 1) > source.limits.max_pages:
            raise too_many_pages(source.limits.max_pages)
        for frame in ImageSequence.Iterator(picture):
            drafts.append(ocr.read(frame).draft())
    return drafts
