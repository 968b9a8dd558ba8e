"""`lago metrics`: what is measured."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lago_cli.cli.definitions import add_create, add_delete, add_get, add_list, add_update
from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.domain.metrics import METRIC

app = typer.Typer(rich_markup_mode=None)

Expression = Annotated[
    str, typer.Option("--expression", metavar="EXPRESSION", help="The expression to try.")
]
Event = Annotated[
    str, typer.Option("--event", metavar="JSON|@FILE|-", help="The event to try it on.")
]

add_create(
    app,
    METRIC,
    "Define a metric. Events of its code that are already stored count at once.",
)
add_list(
    app,
    METRIC,
    "List all metrics.",
    empty="No metrics yet. Define one with: lago metrics create",
)
add_get(app, METRIC)
add_update(
    app,
    METRIC,
    "Change what is given; an empty text takes a value away. All its events are read anew.",
)
add_delete(
    app,
    METRIC,
    "Delete a metric. Its events stay, and count again under a new one of its code.",
)


@command(app, "evaluate")
def evaluate_(session: Session, expression: Expression, event: Event) -> None:
    """Show the value that an expression has for an event."""
    from lago_cli.domain.numbers import as_plain
    from lago_cli.renderers import Column, Report
    from lago_cli.services.evaluate import evaluate

    value = evaluate(expression, _event(event), now=session.now())
    shown = value if isinstance(value, str) else as_plain(value)
    session.show(Report(None, [Column("value")], [{"value": shown}], single=True))


def _event(argument: str) -> str | bytes:
    if argument != "-" and not argument.startswith("@"):
        return argument
    from lago_cli.readers.whole import read_whole

    return read_whole(argument.removeprefix("@"), sys.stdin.buffer)[1]
