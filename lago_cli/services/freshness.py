"""Freshness: whose last event of a metric is too long ago."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from lago_cli.domain.instants import FIRST_EVENT, format_instant
from lago_cli.domain.metrics import Metric
from lago_cli.errors import wrong_usage
from lago_cli.services.requests import Owner, UsageRequest
from lago_cli.services.usage import usage_for
from lago_cli.stores.base import UsageStore

_SECONDS = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}
_NUMBER = r"[0-9]{1,9}(?:[.,][0-9]{1,6})?"
_PIECES = "".join(rf"(?:(?P<{unit}>{_NUMBER}){unit})?" for unit in _SECONDS)
_SHORT = re.compile(_PIECES, re.IGNORECASE)
_ISO = re.compile(
    rf"P(?:(?P<W>{_NUMBER})W)?(?:(?P<D>{_NUMBER})D)?"
    rf"(?:T(?:(?P<H>{_NUMBER})H)?(?:(?P<M>{_NUMBER})M)?(?:(?P<S>{_NUMBER})S)?)?",
    re.IGNORECASE,
)


class Stale(NamedTuple):
    """A metric without a recent event: of `owner`, or of anybody where that is None."""

    owner: Owner | None
    metric: Metric
    last_at: int | None  # of the last event, where one is known
    last_of: Owner | None  # whose it is


def parse_duration(text: str) -> int:
    """
    Microseconds of `36h`, `2d`, `1d12h`, `90m` or `PT36H`. Raises `LagoError` (wrong usage).

    A day is 24 hours.
    """
    written = text.strip()
    found = _ISO.fullmatch(written) or _SHORT.fullmatch(written)
    seconds = Fraction(0)
    for unit, number in found.groupdict().items() if found else ():
        seconds += Fraction((number or "0").replace(",", ".")) * _SECONDS[unit.upper()]
    if not seconds:
        raise wrong_usage(
            "invalid_duration",
            f'"{text[:40]}" is no duration.',
            "Write it as 36h, 2d, 90m, 1d12h or PT36H; m is minutes.",
        )
    return int(seconds * 1_000_000)


def stale(
    store: UsageStore, request: UsageRequest, most: int, *, now: int
) -> tuple[list[Stale], int]:
    """
    What has had no event that counts for longer than `most` microseconds.

    Each owner's where somebody is named, or owners are asked for; else of each metric as a
    whole. Periods, windows and groups say nothing about it.

    Returns:
        What is stale, by metric, and how many were looked at.
    """
    since = max(now - most, FIRST_EVENT)
    by_owner = bool(request.customers or request.subscriptions or request.by)
    recent = replace(
        request,
        period=None,
        at=None,
        start=format_instant(since),
        end=None,
        window=None,
        group_by=(),
        prorated=False,
        everybody=by_owner,
    )
    metrics = store.catalog.metrics()
    codes = list(dict.fromkeys(request.metrics)) or list(metrics)
    events: dict[tuple[str, Owner | None], int] = (
        {} if by_owner else dict.fromkeys(((code, None) for code in codes), 0)
    )
    for row in usage_for(store, recent, now=now):
        key = row.metric.code, row.owner if by_owner else None
        events[key] = events.get(key, 0) + row.events_count
    found = []
    for (code, owner), count in sorted(events.items(), key=lambda each: _order(*each[0])):
        if not count:
            last_at, last_of = _last(store, request, code, owner, since)
            found.append(Stale(owner, metrics[code], last_at, last_of))
    return found, len(events)


def _order(code: str, owner: Owner | None) -> tuple[str, ...]:
    return (code, *(name or "" for name in owner or ()))


def _last(
    store: UsageStore, request: UsageRequest, code: str, owner: Owner | None, since: int
) -> tuple[int | None, Owner | None]:
    """
    The last event that is too old; unknown where only some events are asked for.

    There may be later ones that do not count.
    """
    if request.filters or request.as_of is not None:
        return None, None
    for stored in store.newest([code], 1, of=owner, before=since):
        event = stored.event
        return stored.at, (event.external_customer_id, event.external_subscription_id)
    return None, None
