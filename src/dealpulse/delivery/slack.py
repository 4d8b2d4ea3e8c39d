"""The form Slack's incoming webhooks take, which Mattermost, Rocket.Chat and others take too."""

from __future__ import annotations

import msgspec


def slack_body(heading: str, text: str, *, link: str = "") -> bytes:
    """The JSON that is posted. ``link`` is an address of ours; the rest may be any text."""
    lines = [f"*{_plain(heading)}*", _plain(text), *([f"<{link}>"] if link else [])]
    return msgspec.json.encode({"text": "\n".join(lines)})


def _plain(text: str) -> str:
    """Text that calls nobody by ``<!channel>`` and makes no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
