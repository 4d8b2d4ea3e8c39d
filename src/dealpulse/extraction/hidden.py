"""Text that is in a file and that nobody who looks at it sees: a way to tell a machine what people do not read.

It stays in the page's text, where it can be found and cited; a warning on the page says that it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from dealpulse.extraction.pages import Draft

HIDDEN_TEXT = "Hidden text"
"""How every such warning begins."""

_FEWEST = 8
"""Visible characters; fewer are a mark, a space or a slip."""


def hidden_text_warnings(passages: Iterable[str]) -> tuple[str, ...]:
    """The warning for these hidden passages; () where they are next to nothing."""
    count = sum(len("".join(passage.split())) for passage in passages)
    return (f"{HIDDEN_TEXT}: {count:,} characters that nobody sees who looks at it.",) if count >= _FEWEST else ()


def marked(drafts: Sequence[Draft], passages: Sequence[str]) -> tuple[Draft, ...]:
    """The drafts, with a warning on each in which one of the passages stands."""
    wanted = [" ".join(passage.split()) for passage in passages if passage.strip()]
    if not wanted:
        return tuple(drafts)
    return tuple(_marked(draft, wanted) for draft in drafts)


def _marked(draft: Draft, wanted: Sequence[str]) -> Draft:
    text = " ".join(draft.text.split())
    return replace(draft, warnings=draft.warnings + hidden_text_warnings(each for each in wanted if each in text))
