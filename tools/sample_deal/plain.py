"""Texts as RTF, HTML and plain text."""

from __future__ import annotations

import textwrap
from html import escape

from .markup import Block, Kind, Text


def rtf(text: Text) -> bytes:
    """The text as RTF 1.x, ASCII only: other characters as `\\uN?`."""
    header = rf"{{\header\pard\qr\fs16 {_rtf_escape(text.header)}\par}}"
    footer = rf"{{\footer\pard\qc\fs16 {_rtf_escape(text.footer)}\par}}"
    body = "\n".join(_rtf_block(block) for block in text.blocks)
    start = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\froman Times New Roman;}}\fs22"
    return f"{start}\n{header}\n{footer}\n{body}\n}}\n".encode("ascii")


def _rtf_block(block: Block) -> str:
    if block.kind is Kind.PAGE_BREAK:
        return r"\page"
    if block.kind is Kind.TABLE:
        return "\n".join(_rtf_row(row) for row in block.rows) + r"\pard\par"
    if block.kind is Kind.SIGNATURES:
        lines = (f"{party}\n\nBy: /s/ {name}\nName: {name}\nTitle: {title}" for party, name, title in block.rows)
        return "\n".join(rf"\pard\sa240 {_rtf_escape(line)}\par" for line in lines)
    look = {Kind.HEADING: r"\qc\b\fs28", Kind.SUBHEADING: r"\sb160\b", Kind.CENTRED: r"\qc\b"}
    return "\n".join(rf"{{\pard\sa120{look.get(block.kind, '')} {_rtf_escape(line)}\par}}" for line in block.lines)


def _rtf_row(row: tuple[str, ...]) -> str:
    edges = "".join(rf"\cellx{(index + 1) * 3000}" for index in range(len(row)))
    cells = "".join(rf"\pard\intbl {_rtf_escape(cell)}\cell" for cell in row)
    return rf"\trowd\trgaph100{edges}{cells}\row"


def _rtf_escape(value: str) -> str:
    escaped = value.replace("\\", r"\\").replace("{", r"\{").replace("}", r"\}").replace("\n", r"\line ")
    return "".join(char if ord(char) < 128 else rf"\u{ord(char)}?" for char in escaped)


def html(text: Text) -> bytes:
    """The text as one self-contained page."""
    body = "\n".join(_html_block(block) for block in text.blocks)
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(text.title)}</title>
<style>
body {{ font-family: sans-serif; max-width: 48em; margin: 2em auto; line-height: 1.45 }}
table {{ border-collapse: collapse }}
td, th {{ border: 1px solid #bbb; padding: .3em .7em; text-align: left }}
footer {{ color: #666; font-size: .85em; margin-top: 3em }}
</style>
</head>
<body>
<header>{escape(text.header)}</header>
{body}
<footer>{escape(text.footer)}</footer>
</body>
</html>
"""
    return page.encode("utf-8")


def _html_block(block: Block) -> str:
    if block.kind is Kind.TABLE:
        rows = [_html_row(row, "th" if index == 0 else "td") for index, row in enumerate(block.rows)]
        return "<table>\n" + "\n".join(rows) + "\n</table>"
    if block.kind is Kind.BULLETS:
        return "<ul>\n" + "\n".join(f"<li>{escape(line)}</li>" for line in block.lines) + "\n</ul>"
    tag = {Kind.HEADING: "h1", Kind.SUBHEADING: "h2"}.get(block.kind, "p")
    return f"<{tag}>{'<br>'.join(escape(line) for line in block.lines)}</{tag}>"


def _html_row(row: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"


def plain(text: Text) -> bytes:
    """The text as UTF-8 wrapped at 78 columns."""
    parts = [text.header, *(_plain_block(block) for block in text.blocks), f"-- {text.footer}"]
    return ("\n\n".join(parts) + "\n").encode("utf-8")


def _plain_block(block: Block) -> str:
    if block.kind is Kind.BULLETS:
        return "\n".join(textwrap.fill(f"* {line}", 78, subsequent_indent="  ") for line in block.lines)
    return "\n".join(textwrap.fill(line, 78, break_on_hyphens=False) for line in block.lines)
