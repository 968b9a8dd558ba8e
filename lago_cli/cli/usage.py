"""`lago usage`: aggregated usage, by customer or subscription, metric and period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli import usage_check, usage_explain
from lago_cli.cli.options import command
from lago_cli.cli.selection import SELECTION
from lago_cli.cli.session import Session
from lago_cli.cli.usage_words import prices_of, said_of, warn_of_unknown

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest

app = typer.Typer(rich_markup_mode=None)


WithAmounts = Annotated[
    bool,
    typer.Option("--amounts", help="Also what each row costs by the plans of its subscriptions."),
]


@command(app, "usage", given=SELECTION, is_default=True, may_watch=True)
def usage(session: Session, request: UsageRequest, amounts: WithAmounts = False) -> None:
    """
    Show usage by customer, metric and period.

    A subscription that is asked for has a row also where nothing happened.
    """
    from lago_cli.cli.reports import usage_report
    from lago_cli.services.usage import left_out, usage_for

    store, now = session.store(), session.now()
    rows = list(usage_for(store, request, now=now))
    warn_of_unknown(session, store, request, rows)
    footer = []
    if session.output == "table":
        footer = said_of(left_out(store, request, now=now))
    windowed = request.window is not None
    prices = prices_of(session, store, request, rows) if amounts else None
    report = usage_report(rows, request.group_by, prices, windowed=windowed, footer=footer)
    session.show(report)


usage_explain.register(app)
usage_check.register(app)
