"""
Reports on their way to a stream, one module per format.

`render(report, output, stream, terminal)` is all a front end calls. A format is a
module with `render(report, stream, terminal)` and a row in `RENDERERS`; it is
imported when it is first asked for, so that JSON never waits for the table's needs.
Pages of statements, which are read and sent, have their own in `PAGE_RENDERERS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from lago_cli.renderers.report import Column, RawJson, Report, Span, Terminal, terminal_for
from lago_cli.renderers.statement import Pages

if TYPE_CHECKING:
    from typing import TextIO

__all__ = [
    "OUTPUTS",
    "PAGE_OUTPUTS",
    "PAGE_RENDERERS",
    "RENDERERS",
    "Column",
    "Pages",
    "RawJson",
    "Report",
    "Span",
    "Terminal",
    "render",
    "terminal_for",
]

RENDERERS = {
    "table": "lago_cli.renderers.table",
    "json": "lago_cli.renderers.json",
    "ndjson": "lago_cli.renderers.ndjson",
    "csv": "lago_cli.renderers.csv",
    "markdown": "lago_cli.renderers.markdown",
}
OUTPUTS = tuple(RENDERERS)
PAGE_RENDERERS = {
    "table": "lago_cli.renderers.page_table",
    "markdown": "lago_cli.renderers.page_markdown",
    "html": "lago_cli.renderers.page_html",
}
PAGE_OUTPUTS = tuple(PAGE_RENDERERS)


class Renderer(Protocol):
    """What a format's module offers."""

    def render(self, report: Report | Pages, stream: TextIO, terminal: Terminal, /) -> None: ...


def render(report: Report | Pages, output: str, stream: TextIO, terminal: Terminal) -> None:
    """
    Write `report` to `stream` in the format `output`, one of `OUTPUTS` or `PAGE_OUTPUTS`.

    Rows are written as they come; only the table holds some of them back to
    measure its columns. A broken pipe is left to the caller.
    """
    modules = PAGE_RENDERERS if isinstance(report, Pages) else RENDERERS
    cast("Renderer", import_module(modules[output])).render(report, stream, terminal)
