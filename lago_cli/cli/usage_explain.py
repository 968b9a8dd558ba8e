"""`lago usage explain`: the figures, and the events behind each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lago_cli.cli.options import command
from lago_cli.cli.selection import SELECTION
from lago_cli.cli.session import Session

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest

Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=1,
        max=1_000_000_000,
        help="Show no more events of a figure. [default: 50 in the table, all elsewhere]",
    ),
]


Sort = Annotated[
    Literal["time", "value"] | None,
    typer.Option(
        "--sort",
        metavar="ORDER",
        help="Order of events: time, or value (what adds or takes away the most comes first)."
        " [default: time]",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    command(app, "explain", given=SELECTION)(explain)


def explain(
    session: Session, request: UsageRequest, limit: Limit = None, sort: Sort = None
) -> None:
    """
    Show the events behind every figure.

    What each adds, or why it does not count; together they make up the figure, to the
    last digit. Where no customer, subscription or metric is named, the table has one line a
    figure; --limit or --sort asks for the events all the same.
    """
    from lago_cli.reports import usage_explained

    store, now = session.store(), session.now()
    if session.output == "table":
        raw = session.terminal(sys.stdout).raw
        report = usage_explained.explained_tables(
            store, request, session, now=now, limit=limit, sort=sort, raw=raw
        )
        session.show(report)
        return
    report, say_left_out = usage_explained.explained_lines(
        store, request, session, now=now, limit=limit, sort=sort
    )
    session.show(report)
    say_left_out()
