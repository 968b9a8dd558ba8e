"""`lago usage explain`: the events behind every figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.selection import SELECTION
from lago_cli.cli.session import Session
from lago_cli.cli.usage_words import warn_of_unknown

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest

MOST_IN_TABLE = 50

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


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    command(app, "explain", given=SELECTION)(explain)


def explain(session: Session, request: UsageRequest, limit: Limit = None) -> None:
    """
    Show the events behind every figure.

    What each adds, or why it does not count; together they make up the figure, to the
    last digit.
    """
    from lago_cli.cli.explain_reports import explanation_report, explanation_tables
    from lago_cli.services.explain import explain as figures_of

    store = session.store()
    figures = figures_of(store, request, now=session.now())
    warn_of_unknown(session, store, request)
    if session.output == "table":
        session.show(explanation_tables(figures, limit=limit or MOST_IN_TABLE))
    else:
        session.show(explanation_report(figures, limit=limit))
