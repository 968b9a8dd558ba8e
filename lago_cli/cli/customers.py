"""`lago customers`: who uses, and where their days begin."""

from __future__ import annotations

from typing import Annotated

import typer

from lago_cli.cli.definitions import add_create, add_delete, add_get, add_update
from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.domain.customers import CUSTOMER
from lago_cli.reports.definitions import list_report

app = typer.Typer(rich_markup_mode=None)

WithUsage = Annotated[
    bool,
    typer.Option(
        "--with-usage", help="Also what each used in the current period, metric by metric."
    ),
]

add_create(
    app,
    CUSTOMER,
    "Register a customer. One that is not registered is created by its first event.",
)


@command(app, "list")
def list_(session: Session, with_usage: WithUsage = False) -> None:
    """List all customers, registered or created by their first event."""
    empty = "No customers yet. The first event of one creates it."
    store, now = session.store(), session.now()
    report = list_report(store, CUSTOMER, now, empty=empty)
    if with_usage:
        from lago_cli.reports.customers import beside_usage

        report = beside_usage(store, report, now=now, raw=session.raw)
    session.show(report)


add_get(app, CUSTOMER)
add_update(app, CUSTOMER, "Change what is given; an empty text takes a value away.")
add_delete(
    app,
    CUSTOMER,
    "Forget what is registered of a customer. Its events stay.",
    if_named="Its events are kept, and so it stays in the list, without name or time zone.",
)
