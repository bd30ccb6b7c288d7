"""A self-contained HTML page of results, which makes no network requests."""

import base64
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from theta0 import files
from theta0.report import series, svg
from theta0.report.tables import MISSING, Table

__all__ = ["Code", "Curves", "Facts", "Image", "Part", "Section", "page", "write"]


@dataclass(frozen=True)
class Image:
    """A PNG picture with its caption and alternative text."""

    png: bytes
    caption: str
    alt: str


@dataclass(frozen=True)
class Curves:
    """PSNR against steps, drawn from rows as in `series`, with a caption."""

    rows: Sequence[series.Row]
    caption: str


@dataclass(frozen=True)
class Facts:
    """Names and values: command, version, commit, seeds, n, steps, wall time, machine."""

    items: Mapping[str, Any]


@dataclass(frozen=True)
class Code:
    """Verbatim text, such as a command."""

    text: str


Part = str | Table | Image | Curves | Facts | Code


@dataclass(frozen=True)
class Section:
    """A heading and its contents; a string is text with paragraphs separated by blank lines."""

    heading: str
    parts: Sequence[Part]


_STYLE = """
:root { color-scheme: light dark; --ink: #202124; --paper: #fff; --faint: #6b7075;
  --rule: #e3e5e8; --shade: #f5f6f7; --link: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #17191c; --faint: #a2a8ae;
  --rule: #34383d; --shade: #212429; --link: #6cb8ea; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem 1rem 4rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 0.5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.5rem; padding-top: 1rem;
  border-top: 1px solid var(--rule); }
p { max-width: 44rem; margin: 0.6rem 0; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; }
a { color: var(--link); }
.table, .scroll { overflow-x: auto; margin: 1rem 0 0.4rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.92rem; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.4rem; }
th, td { padding: 0.3rem 0.55rem; text-align: left; white-space: nowrap; }
thead th { border-bottom: 2px solid var(--faint); }
tbody td { border-bottom: 1px solid var(--rule); }
.number { text-align: right; }
.note, figcaption { color: var(--faint); font-size: 0.9rem; max-width: 44rem; }
figure { margin: 1.2rem 0; }
img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.2rem; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
pre { background: var(--shade); padding: 0.7rem 1rem; border-radius: 6px; overflow-x: auto; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9rem; }
@media (max-width: 40rem) { img { min-width: min(34rem, var(--natural)); max-width: none; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 0.5rem; } }
@media print { :root { --ink: #000; --paper: #fff; --faint: #444; --rule: #ccc; --shade: #f5f5f5; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav, .readout { display: none; }
  .table, .scroll { overflow: visible; } table { font-size: 8pt; } th, td { padding: 2pt 4pt; }
  img { min-width: 0; max-width: 100%; }
  figure, table, svg, dl { break-inside: avoid; } h2 { break-after: avoid; } }
"""

# Blocks all requests, even accidental ones; style and script of the page are inline.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
{intro}</header>
<main>
{bodies}
</main>
{script}</body>
</html>
"""


def page(title: str, intro: str, sections: Sequence[Section]) -> str:
    """Returns a complete HTML page, with pictures, style and script inline.

    All text is escaped. The page follows the reader's light or dark scheme, scrolls wide tables
    and pictures on small screens, and has a style for print.

    Args:
        title: The heading.
        intro: Text below it, with paragraphs separated by blank lines.
        sections: The rest of the page, in order.

    Returns:
        The page's source.

    Raises:
        TypeError: A part has a type that is not in `Part`.
    """
    links = "".join(
        f'<li><a href="#s{i}">{escape(section.heading)}</a></li>'
        for i, section in enumerate(sections, start=1)
    )
    bodies = "\n".join(
        f'<section id="s{i}">\n<h2>{escape(section.heading)}</h2>\n'
        + "".join(_part(part) for part in section.parts)
        + "</section>"
        for i, section in enumerate(sections, start=1)
    )
    contents = f"<nav><ul>{links}</ul></nav>\n" if len(sections) > 1 else ""
    scripted = any(isinstance(part, Curves) for section in sections for part in section.parts)
    script = f"<script>{svg.SCRIPT}</script>\n" if scripted else ""
    return _PAGE.format(
        policy=_POLICY,
        title=escape(title),
        style=_STYLE + svg.STYLE,
        intro=_paragraphs(intro) + contents,
        bodies=bodies,
        script=script,
    )


def write(path: str | os.PathLike[str], text: str) -> Path:
    """Writes a page atomically; see `files.write_text`."""
    return files.write_text(path, text)


def _part(part: Part) -> str:
    """Returns one part as HTML."""
    if isinstance(part, str):
        return _paragraphs(part)
    if isinstance(part, Table):
        return part.to_html()
    if isinstance(part, Image):
        return _image(part)
    if isinstance(part, Curves):
        return _figure(svg.curves_svg(part.rows), part.caption)
    if isinstance(part, Facts):
        return _facts(part)
    if isinstance(part, Code):
        return f"<pre><code>{escape(part.text)}</code></pre>\n"
    raise TypeError(f"a part must be one of {Part}; got {type(part).__name__}")


def _paragraphs(text: str) -> str:
    """Returns text as paragraphs."""
    blocks = [" ".join(block.split()) for block in text.split("\n\n")]
    return "".join(f"<p>{escape(block)}</p>\n" for block in blocks if block)


def _image(image: Image) -> str:
    """Returns a figure with the picture as a data URI, and its size as attributes."""
    if image.png[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(f"png is not a PNG file; it starts with {image.png[:8]!r}")
    width, height = struct.unpack(">II", image.png[16:24])
    data = base64.b64encode(image.png).decode()
    element = (
        f'<img src="data:image/png;base64,{data}" alt="{escape(image.alt)}" '
        f'width="{width}" height="{height}" style="--natural: {width}px">'
    )
    return _figure(f'<div class="scroll">{element}</div>', image.caption)


def _figure(content: str, caption: str) -> str:
    """Returns a figure with a caption below its content."""
    return f"<figure>\n{content}\n<figcaption>{escape(caption)}</figcaption>\n</figure>\n"


def _facts(facts: Facts) -> str:
    """Returns names and values as a description list, with commands and commits as code."""
    rows = []
    for name, value in facts.items.items():
        text = escape(MISSING if value is None else str(value))
        body = f"<code>{text}</code>" if name.lower() in ("command", "commit") else text
        rows.append(f"<dt>{escape(name)}</dt><dd>{body}</dd>\n")
    return f"<dl>\n{''.join(rows)}</dl>\n"
