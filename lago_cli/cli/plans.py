"""`lago plans`: what usage costs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.definitions import add_delete, add_get, add_list, named, show
from lago_cli.cli.options import OutputOrPage, command
from lago_cli.cli.selection import OF_BILLS
from lago_cli.cli.session import Session
from lago_cli.domain.plans import PLAN

if TYPE_CHECKING:
    from lago_cli.domain.metrics import Metric
    from lago_cli.domain.plans import Plan
    from lago_cli.readers.documents import Document
    from lago_cli.reports.findings import Located
    from lago_cli.services.requests import UsageRequest

app = typer.Typer(rich_markup_mode=None)

Input = Annotated[
    str,
    typer.Option("--input", metavar="FILE|-", help="The plan as Lago writes it, in JSON or YAML."),
]


Strict = Annotated[bool, typer.Option("--strict", help="Take warnings for faults.")]
LintStrict = Annotated[bool, typer.Option("--strict", help="Exit code 5 for warnings, too.")]


@command(app, "create")
def create(session: Session, input_: Input, strict: Strict = False) -> None:
    """Define a plan. Its charges name metrics by billable_metric_code."""
    _save(session, input_, strict=strict)


add_list(
    app,
    PLAN,
    "List all plans.",
    empty="No plans yet. Define one with: lago plans create --input FILE",
)
add_get(app, PLAN)


@command(app, "update", given=named(PLAN))
def update(session: Session, code: str, input_: Input, strict: Strict = False) -> None:
    """
    Change what the file says of a plan; for past periods too.

    Lists, such as the charges, are replaced as a whole.
    """
    _save(session, input_, code, strict=strict)


add_delete(app, PLAN, "Delete a plan that no subscription has.")


Units = Annotated[
    list[str] | None,
    typer.Option(
        "--units",
        metavar="CODE=N",
        help="What is used of a metric; 'CODE[region=eu]=N' where prices ask for a property.",
    ),
]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--events",
        metavar="CODE=N",
        help="In how many events. [default: each unit of a count, else a single one]",
    ),
]


@command(app, "estimate", given=named(PLAN), outputs=OutputOrPage)
def estimate(session: Session, code: str, units: Units = None, events: Events = None) -> None:
    """
    Show what one full billing period would cost.

    Where charges are billed monthly, the units are those of each month.
    """
    from lago_cli.reports.estimates import estimated

    store = session.store
    session.show(estimated(store, code, units or (), events or (), session, session.output))


Codes = Annotated[list[str], typer.Argument(metavar="CODE...", help="The plans to try.")]


@command(app, "simulate", given=OF_BILLS)
def simulate(session: Session, request: UsageRequest, codes: Codes) -> None:
    """
    Show what real usage would have cost under other plans.

    What a subscription was billed for in the period stays the same. Where that is only a part
    of a billing period of the other plan, its amounts are prorated by days.
    """
    from lago_cli.reports.bills import simulated

    store, now, in_units = session.store(), session.now(), session.output == "table"
    session.show(simulated(store, request, codes, now=now, in_units=in_units))


File = Annotated[
    str | None,
    typer.Argument(metavar="FILE", help="A plan or definitions, in JSON or YAML. [default: all]"),
]


@command(app, "lint")
def lint(session: Session, file: File = None, strict: LintStrict = False) -> None:
    """
    Look for what is no fault and yet hardly meant.

    Without a file everything that is defined is looked at, and what events name. Exit code 5
    where there is an error.
    """
    from lago_cli.errors import refused
    from lago_cli.reports.findings import Located, report
    from lago_cli.services.lint import of_store

    if file is None:
        findings = [Located(each.place, each) for each in of_store(session.store())]
    else:
        findings = _findings_in(session, file)
    session.show(report(findings))
    faults = sum(strict or each.finding.severity == "error" for each in findings)
    if faults:
        raise refused("findings", "1 finding." if faults == 1 else f"{faults} findings.")


def _findings_in(session: Session, file: str) -> list[Located]:
    """Raises `LagoError` (refused) where the file is faulty."""
    from lago_cli.cli.definition_files import read_files, wanted_of
    from lago_cli.cli.findings import as_definitions, in_files
    from lago_cli.services.definitions import Known
    from lago_cli.services.lint import NOTHING, known_in

    documents, unreadable = read_files([file])
    found = [(name, as_definitions(document)) for name, document in documents], unreadable
    if not os.path.exists(session.db):  # noqa: PTH110 - it raises nothing
        return in_files(found, wanted_of(found, Known({}, {}, session.now())), NOTHING)
    store = session.store()
    there = known_in(store)
    known = Known(
        store.accounts.timezones(),
        there.subscriptions,
        session.now(),
        there.metrics,
        there.plans,
    )
    return in_files(found, wanted_of(found, known), there)


def _save(session: Session, file: str, code: str | None = None, *, strict: bool) -> None:
    """Create the plan that a file has, or change the one of that code."""
    from lago_cli.cli.definition_files import refusal
    from lago_cli.cli.findings import refuse, warn
    from lago_cli.domain.definitions import Faulty
    from lago_cli.reports.findings import in_plan, told
    from lago_cli.services.plans import save_plan

    name, document = _read(file)

    def look(plan: Plan, metrics: Mapping[str, Metric]) -> None:
        found = in_plan(document, name, plan, metrics)
        if strict:
            refuse(found)
        warn(session, found)

    store = session.store(writable=True, create=code is None)
    try:
        entry = save_plan(store, document.value, now=session.now(), code=code, first=look)
    except Faulty as several:
        faults = [told(document.place(name, path), error) for path, error in several.faults]
        raise refusal(faults) from None
    show(session, PLAN, entry)


def _read(file: str) -> tuple[str, Document]:
    """The one document of a file. Raises `LagoError`."""
    from lago_cli.readers.whole import read_whole
    from lago_cli.services.plans import document_of

    name, data = read_whole(file, sys.stdin.buffer)
    return name, document_of(name, data)
