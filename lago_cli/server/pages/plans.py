"""The form of a plan: Lago's JSON, priced before it is saved, with its command."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lago_cli.domain.definitions import Faulty
from lago_cli.domain.plans import PLAN
from lago_cli.errors import LagoError
from lago_cli.renderers import Pages, Report
from lago_cli.renderers.cells import as_pretty_json
from lago_cli.renderers.html import render
from lago_cli.reports.bills import simulated
from lago_cli.reports.definitions import definition_report
from lago_cli.reports.estimates import estimated
from lago_cli.reports.findings import in_plan
from lago_cli.reports.records import bare_numbers
from lago_cli.reports.voice import Heard
from lago_cli.server.pages.addresses import address, address_of
from lago_cli.server.pages.explain import Command
from lago_cli.server.pages.forms import told
from lago_cli.server.pages.page import At, Elsewhere, Page
from lago_cli.server.pages.query import Query
from lago_cli.server.pages.things import leads_of, link_of
from lago_cli.services.apply import as_file
from lago_cli.services.drafts import WithPlan, drafted
from lago_cli.services.plans import document_of, save_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lago_cli.domain.plans import Plan
    from lago_cli.readers.documents import Document
    from lago_cli.stores.base import BillingStore

NEW = "/new/plan"
TRY = "/try/plan"
_BESIDE = " (as typed)"
_PLACE = re.compile(r"(?::(\d+))?(?:: )?(.*)", re.DOTALL)
_EXAMPLES = (
    ("standard", {"amount": "0.10"}),
    (
        "graduated",
        {
            "graduated_ranges": [
                {"from_value": 0, "to_value": 1000, "per_unit_amount": "0", "flat_amount": "0"},
                {
                    "from_value": 1001,
                    "to_value": None,
                    "per_unit_amount": "0.02",
                    "flat_amount": "0",
                },
            ]
        },
    ),
)
_UNITS = 1000  # of each metric, where nothing was typed


class Told(NamedTuple):
    """Something about a place in the text; the place may be all of it."""

    line: str
    place: str
    text: str


@dataclass(slots=True)
class Trial:
    """What a text says: why it is no plan, or what is to be known of it and what it costs."""

    faults: list[Told] = field(default_factory=list)
    findings: list[Told] = field(default_factory=list)
    statements: Sequence[Any] = ()
    simulation: str = ""
    wrong: list[tuple[str, str]] = field(default_factory=list)  # fields beside the text
    warnings: Sequence[str] = ()


def new(at: At) -> Page:
    """An example to change, or a copy of a plan that is there."""
    at.query.refuse_others(("copy",))
    copied = at.query.one("copy")
    if copied is None:
        return _page(at, Query([("input", _example(at))]), None)
    plan = at.store.table(PLAN).get(copied).value
    row = as_file(PLAN, plan) | {"code": f"{plan.code}-copy", "name": f"{plan.name} (copy)"}
    return _page(at, Query([("input", _written(row))]), None)


def one(at: At) -> Page:
    """A plan, and the form to change it."""
    plan = at.store.table(PLAN).get(at.name).value
    return _page(at, Query([("input", _written(as_file(PLAN, plan)))]), plan)


def create(at: At) -> Page | Elsewhere:
    return _saved(at, None)


def change(at: At) -> Page | Elsewhere:
    return _saved(at, at.store.table(PLAN).get(at.name).value)


def attempt(at: At) -> Page:
    """The same form with what the text says; nothing is saved."""
    known = at.form.one("changes")
    plan = at.store.table(PLAN).get(known).value if known else None
    page = _page(at, at.form, plan)
    if at.form.flag("fragment"):
        page.template = "_plan_trial.html"
    return page


def _saved(at: At, plan: Plan | None) -> Page | Elsewhere:
    trial = Trial()
    try:
        document = _document(at.form)
        try:
            code = plan.code if plan else None
            entry = save_plan(at.store, document.value, now=at.now, code=code)
        except Faulty as several:
            trial.faults = _faults(document, several)
            return _page(at, at.form, plan, trial)
    except LagoError as error:
        trial.faults = [Told("", "", told(error))]
        return _page(at, at.form, plan, trial)
    return Elsewhere("plans", entry.value.code, "plan-changed" if plan else "plan-defined")


def _page(at: At, given: Query, plan: Plan | None, refused: Trial | None = None) -> Page:
    text = _text(given)
    units = given.one("units") or ("" if at.form.pairs else _units_of(text))
    period = given.one("period") or "previous"
    trial = refused or _trial(at, given, plan, units, period)
    values: dict[str, Any] = {
        "text": text,
        "rows": min(max(text.count("\n") + 2, 12), 32),
        "units": units,
        "period": period,
        "subscription": given.one("subscription") or "",
        "subscriptions": _subscriptions(at, plan),
        "trial": trial,
        "refused": refused is not None,
        "action": address_of("plans", plan.code) if plan else NEW,
        "attempt": TRY,
        "changes": plan.code if plan else "",
        "equal": _command(text, plan),
        "plan": plan,
        "has_metrics": bool(at.store.catalog.metrics()),
    }
    status = 422 if refused else 200
    if plan is None:
        return Page("plan.html", "Define a plan", values, status, has_data=False)
    entry = at.store.table(PLAN).get(plan.code)
    values["report"] = render(definition_report(PLAN, entry, at.now), link_of(None))
    values["leads"] = [*leads_of(PLAN, plan.code), ("Copy it", address(NEW, [("copy", plan.code)]))]
    values["command"] = Command("lago plans get", plan.code).text
    return Page("plan.html", f"Plan {plan.code}", values, status)


def _trial(at: At, given: Query, plan: Plan | None, units: str, period: str) -> Trial:
    trial, heard = Trial(), Heard()
    try:
        document = _document(given)
        draft = drafted(at.store, document.value, plan)
    except Faulty as several:
        trial.faults = _faults(document, several)
        return trial
    except LagoError as error:
        trial.faults = [Told("", "", told(error))]
        return trial
    metrics = at.store.catalog.metrics()
    if plan is None and draft.code in at.store.plans():
        path = ("plan", "code") if isinstance(document.value, dict) else ()
        trial.faults = [_told(document, path, f'There is a plan "{draft.code}" already.')]
    for each in in_plan(document, "", draft, metrics):
        hint = f" {each.finding.hint}" if each.finding.hint else ""
        trial.findings.append(_at(each.place, f"{each.finding.message}.{hint}"))
    store = WithPlan(at.store, draft, _BESIDE)
    try:
        answer = estimated(
            lambda: cast("BillingStore", store),
            store.plan.code,
            [line.strip() for line in units.splitlines() if line.strip()],
            (),
            heard,
            "table",
        )
        trial.statements = answer.statements if isinstance(answer, Pages) else ()
    except LagoError as error:
        trial.wrong.append(("units", told(error)))
    trial.warnings = heard.warnings
    if (subscription := given.one("subscription")) is not None:
        try:
            trial.simulation = _simulated(at, store, subscription, period)
        except LagoError as error:
            trial.wrong.append(("subscription", told(error)))
    return trial


def _simulated(at: At, store: WithPlan, subscription: str, period: str) -> str:
    query = Query([("subscription", subscription), ("period", period)])
    report = simulated(
        cast("BillingStore", store),
        query.usage_request(by="subscription"),
        [store.plan.code],
        now=at.now,
        in_units=True,
    )
    return render(Report(None, report.columns, list(report.rows), empty=report.empty))


def _document(given: Query) -> Document:
    return document_of("The text", _text(given).encode(errors="replace"))


def _text(given: Query) -> str:
    return (given.one("input") or "").replace("\r\n", "\n")


def _faults(document: Document, several: Faulty) -> list[Told]:
    """From the first line to the last."""
    found = [_told(document, path, told(error)) for path, error in several.faults]
    return sorted(found, key=lambda each: int(each.line or 0))


def _told(document: Document, path: Any, text: str) -> Told:
    return _at(document.place("", path), text)


def _at(place: str, text: str) -> Told:
    found = _PLACE.fullmatch(place)
    return Told(found[1] or "", found[2], text) if found else Told("", place, text)


def _written(row: Mapping[str, Any]) -> str:
    charges = [
        {key: value for key, value in charge.items() if value != []}
        for charge in row.get("charges", ())
    ]
    row = {**row, "charges": charges}
    return as_pretty_json({"plan": bare_numbers(row)}) + "\n"


def _example(at: At) -> str:
    """A plan for the metrics that there are."""
    charges = [
        {"billable_metric_code": code, "charge_model": model, "properties": properties}
        for code, (model, properties) in zip(at.store.catalog.metrics(), _EXAMPLES, strict=False)
    ]
    row = {
        "code": "starter",
        "name": "Starter",
        "interval": "monthly",
        "amount_cents": 4900,
        "amount_currency": "EUR",
        "pay_in_advance": False,
        "charges": charges,
    }
    return _written(row)


def _units_of(text: str) -> str:
    """A line for each metric that the text charges for, to have something to price."""
    codes = re.findall(r'"billable_metric_code": "([^"\\\n]+)"', text)
    return "\n".join(f"{code}={_UNITS}" for code in dict.fromkeys(codes))


def _subscriptions(at: At, plan: Plan | None) -> list[str]:
    """Whose usage it can be tried on; those of the plan come first."""
    found = sorted(
        at.store.accounts.subscriptions(), key=lambda each: each.plan_code != (plan and plan.code)
    )
    return [each.external_id for each in found[:100]]


def _command(text: str, plan: Plan | None) -> str:
    """With the text on the lines below it."""
    words = "lago plans create --input -"
    if plan is not None:
        code = quote(plan.code)
        words = f"lago plans update {code} --input -"
        if code.startswith("-"):
            words = f"lago plans update --input - -- {code}"
    end = "PLAN"
    while end in text.split("\n"):
        end += "_"
    body = text if text.endswith("\n") else f"{text}\n"
    return f"{words} <<'{end}'\n{body}{end}"
