"""
The options that say which usage is meant, for every command that is about usage.

`@command(…, given=SELECTION)` adds them to a command and hands them over as one `UsageRequest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lago_cli.cli.options import (
    Customers,
    From,
    Options,
    Subscriptions,
    To,
    instant_option,
    not_empty,
    parameters_of,
)

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest

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
        metavar="PATH",
        callback=not_empty,
        help="A figure for each value of a property.",
    ),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter", metavar="PATH=V1,V2", help="Only events with one of these; PATH= is missing."
    ),
]
Timezone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="TZ", help="Where days begin. [default: the customer's]"),
]
Prorated = Annotated[
    bool,
    typer.Option(
        "--prorated", help="Recurring sums and unique counts by the days of the billing period."
    ),
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


def usage_request(
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
    prorated: Prorated = False,
    by: By = None,
    as_of: AsOf = None,
) -> UsageRequest:
    """What the options ask for. Raises `LagoError` (wrong usage)."""
    from lago_cli.domain.conditions import parse_conditions
    from lago_cli.services.requests import UsageRequest

    return UsageRequest(
        customers=customers or [],
        subscriptions=subscriptions or [],
        metrics=metrics or [],
        period=period,
        start=start,
        end=end,
        at=at,
        window=window,
        group_by=list(dict.fromkeys(group_by or [])),
        filters=parse_conditions(filters or []),
        timezone=timezone,
        prorated=prorated,
        by=by,
        as_of=instant_option("--as-of", as_of),
    )


SELECTION = Options(parameters_of(usage_request), usage_request)
