"""`lago invoices`: what subscriptions cost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lago_cli.cli.options import Options, OutputOrPage, command, not_empty, option, parameter
from lago_cli.cli.selection import OF_BILLS, OPTIONS, request_of
from lago_cli.cli.session import Session
from lago_cli.errors import wrong_usage

if TYPE_CHECKING:
    from lago_cli.domain.subscriptions import Subscription
    from lago_cli.services.requests import UsageRequest

app = typer.Typer(rich_markup_mode=None)

MOST_IN_TABLE = 20
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=1,
        max=1_000_000_000,
        help="Show no more events of a fee. [default: 20 in the table, all elsewhere]",
    ),
]


def _of_one(**given: Any) -> UsageRequest:
    if len(set(given["subscriptions"] or ())) != 1:
        message = "Name the one subscription whose invoice to explain."
        raise wrong_usage("one_subscription", message, "For example: --subscription ID")
    return request_of(**given, by="subscription")


_SUBSCRIPTION = option(
    list[str],
    "--subscription",
    "ID",
    "The subscription whose invoice is explained.  [required]",
    callback=not_empty,
)
ONE = Options(
    [
        parameter("subscriptions", _SUBSCRIPTION),
        *(OPTIONS[name] for name in ("metrics", "period", "at", "as_of")),
    ],
    _of_one,
)


@command(app, "preview", given=OF_BILLS, outputs=OutputOrPage, may_watch=True)
def preview(session: Session, request: UsageRequest) -> None:
    """
    Show what subscriptions cost, as invoices.

    One subscription has its whole invoice, several have a row each. With -o html they are
    pages to be printed or sent.
    """
    from lago_cli.cli.invoice_lines import Names, pages
    from lago_cli.cli.invoice_reports import invoice_report, invoices_report
    from lago_cli.services.invoicing import Invoicing

    store = session.store()
    invoicing = Invoicing(store, request, session.now())
    found = list(invoicing.invoices())
    is_single = len(request.subscriptions) == 1 and len(found) == 1
    names = Names(store, invoicing.charging.metrics)
    unpriced = _said_of(invoicing.without_plan)
    if unpriced and (session.output != "table" or not found):
        session.warn(unpriced)
    if session.output == "html" or (is_single and session.output in ("table", "markdown")):
        session.show(pages(found, names))
    elif is_single:
        session.show(invoice_report(found[0], session.output))
    else:
        footer = [unpriced] if unpriced and found else []
        session.show(invoices_report(found, names, session.output, footer=footer))


@command(app, "explain", given=ONE)
def explain(session: Session, request: UsageRequest, limit: Limit = None) -> None:
    """
    Show every cent of an invoice, down to tiers and events.

    Events make the units, units the parts of a price, parts the amount in cents.
    """
    from dataclasses import replace

    from lago_cli.cli import invoice_explain_reports as reports
    from lago_cli.cli.invoice_lines import Names
    from lago_cli.services.invoice_explain import explain_invoice
    from lago_cli.services.invoicing import Invoicing
    from lago_cli.services.names import refuse_unknown

    store = session.store()
    refuse_unknown(store, metrics=request.metrics, subscriptions=request.subscriptions)
    wanted = set(request.metrics)
    invoicing = Invoicing(store, replace(request, metrics=()), session.now())
    found = [explain_invoice(invoicing, each, wanted) for each in invoicing.invoices()]
    for each in found:
        for sentence in each.broken_links():
            session.warn(f"This does not add up: {sentence}.", always=True)
    if session.output == "table":
        names = Names(store, invoicing.charging.metrics)
        raw = session.terminal(sys.stdout).raw
        session.show(reports.explained_tables(found, names, limit=limit or MOST_IN_TABLE, raw=raw))
    elif session.output in ("json", "yaml"):
        session.show(reports.explained_objects(found, limit=limit))
    else:
        session.show(reports.explained_rows(found, limit=limit))


def _said_of(without_plan: list[Subscription]) -> str:
    """Which subscriptions live in the period, and have no price."""
    if not without_plan:
        return ""
    names = [each.external_id for each in without_plan]
    shown = ", ".join([*names[:3], "…"] if len(names) > 3 else names)
    if len(names) == 1:
        return f"1 subscription of this period has no plan: {shown}."
    return f"{len(names)} subscriptions of this period have no plan: {shown}."
