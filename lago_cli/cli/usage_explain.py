"""`lago usage explain`: the figures, and the events behind each."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lago_cli.cli.options import command
from lago_cli.cli.selection import SELECTION
from lago_cli.cli.session import Session
from lago_cli.cli.usage_words import said_of, warn_of_unknown

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest
    from lago_cli.stores.base import UsageStore

MOST_IN_TABLE = 50
MOST_MONTHS = 6

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
    from lago_cli.cli import explain_tables as tables
    from lago_cli.cli.explain_reports import explanation_report
    from lago_cli.services.excerpts import summaries
    from lago_cli.services.explain import explain as figures_of
    from lago_cli.services.usage import LeftOut, left_out

    store = session.store()
    figures = figures_of(store, request, now=session.now())
    warn_of_unknown(session, store, request)
    is_named = bool(request.customers or request.subscriptions or request.metrics)
    order = sort or "time"
    if session.output != "table":
        left = [0]
        session.show(explanation_report(figures, limit=limit, sort=order, left=left))
        if left[0]:
            events = "event" if left == [1] else "events"
            session.note(f"--limit {limit} leaves out {left[0]:,} {events}.")
        return
    if is_named or limit is not None or sort is not None:
        raw = session.terminal(sys.stdout).raw
        report = tables.explanation_tables(
            figures, request, limit=limit or MOST_IN_TABLE, sort=order, raw=raw
        )
    else:
        unmatched = left_out(store, request, now=session.now()).unmatched
        footer = said_of(LeftOut(unmatched, Counter(), Counter()))  # the lines say the others
        report = tables.summary_report(summaries(figures), request.group_by, footer)
    if report is None:
        report = tables.nothing(_nothing(store, request, session.now()))
    session.show(report)


def _nothing(store: UsageStore, request: UsageRequest, now: int) -> str:
    """Where nothing is found: when there would be something."""
    from lago_cli.services.excerpts import months_with_events

    months = months_with_events(store, request, now=now)
    if not months:
        return "No events in this period, and none that counts in any other. See: lago events list"
    newest = months[-MOST_MONTHS:]
    named = ", ".join(newest if newest == months else ["…", *newest])
    return f"No events in this period. There are some in {named}: --period {months[-1]}"
