"""`/plans`: what usage costs. A charge names its metric by Lago's id, or by its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from lago_cli.domain.charges import Charge, Tax
from lago_cli.domain.definitions import Entry, Faulty
from lago_cli.domain.metrics import METRIC
from lago_cli.domain.objects import encoded
from lago_cli.domain.plans import MONTHLY_CHARGES, PLAN, Plan
from lago_cli.errors import LagoError
from lago_cli.server.api.billable_metrics import metric_id
from lago_cli.server.definitions import answer, check_references, in_words_of_lago, mandatory
from lago_cli.server.failures import not_found
from lago_cli.server.identifiers import lago_id
from lago_cli.server.pagination import newest_first, paginated
from lago_cli.server.routes import Body, Request, reads, writes
from lago_cli.server.stamps import stamp
from lago_cli.services import catalog
from lago_cli.services.objects import as_written, kept
from lago_cli.services.plans import save_plan

if TYPE_CHECKING:
    from lago_cli.domain.metrics import Metric
    from lago_cli.stores.sqlite.store import SqliteStore

ROOT = "plan"


def plan_id(code: str) -> str:
    return lago_id(ROOT, code)


def charge_id(plan_code: str, charge_code: str) -> str:
    return lago_id("charge", plan_code, charge_code)


def charge_codes(charges: Sequence[tuple[str | None, str]]) -> list[str]:
    """Of charges by (code, code of the metric): their own, else the metric's, code_2, code_3."""
    taken = {code for code, _ in charges if code is not None}
    found = []
    for code, metric in charges:
        wanted, number = code or metric, 1
        while code is None and wanted in taken:
            number += 1
            wanted = f"{metric}_{number}"
        taken.add(wanted)
        found.append(wanted)
    return found


def codes_of(plan: Plan) -> list[str]:
    """The codes of its charges, in their order."""
    return charge_codes([(each.code, each.billable_metric_code) for each in plan.charges])


def plan_of(entry: Entry[Plan]) -> dict[str, Any]:
    """A plan as it is answered."""
    plan, created_at = entry.value, stamp(entry.created_at)
    monthly = plan.bill_charges_monthly if plan.interval in MONTHLY_CHARGES else None
    found: dict[str, Any] = {
        "lago_id": plan_id(plan.code),
        "name": plan.name,
        "code": plan.code,
        "interval": plan.interval,
        "amount_cents": plan.amount_cents,
        "amount_currency": plan.amount_currency,
        "pay_in_advance": plan.pay_in_advance,
        "trial_period": plan.trial_period,
        "bill_charges_monthly": monthly,
        "created_at": created_at,
        "charges": charges_of(entry),
        "fixed_charges": [],
        "usage_thresholds": [],
        "taxes": [tax_of(each, created_at) for each in plan.taxes],
    }
    for key in ("description", "invoice_display_name"):
        if getattr(plan, key) is not None:
            found[key] = getattr(plan, key)
    if plan.minimum_commitment is not None:
        least = plan.minimum_commitment
        name = least.invoice_display_name
        found["minimum_commitment"] = {
            "lago_id": lago_id("minimum_commitment", plan.code),
            "plan_code": plan.code,
            "amount_cents": least.amount_cents,
            "interval": plan.interval,
            "taxes": [tax_of(each, created_at) for each in least.taxes],
            "created_at": created_at,
            "updated_at": created_at,
            **({} if name is None else {"invoice_display_name": name}),
        }
    return found


def charges_of(entry: Entry[Plan]) -> list[dict[str, Any]]:
    """The charges of a plan as they are answered."""
    plan, created_at = entry.value, stamp(entry.created_at)
    pairs = zip(plan.charges, codes_of(plan), strict=True)
    return [_charge(plan.code, charge, code, created_at) for charge, code in pairs]


def _charge(plan: str, charge: Charge, code: str, created_at: str | None) -> dict[str, Any]:
    return {
        "lago_id": charge_id(plan, code),
        "lago_billable_metric_id": metric_id(charge.billable_metric_code),
        "billable_metric_code": charge.billable_metric_code,
        "code": code,
        "charge_model": charge.charge_model,
        "invoice_display_name": charge.invoice_display_name,
        "pay_in_advance": charge.pay_in_advance,
        "prorated": charge.prorated,
        "invoiceable": charge.invoiceable,
        "regroup_paid_fees": charge.regroup_paid_fees,
        "min_amount_cents": charge.min_amount_cents,
        "properties": _exact(charge.properties or {}),
        "filters": [
            {
                "invoice_display_name": each.invoice_display_name,
                "values": {key: list(values) for key, values in each.values.items()},
                "properties": _exact(each.properties or {}),
            }
            for each in charge.filters
        ],
        "taxes": [tax_of(each, created_at) for each in charge.taxes],
        "created_at": created_at,
    }


def _exact(value: object) -> msgspec.Raw:
    return msgspec.Raw(encoded(value).encode())


def tax_of(tax: Tax, created_at: str | None) -> dict[str, Any]:
    """A tax as it is answered."""
    name = tax.name or tax.code or f"{tax.rate}%"
    return {
        "lago_id": lago_id("tax", tax.code or name, tax.rate),
        "name": name,
        "code": tax.code or name,
        "rate": msgspec.Raw(tax.rate.encode()),
        "description": None,
        "applied_to_organization": False,
        "created_at": created_at,
    }


def list_(store: SqliteStore, request: Request) -> Body:
    entries = newest_first(store.table(PLAN).entries(), PLAN.name_of)
    return paginated("plans", entries, request.page, plan_of)


def get(store: SqliteStore, request: Request) -> Body:
    return {ROOT: plan_of(store.table(PLAN).get(request.path["code"]))}


def create(store: SqliteStore, request: Request) -> Body:
    return _save(store, request, None)


def update(store: SqliteStore, request: Request) -> Body:
    """Change what is given, for past periods too; a list is replaced as a whole."""
    return _save(store, request, store.table(PLAN).get(request.path["code"]).value)


def delete(store: SqliteStore, request: Request) -> Body:
    """Delete one that no subscription has."""
    with in_words_of_lago():
        entry, _ = catalog.delete(store, PLAN, request.path["code"])
    return {ROOT: plan_of(entry)}


def list_charges(store: SqliteStore, request: Request) -> Body:
    charges = charges_of(store.table(PLAN).get(request.path["code"]))
    return paginated("charges", charges, request.page, lambda charge: charge)


def get_charge(store: SqliteStore, request: Request) -> Body:
    for charge in charges_of(store.table(PLAN).get(request.path["code"])):
        if charge["code"] == request.path["charge_code"]:
            return {"charge": charge}
    raise not_found("charge_not_found")


def _save(store: SqliteStore, request: Request, former: Plan | None) -> Body:
    given = dict(request.root(ROOT))
    check_references(given)
    if isinstance(given.get("minimum_commitment"), Mapping):
        check_references(given["minimum_commitment"])
        if not given["minimum_commitment"]:
            given["minimum_commitment"] = None
    if isinstance(given.get("charges"), list):
        given["charges"] = _with_metrics(store, given["charges"], former)
    given.pop("cascade_updates", None)
    for key in ("charges", "pay_in_advance") if former else ():
        if given.get(key, "") is None:
            del given[key]  # to Lago that says nothing
    interval = given.get("interval") or (former.interval if former else None)
    monthly = given.get("bill_charges_monthly")
    if interval not in MONTHLY_CHARGES and isinstance(monthly, bool | None):
        given["bill_charges_monthly"] = False  # Lago takes it and keeps nothing
    row, unkept = kept(Plan, given)
    also = mandatory(row, "name") if former is None or "name" in row else []

    def first(_plan: Plan, _metrics: Mapping[str, Metric]) -> None:
        if also:
            raise Faulty(also)

    with in_words_of_lago():
        try:
            entry = save_plan(
                store, row, now=request.now, code=former.code if former else None, first=first
            )
        except Faulty as several:
            raise Faulty([*also, *several.faults]) from None
        except LagoError as error:
            if error.code == "plan_exists":
                error.field = "code"
            raise
    return answer(ROOT, plan_of(entry), unkept)


def _with_metrics(store: SqliteStore, rows: list[Any], former: Plan | None) -> list[Any]:
    """Charges by the codes of their metrics, each with a code; one of a known id keeps the rest."""
    codes = [entry.value.code for entry in store.table(METRIC).entries()]
    by_id = {metric_id(code): code for code in codes}
    known = {} if former is None else _former_charges(former)
    found: list[Any] = []
    for row in rows:
        if not isinstance(row, Mapping):
            found.append(row)
            continue
        check_references(row)
        earlier = known.get(str(row.get("id") or row.get("lago_id")), {})
        charge = {**earlier, **row}
        charge.pop("id", None)
        charge.pop("cascade_updates", None)
        asked = row.get("billable_metric_id") or row.get("lago_billable_metric_id")
        if asked is not None:
            charge["billable_metric_code"] = by_id.get(str(asked))
        code = charge.get("billable_metric_code")
        if (asked is not None or isinstance(code, str)) and code not in codes:
            raise not_found("billable_metrics_not_found")
        found.append(charge)
    named = [each for each in found if _has_metric(each)]
    pairs = [(each.get("code"), each["billable_metric_code"]) for each in named]
    for each, code in zip(named, charge_codes(pairs), strict=True):
        each["code"] = code
    return found


def _has_metric(charge: Any) -> bool:
    return (
        isinstance(charge, dict)
        and isinstance(charge.get("billable_metric_code"), str)
        and isinstance(charge.get("code"), str | None)
    )


def _former_charges(plan: Plan) -> dict[str, dict[str, Any]]:
    rows = as_written(PLAN, plan)["charges"]
    pairs = zip(rows, codes_of(plan), strict=True)
    return {charge_id(plan.code, code): {**row, "code": code} for row, code in pairs}


ENDPOINTS = (
    reads("GET", "/plans", list_),
    writes("POST", "/plans", create),
    reads("GET", "/plans/{code}/charges", list_charges),
    reads("GET", "/plans/{code}/charges/{charge_code}", get_charge),
    reads("GET", "/plans/{code:path}", get),
    writes("PUT", "/plans/{code:path}", update),
    writes("DELETE", "/plans/{code:path}", delete),
)
