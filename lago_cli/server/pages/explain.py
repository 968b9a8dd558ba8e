"""The events behind a figure, and each event's way to its figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from lago_cli.renderers.html import LinkOf, render
from lago_cli.reports.events_explained import traces_of
from lago_cli.reports.explanations import traces_report
from lago_cli.reports.records import event_report, events_report
from lago_cli.reports.usage_explained import explained_lines, explained_tables
from lago_cli.server.pages.addresses import address, address_of
from lago_cli.server.pages.page import ROWS, At, Page, paging
from lago_cli.server.pages.periods import shown_period
from lago_cli.server.pages.query import OF_EVENTS, PERIOD, SELECTION
from lago_cli.server.pages.sentences import sayer
from lago_cli.services.names import refuse_unknown_in
from lago_cli.services.questions import Question

if TYPE_CHECKING:
    from lago_cli.renderers import Answer, Column
    from lago_cli.services.event_trace import Trace

Row = Mapping[str, object]
_KNOWN = (*SELECTION, "order", "limit")
_LEADING = ("units", "not_counted")


def data(at: At, output: str) -> Answer:  # noqa: ARG001 - all programs get the same rows
    at.query.refuse_others(_KNOWN)
    report, _ = explained_lines(
        at.store,
        at.query.usage_request(),
        at.heard,
        now=at.now,
        limit=at.query.whole("limit"),
        sort=at.query.among("order"),
    )
    return report


def page(at: At) -> Page:
    at.query.refuse_others(_KNOWN)
    request, order = at.query.usage_request(), at.query.among("order")
    limit = at.query.whole("limit")
    is_named = bool(request.customers or request.subscriptions or request.metrics)
    report = explained_tables(
        at.store,
        request,
        at.heard,
        now=at.now,
        limit=(limit or ROWS) if is_named else limit,
        sort=order,
        raw=False,
    )
    owner = (None, request.subscriptions[0]) if len(request.subscriptions) == 1 else (None, None)
    values = {
        "period": shown_period(at, Question(at.store, request, at.now), _whose(at, owner)),
        "report": render(report, _link(at), footer=sayer(at)),
        "usage": at.query.address("/usage", ("order", ""), ("limit", "")),
        "command": at.query.command("lago usage explain"),
        "order": order or "time",
        "by_time": at.query.address(at.path, ("order", "")),
        "by_value": at.query.address(at.path, ("order", "value")),
        "invoice": _invoice(at),
        "is_named": is_named,
    }
    return Page("explain.html", "Usage explained", values)


def _whose(at: At, owner: tuple[str | None, str | None]) -> tuple[str | None, str | None]:
    customers = at.query.all("customer")
    if owner[1] is not None:
        subscription = at.store.registry((), (owner[1],)).subscriptions.get(owner[1])
        return (subscription.external_customer_id, owner[1]) if subscription else (None, None)
    return (customers[0], None) if len(customers) == 1 else owner


def _invoice(at: At) -> str | None:
    """Where it is told what the figure costs."""
    subscriptions = at.query.all("subscription")
    if len(subscriptions) != 1 or at.query.only("from", "to", "filter", "group_by"):
        return None
    return address("/invoices/explain", at.query.only("subscription", *PERIOD, "as_of", "metric"))


def _link(at: At) -> LinkOf:
    def link(column: Column, row: Row) -> str | None:
        value = row.get(column.key)
        if value is None or value == "…":
            return None
        if column.key == "transaction_id":
            return event_address(str(value))
        if column.key == "external_customer_id":
            return address_of("customers", str(value))
        if column.key in _LEADING:  # of the summary: a line for each figure
            kept = at.query.only(*PERIOD, "window", "group_by", "filter", "timezone", "as_of", "by")
            names = [row["external_customer_id"], row["external_subscription_id"]]
            who = [str(name or "") for name in names]
            code = str(row["billable_metric_code"])
            pairs = [("customer", who[0]), ("subscription", who[1]), ("metric", code)]
            return address("/usage/explain", [*pairs, *kept])
        return None

    return link


def event_address(transaction_id: str) -> str:
    return address_of("events", transaction_id)


def events_data(at: At, output: str) -> Answer:  # noqa: ARG001 - all programs get the same rows
    selection = _selected(at)
    limit = at.query.whole("limit")
    events = at.store.select(replace(selection, limit=limit), newest_first=True)
    return events_report(events, limit=None, deleted=selection.status == "deleted")


def events(at: At) -> Page:
    """The newest first, some hundreds on a page."""
    selection, skipped = _selected(at), at.skipped
    wanted = replace(selection, limit=skipped + ROWS + 1)
    found = list(islice(at.store.select(wanted, newest_first=True), skipped, None))
    rows = found[:ROWS]
    report = events_report(rows, limit=ROWS, deleted=selection.status == "deleted")
    values = {
        "report": render(report, _event_link, footer=sayer(at)),
        "paging": paging(at, skipped + len(found), more=len(found) > ROWS),
        "command": at.query.command("lago events list"),
    }
    return Page("events.html", "Events", values)


def _selected(at: At):  # type: ignore[no-untyped-def]
    at.query.refuse_others(OF_EVENTS)
    selection = at.query.events()
    refuse_unknown_in(at.store, selection)
    return selection


def _event_link(column: Column, row: Row) -> str | None:
    value = row.get(column.key)
    if value is None:
        return None
    if column.key == "transaction_id":
        return event_address(str(value))
    if column.key == "run":
        return address_of("ingest-runs", str(value))
    if column.key == "code":
        return address("/events", [("code", str(value))])
    if column.key == "external_customer_id":
        return address_of("customers", str(value))
    return None


def event_data(at: At, output: str) -> Answer:
    return traces_report(traces_of(at.store, at.name, now=at.now), in_table=output == "table")


def event(at: At) -> Page:
    """One event: what was stored, and how far it came."""
    traces = traces_of(at.store, at.name, now=at.now)
    found = [
        {
            "card": render(event_report(each.event), _event_link),
            "steps": render(replace(traces_report([each], in_table=True), title=None)),
            "figure": _figure(each),
            "name": each.event.event.transaction_id,
            "code": each.event.event.code,
        }
        for each in traces
    ]
    values = {"found": found, "command": Command("lago events explain", at.name).text}
    return Page("event.html", f"Event {at.name}", values)


class Command:
    """A command about one thing."""

    def __init__(self, words: str, name: str) -> None:
        from shlex import quote

        self.text = f"{words} {'-- ' if name.startswith('-') else ''}{quote(name)}"


def _figure(each: Trace) -> str | None:
    """Where the figure is explained that it counts in."""
    figure = each.figure
    if figure is None:
        return None
    from lago_cli.domain.instants import format_instant

    customer, subscription = figure.owner
    pairs = [("customer", customer or ""), ("subscription", subscription or "")]
    pairs += [("metric", figure.metric.code)]
    return address("/usage/explain", [*pairs, ("at", format_instant(each.event.at))])
