"""`lago usage`: aggregated usage, by customer or subscription, metric and period."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lago_cli.cli.options import (
    Customers,
    From,
    Subscriptions,
    To,
    command,
    instant_option,
    not_empty,
    property_values,
)
from lago_cli.cli.session import Session

if TYPE_CHECKING:
    from lago_cli.services.usage import LeftOut

Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric", metavar="CODE", callback=not_empty, help="Only this metric; may be repeated."
    ),
]
PeriodName = Annotated[
    str | None,
    typer.Option(
        "--period",
        metavar="PERIOD",
        help="current, previous, 2026-11-22, 2026-W47, 2026-11, 2026-Q4, 2026 or all."
        " [default: current]",
    ),
]
At = Annotated[
    str | None, typer.Option("--at", metavar="INSTANT", help="The period that was current then.")
]
WindowOption = Annotated[
    Literal["hour", "day", "week", "month"] | None,
    typer.Option(
        "--window", metavar="SIZE", help="Cut the period into pieces: hour, day, week or month."
    ),
]
GroupBy = Annotated[
    list[str] | None,
    typer.Option(
        "--group-by",
        metavar="KEY",
        callback=not_empty,
        help="A figure for each value of a property.",
    ),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter", metavar="KEY=V1,V2", help="Only events with one of these; KEY= is missing."
    ),
]
Timezone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="TZ", help="Where days begin. [default: the customer's]"),
]
By = Annotated[
    Literal["customer", "subscription"] | None,
    typer.Option(
        "--by",
        metavar="OWNER",
        help="A row for each customer or subscription."
        " [default: customer; subscription with --subscription]",
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="INSTANT", help="As it was known then: no later events."),
]


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    command(app, "usage")(usage)


def usage(
    session: Session,
    customers: Customers = None,
    subscriptions: Subscriptions = None,
    metrics: Metrics = None,
    period: PeriodName = None,
    start: From = None,
    end: To = None,
    at: At = None,
    window: WindowOption = None,
    group_by: GroupBy = None,
    filters: Filters = None,
    timezone: Timezone = None,
    by: By = None,
    as_of: AsOf = None,
) -> None:
    """
    Show usage by customer, metric and period.

    A subscription that is asked for has a row also where nothing happened.
    """
    from lago_cli.cli.reports import usage_report
    from lago_cli.services.usage import UsageRequest, left_out, usage_for

    request = UsageRequest(
        customers=customers or [],
        subscriptions=subscriptions or [],
        metrics=metrics or [],
        period=period,
        start=start,
        end=end,
        at=at,
        window=window,
        group_by=list(dict.fromkeys(group_by or [])),
        filters=property_values(filters or []),
        timezone=timezone,
        by=by,
        as_of=instant_option("--as-of", as_of),
    )
    store, now = session.store(), session.now()
    rows = list(usage_for(store, request, now=now))
    footer = []
    if session.output == "table":
        footer = _said_of(left_out(store, request, now=now))
    session.show(usage_report(rows, request.group_by, windowed=window is not None, footer=footer))


def _said_of(left: LeftOut) -> list[str]:
    """What the figures leave out, and how to see it."""
    sentences = []
    for status, counter, reason in (
        ("unmatched", left.unmatched, "whose code is no metric"),
        ("unusable", left.unusable, "whose value its metric cannot use"),
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
