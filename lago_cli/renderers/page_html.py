"""
Statements as one HTML document that needs nothing else: no script, no font, no picture.

Printed, each statement begins on a page of its own.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from lago_cli.renderers.escapes import visible, writer_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from lago_cli.renderers.report import Terminal
    from lago_cli.renderers.statement import Item, Pages, Statement

_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
@page {{ margin: 20mm 18mm; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: #f3f3f1; color: #1c1c1a;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }}
article {{ max-width: 46rem; margin: 2rem auto; padding: 3rem; background: #fff;
  border: 1px solid #dededa; border-radius: 4px; }}
h1 {{ margin: 0 0 1.5rem; font-size: 1.6rem; font-weight: 600; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem;
  margin: 0 0 2rem; }}
dt {{ color: #63635e; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
table {{ width: 100%; border-collapse: collapse; }}
th, td {{ padding: .55rem 0 .55rem 1.25rem; text-align: right; vertical-align: top;
  font-weight: inherit; }}
th:first-child, td:first-child {{ padding-left: 0; text-align: left; overflow-wrap: anywhere; }}
td {{ white-space: nowrap; font-variant-numeric: tabular-nums; }}
thead th {{ border-bottom: 1px solid #1c1c1a; color: #63635e; font-size: .85rem; }}
tbody tr {{ border-bottom: 1px solid #e7e7e3; break-inside: avoid; }}
tbody ul {{ margin: .15rem 0 0; padding: 0; list-style: none; color: #63635e; font-size: .85rem; }}
tfoot {{ display: table-row-group; break-inside: avoid; }}
tfoot tr:first-child > * {{ padding-top: 1rem; }}
tfoot tr > * {{ padding-top: .2rem; padding-bottom: .2rem; }}
tfoot .total > * {{ padding-top: .6rem; font-size: 1.2rem; font-weight: 600; }}
.footer {{ margin: 2rem 0 0; color: #63635e; font-size: .85rem; }}
@media (max-width: 40rem) {{
  article {{ margin: 0; padding: 1.25rem; border: 0; border-radius: 0; }}
  th, td {{ padding-left: .75rem; }}
  .price {{ display: none; }}
}}
@media print {{
  body {{ background: none; font-size: 10pt; }}
  article {{ max-width: none; margin: 0; padding: 0; border: 0; }}
  article + article {{ break-before: page; }}
}}
</style>
</head>
<body>
"""
_TAIL = "</body>\n</html>\n"


def render(pages: Pages, stream: TextIO, _: Terminal) -> None:
    write = writer_for(stream, lambda text: text.encode("ascii", "xmlcharrefreplace").decode())
    write(_HEAD.format(title=_title(pages)))
    if not pages.statements:
        write(f"<article>\n<p>{_shown(pages.empty)}</p>\n</article>\n")
    for statement in pages.statements:
        for line in _lines(statement):
            write(line + "\n")
    write(_TAIL)


def _title(pages: Pages) -> str:
    """With the facts of a single one: it becomes the name of the file when it is saved."""
    if len(pages.statements) != 1:
        return "Invoice previews"
    (statement,) = pages.statements
    return _shown(" · ".join([statement.title, *(value for _, value in statement.facts)]))


def _shown(text: str) -> str:
    return escape(visible(text))


def _lines(statement: Statement) -> Iterator[str]:
    yield "<article>"
    yield f"<h1>{_shown(statement.title)}</h1>"
    yield "<dl>"
    for key, value in statement.facts:
        yield f"<dt>{_shown(key)}</dt><dd>{_shown(value)}</dd>"
    yield "</dl>"
    yield "<table>"
    yield (
        '<thead><tr><th scope="col">Item</th><th scope="col">Units</th>'
        '<th scope="col" class="price">Unit price</th><th scope="col">Amount</th></tr></thead>'
    )
    yield "<tbody>"
    for item in statement.items:
        yield _row(item)
    yield "</tbody>"
    yield "<tfoot>"
    for each in statement.sums:
        mark = ' class="total"' if each.is_total else ""
        yield (
            f'<tr{mark}><th scope="row">{_shown(each.text)}</th><td></td><td class="price"></td>'
            f"<td>{_shown(each.amount)}</td></tr>"
        )
    yield "</tfoot>"
    yield "</table>"
    for sentence in statement.footer:
        yield f'<p class="footer">{_shown(sentence)}</p>'
    yield "</article>"


def _row(item: Item) -> str:
    notes = "".join(f"<li>{_shown(note)}</li>" for note in item.notes)
    told = f"<ul>{notes}</ul>" if notes else ""
    return (
        f'<tr><th scope="row">{_shown(item.text)}{told}</th><td>{_shown(item.units)}</td>'
        f'<td class="price">{_shown(item.price)}</td><td>{_shown(item.amount)}</td></tr>'
    )
