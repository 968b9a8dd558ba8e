"""What subscriptions cost: each with its lines, and every amount down to its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lago_cli.errors import wrong_usage
from lago_cli.renderers import Pages, Report
from lago_cli.renderers.html import Part, render
from lago_cli.reports.bills import explained, previewed
from lago_cli.server.pages.addresses import address, address_of
from lago_cli.server.pages.explain import event_address
from lago_cli.server.pages.page import ROWS, At, Page, paging
from lago_cli.server.pages.periods import shown_period
from lago_cli.server.pages.query import PERIOD, Query
from lago_cli.server.pages.sentences import sayer
from lago_cli.services.questions import Question

if TYPE_CHECKING:
    from lago_cli.renderers import Answer, Column
    from lago_cli.services.requests import UsageRequest

Row = Mapping[str, object]
_KNOWN = ("customer", "subscription", "period", "at", "as_of")
_OF_EXPLAINED = ("subscription", "metric", "period", "at", "as_of", "limit")


def _request(at: At) -> UsageRequest:
    at.query.refuse_others(_KNOWN)
    named = {"subscriptions": [at.name]} if at.name else {}
    return at.query.usage_request(by="subscription", **named)


def data(at: At, output: str) -> Answer:
    return previewed(at.store, _request(at), at.heard, now=at.now, output=output)


def page(at: At) -> Page:
    """One subscription has its whole invoice, several have a row each."""
    request = _request(at)
    answer = previewed(at.store, request, at.heard, now=at.now, output="table")
    subscriptions = list(request.subscriptions)
    one = subscriptions[0] if len(subscriptions) == 1 else ""
    values: dict[str, Any] = {
        "period": shown_period(at, Question(at.store, request, at.now), owner_of(at, one)),
        "report": "",
        "statements": [],
        "leads": _leads(at, one) if one else [],
        "command": _query_of(at).command("lago invoices preview"),
    }
    if isinstance(answer, Pages):
        values["statements"] = answer.statements
        values["empty"] = answer.empty
        values["explained"] = lambda metric: _explained(at, one, metric)
    elif isinstance(answer, Report):
        rows = list(answer.rows)
        values["paging"] = paging(at, len(rows))
        values["report"] = render(answer, _link(at), Part(at.skipped, ROWS), footer=sayer(at))
    title = f"Invoice of {one}" if one else "Invoices"
    return Page("invoices.html", title, values)


def _leads(at: At, subscription: str) -> list[tuple[str, str]]:
    """Whose invoice it is, by which plan, and for what."""
    found = at.store.registry((), (subscription,)).subscriptions.get(subscription)
    kept = at.query.only(*PERIOD, "as_of")
    leads = [
        ("Usage of the period", address("/usage", [("subscription", subscription), *kept])),
        (f"Subscription {subscription}", address_of("subscriptions", subscription)),
    ]
    if found is None:
        return leads
    customer = found.external_customer_id
    leads.append((f"Customer {customer}", address_of("customers", customer)))
    if found.plan_code is not None:
        leads.append((f"Plan {found.plan_code}", address_of("plans", found.plan_code)))
    return leads


def _query_of(at: At) -> Query:
    """What is asked for, where the path names the subscription."""
    named = [("subscription", at.name)] if at.name else []
    return Query([*named, *at.query.pairs])


def owner_of(at: At, subscription: str) -> tuple[str | None, str | None]:
    found = at.store.registry((), (subscription,)).subscriptions.get(subscription)
    return (found.external_customer_id, subscription) if found else (None, None)


def _explained(at: At, subscription: str, metric: str) -> str:
    kept = at.query.only("period", "at", "as_of")
    return address("/invoices/explain", [("subscription", subscription), ("metric", metric), *kept])


def _link(at: At):  # type: ignore[no-untyped-def]
    def link(column: Column, row: Row) -> str | None:
        value = row.get(column.key)
        if value is None:
            return None
        subscription = str(row["external_subscription_id"])
        kept = at.query.only("period", "at", "as_of")
        if column.key in ("external_subscription_id", "total_amount_cents"):
            return address_of("invoices", subscription, kept)
        if column.key == "external_customer_id":
            return address_of("customers", str(value))
        if column.key == "plan_code":
            return address_of("plans", str(value))
        return None

    return link


def _asked(at: At) -> UsageRequest:
    at.query.refuse_others(_OF_EXPLAINED)
    if len(at.query.all("subscription")) != 1:
        raise wrong_usage(
            "one_subscription",
            "Name the one subscription whose invoice to explain.",
            "Choose one of the invoices.",
        )
    return at.query.usage_request(by="subscription")


def explained_data(at: At, output: str) -> Answer:
    limit = at.query.whole("limit")
    return explained(
        at.store, _asked(at), at.heard, now=at.now, output=output, limit=limit, raw=False
    )


def explained_page(at: At) -> Page:
    """Events make the units, units the parts of a price, parts the amount."""
    request = _asked(at)
    limit = at.query.whole("limit") or ROWS
    report = explained(
        at.store, request, at.heard, now=at.now, output="table", limit=limit, raw=False
    )
    (one,) = request.subscriptions
    kept = at.query.only(*PERIOD, "as_of")
    values = {
        "report": render(report, _event_link, footer=sayer(at)),
        "period": shown_period(at, Question(at.store, request, at.now), owner_of(at, one)),
        "invoice": address_of("invoices", one, kept),
        "whole": at.query.address(at.path, ("metric", "")) if at.query.all("metric") else "",
        "usage": address("/usage", [("subscription", one), *kept]),
        "command": at.query.command("lago invoices explain"),
    }
    return Page("invoice_explained.html", f"Invoice of {one}, explained", values)


def _event_link(column: Column, row: Row) -> str | None:
    value = row.get(column.key)
    return event_address(str(value)) if column.key == "transaction_id" and value else None
