"""From a question about usage to the events behind each of its figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lago_cli.renderers import Report
    from lago_cli.reports.voice import Voice
    from lago_cli.services.excerpts import Order
    from lago_cli.services.requests import UsageRequest
    from lago_cli.stores.base import UsageStore

MOST_IN_TABLE = 50
MOST_MONTHS = 6


def explained_lines(
    store: UsageStore,
    request: UsageRequest,
    voice: Voice,
    *,
    now: int,
    limit: int | None,
    sort: Order | None,
) -> tuple[Report, Callable[[], None]]:
    """For programs, a row for each event; the second says, once they are read, what is left out."""
    from lago_cli.reports.explanations import explanation_report
    from lago_cli.reports.usage_words import warn_of_unknown
    from lago_cli.services.explain import explain

    figures = explain(store, request, now=now)
    warn_of_unknown(voice, store, request)
    left = [0]

    def say_left_out() -> None:
        if left[0]:
            events = "event" if left == [1] else "events"
            voice.note(f"--limit {limit} leaves out {left[0]:,} {events}.")

    return explanation_report(figures, limit=limit, sort=sort or "time", left=left), say_left_out


def explained_tables(
    store: UsageStore,
    request: UsageRequest,
    voice: Voice,
    *,
    now: int,
    limit: int | None,
    sort: Order | None,
    raw: bool,
) -> Report:
    """For people, a table for each figure; where nobody and no metric is named, a line for each."""
    from lago_cli.reports import explanation_tables as tables
    from lago_cli.reports.usage_words import said_of, warn_of_unknown
    from lago_cli.services.excerpts import summaries
    from lago_cli.services.explain import explain
    from lago_cli.services.usage import LeftOut, left_out

    figures = explain(store, request, now=now)
    warn_of_unknown(voice, store, request)
    is_named = bool(request.customers or request.subscriptions or request.metrics)
    if is_named or limit is not None or sort is not None:
        most = limit or MOST_IN_TABLE
        report = tables.explanation_tables(
            figures, request, limit=most, sort=sort or "time", raw=raw
        )
    else:
        unmatched = left_out(store, request, now=now).unmatched
        footer = said_of(LeftOut(unmatched, Counter(), Counter()))  # the lines say the others
        report = tables.summary_report(summaries(figures), request.group_by, footer)
    return tables.nothing(_nothing(store, request, now)) if report is None else report


def _nothing(store: UsageStore, request: UsageRequest, now: int) -> str:
    """Where nothing is found: when there would be something."""
    from lago_cli.services.excerpts import months_with_events

    months = months_with_events(store, request, now=now)
    if not months:
        return "No events in this period, and none that counts in any other. See: lago events list"
    newest = months[-MOST_MONTHS:]
    named = ", ".join(newest if newest == months else ["…", *newest])
    return f"No events in this period. There are some in {named}: --period {months[-1]}"
