"""
Reports on their way to a stream, one module per format.

`render(report, output, stream, terminal)` is all a front end calls. A format is a
module with `render(report, stream, terminal)` and a row in `RENDERERS`; it is
imported when it is first asked for, so that JSON never waits for the table's needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from lago_cli.renderers.report import Column, RawJson, Report, Terminal, terminal_for

if TYPE_CHECKING:
    from typing import TextIO

__all__ = [
    "OUTPUTS",
    "RENDERERS",
    "Column",
    "RawJson",
    "Report",
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


class Renderer(Protocol):
    """What a format's module offers."""

    def render(self, report: Report, stream: TextIO, terminal: Terminal, /) -> None: ...


def render(report: Report, output: str, stream: TextIO, terminal: Terminal) -> None:
    """
    Write `report` to `stream` in the format `output`, one of `OUTPUTS`.

    Rows are written as they come; only the table holds some of them back to
    measure its columns. A broken pipe is left to the caller.
    """
    cast("Renderer", import_module(RENDERERS[output])).render(report, stream, terminal)
