"""`lago plans`: what usage costs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lago_cli.cli.definitions import add_delete, add_get, add_list, named, show
from lago_cli.cli.options import Options, command
from lago_cli.cli.selection import OPTIONS, request_of
from lago_cli.cli.session import Session
from lago_cli.domain.plans import PLAN

if TYPE_CHECKING:
    from lago_cli.readers.documents import Document
    from lago_cli.services.requests import UsageRequest

app = typer.Typer(rich_markup_mode=None)

Input = Annotated[
    str,
    typer.Option("--input", metavar="FILE|-", help="The plan as Lago writes it, in JSON or YAML."),
]


@command(app, "create")
def create(session: Session, input_: Input) -> None:
    """Define a plan. Its charges name metrics by billable_metric_code."""
    from lago_cli.domain.definitions import Faulty
    from lago_cli.services.plans import save_plan

    name, document = _read(session, input_)
    try:
        entry = save_plan(session.store(writable=True), document.value, now=session.now())
    except Faulty as several:
        raise _refusal(name, document, several) from None
    show(session, PLAN, entry)


add_list(
    app,
    PLAN,
    "List all plans.",
    empty="No plans yet. Define one with: lago plans create --input FILE",
)
add_get(app, PLAN)


@command(app, "update", given=named(PLAN))
def update(session: Session, code: str, input_: Input) -> None:
    """
    Change what the file says of a plan; for past periods too.

    Lists, such as the charges, are replaced as a whole.
    """
    from lago_cli.domain.definitions import Faulty
    from lago_cli.services.plans import save_plan

    name, document = _read(session, input_)
    store = session.store(writable=True, create=False)
    try:
        entry = save_plan(store, document.value, now=session.now(), code=code)
    except Faulty as several:
        raise _refusal(name, document, several) from None
    show(session, PLAN, entry)


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


@command(app, "estimate", given=named(PLAN))
def estimate(session: Session, code: str, units: Units = None, events: Events = None) -> None:
    """
    Show what one full billing period would cost.

    Where charges are billed monthly, the units are those of each month.
    """
    from lago_cli.cli.price_reports import estimate_report
    from lago_cli.services import estimates

    used = estimates.read_amounts("--units", units or (), whole=False)
    counted = estimates.read_amounts("--events", events or (), whole=True)
    store = session.store()
    found = estimates.estimate(store.plans(), store.catalog.metrics(), code, used, counted)
    for metric in found.carrying:
        session.warn(f'The events of "{metric}" carry their prices; here they cost nothing.')
    session.show(estimate_report(found))


SELECTION = Options(
    [OPTIONS[name] for name in ("customers", "subscriptions", "period", "at", "as_of")],
    lambda **given: request_of(**given, by="subscription"),
)
Codes = Annotated[list[str], typer.Argument(metavar="CODE...", help="The plans to try.")]


@command(app, "simulate", given=SELECTION)
def simulate(session: Session, request: UsageRequest, codes: Codes) -> None:
    """
    Show what real usage would have cost under other plans.

    What a subscription was billed for in the period stays the same. Where that is only a part
    of a billing period of the other plan, its amounts are prorated by days.
    """
    from lago_cli.cli.price_reports import simulation_report
    from lago_cli.services import simulation

    rows = simulation.simulate(session.store(), request, codes, now=session.now())
    session.show(simulation_report(rows, simulation.summaries(rows)))


def _read(session: Session, file: str) -> tuple[str, Document]:
    """The one document of a file. Raises `LagoError`."""
    from lago_cli.errors import refused
    from lago_cli.readers.documents import read_documents
    from lago_cli.readers.whole import read_whole
    from lago_cli.services.plans import unused_in_plan

    name, data = read_whole(file, sys.stdin.buffer)
    documents = read_documents(data)
    if len(documents) != 1:
        message = f"{name}: {len(documents)} documents, where one plan is expected."
        raise refused("several_documents", message, "Define several with: lago apply FILE")
    (document,) = documents
    for path, reason in unused_in_plan(document.value):
        session.warn(f"{document.place(name, path)}: {reason}.")
    return name, document


def _refusal(name: str, document: Document, several: Any) -> Exception:
    from lago_cli.cli.apply import refusal, told

    return refusal([told(document.place(name, path), error) for path, error in several.faults])
