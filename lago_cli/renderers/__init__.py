"""
Reports on their way to a stream, one module per format.

`render(report, output, stream, terminal)` is all a front end calls. A format is a
module with `render(report, stream, terminal)` and a row in `RENDERERS`; it is
imported when it is first asked for, so that JSON never waits for the table's needs.
Pages of statements, which are read and sent, have their own in `PAGE_RENDERERS`, and
charts have theirs in `CHART_RENDERERS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from lago_cli.renderers.chart import Charts
from lago_cli.renderers.report import (
    Column,
    RawJson,
    Report,
    Span,
    Terminal,
    TooLong,
    terminal_for,
)
from lago_cli.renderers.statement import Pages

if TYPE_CHECKING:
    from typing import TextIO

__all__ = [
    "CHART_OUTPUTS",
    "CHART_RENDERERS",
    "FLAT_OUTPUTS",
    "OBJECT_OUTPUTS",
    "OUTPUTS",
    "PAGE_OUTPUTS",
    "PAGE_RENDERERS",
    "RENDERERS",
    "Answer",
    "Charts",
    "Column",
    "Pages",
    "RawJson",
    "Report",
    "Span",
    "Terminal",
    "TooLong",
    "render",
    "terminal_for",
]

RENDERERS = {
    "table": "lago_cli.renderers.table",
    "json": "lago_cli.renderers.json",
    "ndjson": "lago_cli.renderers.ndjson",
    "yaml": "lago_cli.renderers.yaml",
    "csv": "lago_cli.renderers.csv",
    "xlsx": "lago_cli.renderers.xlsx",
    "markdown": "lago_cli.renderers.markdown",
}
OUTPUTS = tuple(RENDERERS)
OBJECT_OUTPUTS = ("json", "ndjson", "yaml")  # a cell may hold objects
FLAT_OUTPUTS = ("csv", "xlsx")  # whatever there are several of has rows of its own
PAGE_RENDERERS = {
    "table": "lago_cli.renderers.page_table",
    "markdown": "lago_cli.renderers.page_markdown",
    "html": "lago_cli.renderers.page_html",
}
PAGE_OUTPUTS = tuple(PAGE_RENDERERS)
CHART_RENDERERS = {
    "table": "lago_cli.renderers.chart_text",
    "svg": "lago_cli.renderers.chart_svg",
}
CHART_OUTPUTS = tuple(CHART_RENDERERS)


Answer: TypeAlias = Report | Pages | Charts


class Renderer(Protocol):
    """What a format's module offers."""

    def render(self, answer: Answer, stream: TextIO, terminal: Terminal, /) -> None: ...


def render(answer: Answer, output: str, stream: TextIO, terminal: Terminal) -> None:
    """
    Write `answer` to `stream` in the format `output`, one of those that its kind has.

    Rows are written as they come; only the table and Markdown hold some of them back, to
    see their columns, and a workbook all, in a file. A broken pipe is left to the caller.

    Raises:
        TooLong: more rows than the format can hold.
    """
    modules = RENDERERS
    if isinstance(answer, Pages):
        modules = PAGE_RENDERERS
    elif isinstance(answer, Charts):
        modules = CHART_RENDERERS
    cast("Renderer", import_module(modules[output])).render(answer, stream, terminal)
