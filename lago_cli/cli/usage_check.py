"""`lago usage check`: whether usage is what it is expected to be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.selection import SELECTION
from lago_cli.cli.session import Session
from lago_cli.cli.usage_words import prices_of, warn_of_unknown
from lago_cli.errors import Kind, LagoError

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest

Expect = Annotated[
    str,
    typer.Option(
        "--expect",
        metavar="FILE",
        help="CSV with units or amount_cents and what tells figures apart, as lago usage -o csv"
        " writes it.",
    ),
]
ToleranceText = Annotated[
    str,
    typer.Option(
        "--tolerance",
        metavar="N|N%",
        help="How far off a figure may be: in units or cents, or in percent.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    command(app, "check", given=SELECTION)(check)


def check(
    session: Session, request: UsageRequest, expect: Expect, tolerance: ToleranceText = "0"
) -> None:
    """Compare usage with a file of expected figures. Exit code 9 where they differ."""
    from dataclasses import replace

    from lago_cli.cli.reconcile_reports import differences_report
    from lago_cli.readers.whole import read_table, read_whole
    from lago_cli.services import reconcile
    from lago_cli.services.usage import usage_for

    allowed = reconcile.parse_tolerance(tolerance)
    name, data = read_whole(expect, sys.stdin.buffer)
    expectations = reconcile.parse_expectations(name, *read_table(name, data))
    if expectations.ignored:
        session.warn(f"{name}: not compared: {', '.join(expectations.ignored)}.")
    if request.by is None and expectations.is_by_subscription:
        request = replace(request, by="subscription")
    store = session.store()
    rows = list(usage_for(store, request, now=session.now()))
    warn_of_unknown(session, store, request, rows)
    prices = prices_of(session, store, request, rows) if expectations.has_amounts else []
    found = reconcile.differences(name, expectations, rows, request.group_by, allowed, prices)
    session.show(differences_report(found, expectations))
    if found:
        figures = "1 figure differs" if len(found) == 1 else f"{len(found)} figures differ"
        raise LagoError(
            Kind.CHECK_FAILED,
            "usage_differs",
            f"{figures} from {name}.",
            "See the events behind them: lago usage explain",
        )
