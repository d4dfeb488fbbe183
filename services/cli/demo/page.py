"""The demo's page: one file with every picture inside it, to open anywhere or send to anyone."""

import base64
import json
import mimetypes
from html import escape
from pathlib import Path

from services.cli.demo.records import Section, Story, Tile, Timing

STYLE = """
:root { color-scheme: light dark; --ink: #22201c; --quiet: #6d675d; --paper: #faf8f4; --line: #d8d2c6 }
@media (prefers-color-scheme: dark) { :root { --ink: #eee9df; --quiet: #a69f92; --paper: #1c1a17; --line: #423d35 } }
body { font: 16px/1.5 system-ui, "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", sans-serif;
  color: var(--ink); background: var(--paper); margin: 2rem auto; max-width: 76rem; padding: 0 1rem }
h1 { font-size: 1.8rem; margin: 0 } h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem }
p, figcaption, td, th { color: var(--quiet) } p { margin: .25rem 0 .75rem; max-width: 60rem }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem }
figure { margin: 0 } figcaption { font-size: .85rem; margin-top: .25rem }
img { width: 100%; border: 1px solid var(--line); border-radius: 4px; background: #fff }
details { font-size: .75rem; color: var(--quiet) } pre { white-space: pre-wrap; word-break: break-word; margin: 0 }
table { border-collapse: collapse } td, th { text-align: left; padding: .2rem 1.5rem .2rem 0;
  border-bottom: 1px solid var(--line) } td.number { text-align: right; font-variant-numeric: tabular-nums }
"""


def build_page(title: str, story: Story) -> str:
    """The whole page as HTML."""
    sections = "".join(_section(section) for section in story.sections)
    facts = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in story.facts.items())
    timings = "".join(_timing(timing) for timing in story.timings)
    failed = f"<p><strong>Not finished:</strong> {escape(story.failed)}</p>" if story.failed else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1><p>Everything below was made through the public API of a mesh on one machine.</p>"
        f"{failed}{sections}<h2>Timings</h2><table><tr><th>Step</th><th>Seconds</th><th>Result</th></tr>{timings}"
        f"<tr><th>Together</th><td class=number>{story.seconds():.1f}</td><td></td></tr></table>"
        f"<h2>Where</h2><table>{facts}</table></body></html>"
    )


def _section(section: Section) -> str:
    note = f"<p>{escape(section.note)}</p>" if section.note else ""
    tiles = "".join(_figure(tile) for tile in section.tiles)
    return f"<h2>{escape(section.title)}</h2>{note}<div class=row>{tiles}</div>"


def _figure(tile: Tile) -> str:
    settings = json.dumps(dict(tile.settings), ensure_ascii=False, indent=1)
    details = f"<details><summary>settings</summary><pre>{escape(settings)}</pre></details>" if tile.settings else ""
    caption = escape(tile.caption)
    image = f'<img alt="{caption}" src="{_data_uri(tile.path)}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption>{details}</figure>"


def _timing(timing: Timing) -> str:
    again = f" (run again: {timing.retries})" if timing.retries else ""
    return (
        f"<tr><td>{escape(timing.step)}</td><td class=number>{timing.seconds:.1f}</td>"
        f"<td>{escape(timing.result)}{again}</td></tr>"
    )


def _data_uri(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
