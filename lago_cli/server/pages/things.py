"""Lists of what is defined and registered, what came in, and each of it on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lago_cli.domain.customers import CUSTOMER
from lago_cli.domain.metrics import METRIC
from lago_cli.domain.plans import PLAN
from lago_cli.domain.subscriptions import SUBSCRIPTION
from lago_cli.errors import not_found
from lago_cli.renderers import Report
from lago_cli.renderers.html import Part, render
from lago_cli.reports.definitions import definition_report, list_report
from lago_cli.reports.records import run_report, runs_report
from lago_cli.server.pages.addresses import address, address_of
from lago_cli.server.pages.page import ROWS, At, Elsewhere, Page, paging
from lago_cli.server.pages.sentences import sayer

if TYPE_CHECKING:
    from lago_cli.domain.definitions import Definition
    from lago_cli.domain.runs import Run
    from lago_cli.renderers import Answer, Column

Row = Mapping[str, object]
LARGEST = 2**63 - 1
EMPTY = {
    "metric": "No metrics yet. Define one with: lago metrics create",
    "customer": "No customers yet. The first event of one creates it.",
    "plan": "No plans yet. Define one with: lago plans create --input FILE",
    "subscription": "No subscriptions yet. Register one with: lago subscriptions create",
}
SECTIONS = {
    "metric": "billable-metrics",
    "customer": "customers",
    "plan": "plans",
    "subscription": "subscriptions",
}
_LEADS = {  # columns that name another thing
    "billable_metric_code": "billable-metrics",
    "external_customer_id": "customers",
    "external_subscription_id": "subscriptions",
    "plan_code": "plans",
}


def list_data(of: Definition[Any]) -> Callable[[At, str], Answer]:
    def data(at: At, output: str) -> Answer:  # noqa: ARG001 - all programs get the same rows
        at.query.refuse_others(())
        return list_report(at.store, of, at.now, empty=EMPTY[of.word])

    return data


def list_page(of: Definition[Any]) -> Callable[[At], Page]:
    def page(at: At) -> Page:
        at.query.refuse_others(())
        report = list_report(at.store, of, at.now, empty=EMPTY[of.word])
        rows = list(report.rows)
        shown = Report(None, report.columns, rows, empty=report.empty)
        values = {
            "report": render(shown, link_of(of), Part(at.skipped, ROWS), footer=sayer(at)),
            "paging": paging(at, len(rows)),
            "command": f"lago {of.plural} list",
            "word": of.word,
        }
        return Page("list.html", of.plural.capitalize(), values)

    return page


def link_of(of: Definition[Any] | None) -> Callable[[Column, Row], str | None]:
    """What a definition is called leads to its page; what it names leads to that one's."""

    def link(column: Column, row: Row) -> str | None:
        value = row.get(column.key)
        if not isinstance(value, str):
            return None
        if of is not None and column.key == of.key:
            return address_of(SECTIONS[of.word], value)
        section = _LEADS.get(column.key)
        return address_of(section, value) if section else None

    return link


def one_data(of: Definition[Any]) -> Callable[[At, str], Answer]:
    def data(at: At, output: str) -> Answer:  # noqa: ARG001 - all programs get the same
        return definition_report(of, at.store.table(of).get(at.name), at.now)

    return data


def leads_of(of: Definition[Any], name: str) -> list[tuple[str, str]]:
    """Where one goes on from a definition."""
    if of is METRIC:
        return [
            ("Usage", address("/usage", [("metric", name)])),
            ("Events", address("/events", [("code", name)])),
        ]
    if of is PLAN:
        return [
            ("Estimate a period", address("/estimate", [("plan", name)])),
            ("Simulate on real usage", address("/simulation", [("plan", name)])),
        ]
    which = "customer" if of is CUSTOMER else "subscription"
    leads = [("Usage", address("/usage", [(which, name)]))]
    if of is SUBSCRIPTION:
        leads.append(("Invoice", address_of("invoices", name)))
    else:
        leads.append(("Invoices", address("/invoices", [(which, name)])))
    return [*leads, ("Events", address("/events", [(which, name)]))]


def runs_data(at: At, output: str) -> Answer:  # noqa: ARG001 - all programs get the same rows
    at.query.refuse_others(())
    return runs_report(at.store.runs.list())


def runs_page(at: At) -> Page:
    at.query.refuse_others(())
    runs = list(at.store.runs.list())
    report = runs_report(runs)
    values = {
        "report": render(report, _run_link, Part(at.skipped, ROWS), footer=sayer(at)),
        "paging": paging(at, len(runs)),
        "command": "lago ingest-runs list",
        "word": "run",
    }
    return Page("list.html", "Ingest runs", values)


def _run_link(column: Column, row: Row) -> str | None:
    return address_of("ingest-runs", str(row["run"])) if column.key == "run" else None


def run_data(at: At, output: str) -> Answer:  # noqa: ARG001 - all programs get the same
    return run_report(_run(at))


def run_page(at: At) -> Page:
    return _of_run(_run(at))


def _of_run(run: Run, fault: str = "") -> Page:
    tally = run.tally
    values = {
        "report": render(run_report(run)),
        "run": run,
        "rejected": tally.rejected,
        "left_out": [
            (f"{count:,} {word}", address("/events", [("status", word)]))
            for word, count in (("unmatched", tally.unmatched), ("unusable", tally.unusable))
            if count
        ],
        "brought": tally.ingested + tally.replaced - run.deleted,
        "fault": fault,
        "action": address_of("ingest-runs", str(run.run)),
        "command": f"lago ingest-runs get {run.run}",
    }
    return Page("run.html", f"Ingest run {run.run}", values, 422 if fault else 200)


def _run(at: At) -> Run:
    text = at.name
    if not (text.isascii() and text.isdigit()):
        raise not_found("run", text, "List them with: lago ingest-runs list")
    digits = text.lstrip("0")
    return at.store.runs.get(int(digits or 0) if len(digits) < len(str(LARGEST)) else LARGEST)


def revert(at: At) -> Page | Elsewhere:
    """Take a run back, where it is confirmed."""
    run = _run(at)
    if not at.form.flag("confirmed"):
        return _of_run(run, "Tick the box to confirm that the run is to be taken back.")
    at.store.revert(run.run, at.now)
    return Elsewhere("ingest-runs", str(run.run), "reverted")
