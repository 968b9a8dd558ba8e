"""From a question about costs to invoices, explained invoices and simulations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lago_cli.reports.statements import Names, pages

if TYPE_CHECKING:
    from lago_cli.domain.subscriptions import Subscription
    from lago_cli.renderers import Pages, Report
    from lago_cli.reports.voice import Voice
    from lago_cli.services.requests import UsageRequest
    from lago_cli.stores.base import BillingStore, PricedStore

MOST_IN_TABLE = 20


def previewed(
    store: BillingStore, request: UsageRequest, voice: Voice, *, now: int, output: str
) -> Report | Pages:
    """
    What subscriptions cost: the whole invoice of one, a row for each of several.

    Raises:
        LagoError: for names that nobody knows, and periods that are none.
    """
    from lago_cli.reports.invoices import invoice_report, invoices_report
    from lago_cli.services.invoicing import Invoicing

    invoicing = Invoicing(store, request, now)
    found = list(invoicing.invoices())
    is_single = len(request.subscriptions) == 1 and len(found) == 1
    names = Names(store, invoicing.charging.metrics)
    unpriced = _said_of(invoicing.without_plan)
    if unpriced and (output != "table" or not found):
        voice.warn(unpriced)
    if output == "html" or (is_single and output in ("table", "markdown")):
        return pages(found, names)
    if is_single:
        return invoice_report(found[0], output)
    footer = [unpriced] if unpriced and found else []
    return invoices_report(found, names, output, footer=footer)


def explained(
    store: BillingStore,
    request: UsageRequest,
    voice: Voice,
    *,
    now: int,
    output: str,
    limit: int | None,
    raw: bool,
) -> Report:
    """
    Invoices down to tiers and events, only of the metrics that are asked for.

    Raises:
        LagoError: for names that nobody knows, and periods that are none.
    """
    from lago_cli.reports import invoice_explanations as reports
    from lago_cli.services.invoice_explain import explain_invoice
    from lago_cli.services.invoicing import Invoicing
    from lago_cli.services.names import refuse_unknown

    refuse_unknown(store, metrics=request.metrics, subscriptions=request.subscriptions)
    wanted = set(request.metrics)
    invoicing = Invoicing(store, replace(request, metrics=()), now)
    found = [explain_invoice(invoicing, each, wanted) for each in invoicing.invoices()]
    for each in found:
        for sentence in each.broken_links():
            voice.warn(f"This does not add up: {sentence}.", always=True)
    if output == "table":
        names = Names(store, invoicing.charging.metrics)
        return reports.explained_tables(found, names, limit=limit or MOST_IN_TABLE, raw=raw)
    if output in ("json", "yaml"):
        return reports.explained_objects(found, limit=limit)
    return reports.explained_rows(found, limit=limit)


def simulated(
    store: PricedStore, request: UsageRequest, codes: Sequence[str], *, now: int, in_units: bool
) -> Report:
    """
    What real usage would have cost under other plans.

    Raises:
        LagoError: for names that nobody knows, and periods that are none.
    """
    from lago_cli.reports.simulations import simulation_report
    from lago_cli.services import simulation

    rows = simulation.simulate(store, request, codes, now=now)
    return simulation_report(rows, simulation.summaries(rows), in_units=in_units)


def _said_of(without_plan: list[Subscription]) -> str:
    """Which subscriptions live in the period, and have no price."""
    if not without_plan:
        return ""
    names = [each.external_id for each in without_plan]
    shown = ", ".join([*names[:3], "…"] if len(names) > 3 else names)
    if len(names) == 1:
        return f"1 subscription of this period has no plan: {shown}."
    return f"{len(names)} subscriptions of this period have no plan: {shown}."
