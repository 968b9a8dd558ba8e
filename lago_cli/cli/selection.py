"""
The options that say which usage is meant, for every command that is about usage.

`@command(…, given=SELECTION)` adds them to a command and hands them over as one `UsageRequest`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from lago_cli.cli.options import (
    Customers,
    From,
    Metrics,
    Options,
    Subscriptions,
    To,
    instant_option,
    not_empty,
    option,
    parameter,
)

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest

_text = partial(option, str)
_texts = partial(option, list[str])

_OPTIONS = {
    "customers": Customers,
    "subscriptions": Subscriptions,
    "metrics": Metrics,
    "period": _text(
        "--period",
        "PERIOD",
        "current, previous (or last-month), today, yesterday, last-7-days (without today),"
        " 2026-11-22, 2026-W47, 2026-11, 2026-Q4, 2026 or all. [default: current]",
    ),
    "start": From,
    "end": To,
    "at": _text("--at", "INSTANT", "The period that this instant lies in."),
    "window": option(
        Literal["hour", "day", "week", "month"],
        "--window",
        "SIZE",
        "Cut the period into pieces: hour, day, week or month.",
    ),
    "group_by": _texts(
        "--group-by", "PATH", "One figure for each value of a property.", callback=not_empty
    ),
    "filters": _texts(
        "--filter", "PATH=V1,V2", "Only events with one of these values; PATH= where it is missing."
    ),
    "timezone": _text("--timezone", "TZ", "The time zone of days. [default: the customer's]"),
    "prorated": option(
        bool,
        "--prorated",
        None,
        "Prorate recurring sums and unique counts by the days of the billing period.",
    ),
    "by": option(
        Literal["customer", "subscription"],
        "--by",
        "OWNER",
        "One row for each customer or subscription."
        " [default: customer; subscription with --subscription]",
    ),
    "as_of": _text("--as-of", "INSTANT", "As it was known then, without events received later."),
}


def request_of(**options: Any) -> UsageRequest:
    """What the options ask for. Raises `LagoError` (wrong usage)."""
    from lago_cli.domain.conditions import parse_conditions
    from lago_cli.services.requests import UsageRequest

    given = {name: value for name, value in options.items() if value is not None}
    given["group_by"] = list(dict.fromkeys(given.get("group_by", ())))
    given["filters"] = parse_conditions(given.get("filters", ()))
    given["as_of"] = instant_option("--as-of", given.get("as_of"))
    return UsageRequest(**given)


OPTIONS = {name: parameter(name, annotation) for name, annotation in _OPTIONS.items()}
SELECTION = Options(list(OPTIONS.values()), request_of)
OF_BILLS = Options(
    [OPTIONS[name] for name in ("customers", "subscriptions", "period", "at", "as_of")],
    lambda **given: request_of(**given, by="subscription"),
)
"""The options that say whose costs are meant, and when."""
