"""`lago usage`: aggregated usage, by customer or subscription, metric and period."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.selection import SELECTION
from lago_cli.cli.session import Session
from lago_cli.errors import Kind, LagoError

if TYPE_CHECKING:
    from lago_cli.services.amounts import Amount
    from lago_cli.services.requests import UsageRequest
    from lago_cli.services.usage import LeftOut, UsageRow
    from lago_cli.stores.base import UsageStore
    from lago_cli.stores.sqlite.store import SqliteStore

app = typer.Typer(rich_markup_mode=None)

MOST_IN_TABLE = 50


WithAmounts = Annotated[
    bool,
    typer.Option("--amounts", help="Also what each row costs by the plans of its subscriptions."),
]


@command(app, "usage", given=SELECTION, is_default=True)
def usage(session: Session, request: UsageRequest, amounts: WithAmounts = False) -> None:
    """
    Show usage by customer, metric and period.

    A subscription that is asked for has a row also where nothing happened.
    """
    from lago_cli.cli.reports import usage_report
    from lago_cli.services.usage import left_out, usage_for

    store, now = session.store(), session.now()
    rows = list(usage_for(store, request, now=now))
    _warn_of_unknown(session, store, request, rows)
    footer = []
    if session.output == "table":
        footer = _said_of(left_out(store, request, now=now))
    windowed = request.window is not None
    prices = _prices(session, store, request, rows) if amounts else None
    report = usage_report(rows, request.group_by, prices, windowed=windowed, footer=footer)
    session.show(report)


def _prices(
    session: Session, store: SqliteStore, request: UsageRequest, rows: Sequence[UsageRow]
) -> list[Amount | None]:
    """What each row costs; None where it has no price."""
    from lago_cli.services.amounts import Amounts

    found = Amounts(store, request, now=session.now())
    prices = [found.of(row) for row in rows]
    for customer, _ in sorted(found.unpriced, key=str):
        session.warn(
            f'The subscriptions of "{customer}" have several currencies; see --by subscription.'
        )
    return prices


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


@command(app, "explain", given=SELECTION)
def explain_(session: Session, request: UsageRequest, limit: Limit = None) -> None:
    """
    Show the events behind every figure.

    What each adds, or why it does not count; together they make up the figure, to the
    last digit.
    """
    from lago_cli.cli.explain_reports import explanation_report, explanation_tables
    from lago_cli.services.explain import explain

    store = session.store()
    figures = explain(store, request, now=session.now())
    _warn_of_unknown(session, store, request)
    if session.output == "table":
        session.show(explanation_tables(figures, limit=limit or MOST_IN_TABLE))
    else:
        session.show(explanation_report(figures, limit=limit))


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


@command(app, "check", given=SELECTION)
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
    _warn_of_unknown(session, store, request, rows)
    prices = _prices(session, store, request, rows) if expectations.has_amounts else []
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


def _warn_of_unknown(
    session: Session,
    store: UsageStore,
    request: UsageRequest,
    rows: Sequence[UsageRow] | None = None,
) -> None:
    if request.group_by or request.filters:
        from lago_cli.services.hints import unknown_properties

        for sentence in unknown_properties(store, request, rows):
            session.warn(sentence)


def _said_of(left: LeftOut) -> list[str]:
    """What the figures leave out, and how to see it."""
    sentences = []
    for status, counter, reason in (
        ("unmatched", left.unmatched, "whose code is no metric"),
        ("unusable", left.unusable, "whose value its metric cannot use"),
        ("counted", left.outside, "from before the start or after the end of their subscription"),
    ):
        if counter:
            count = counter.total()
            sentences.append(
                f"Not counted: {count} {'event' if count == 1 else 'events'}, {reason}"
                f" ({_codes(counter)}). See: lago events list --status {status}"
            )
    return sentences


def _codes(counter: Counter[str]) -> str:
    shown = [f"{code}: {count}" for code, count in counter.most_common(3)]
    return ", ".join([*shown, "…"] if len(counter) > len(shown) else shown)
