"""`lago customers`: who uses, and where their days begin."""

from __future__ import annotations

from typing import Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session

app = typer.Typer(rich_markup_mode=None)

CustomerId = Annotated[
    str, typer.Argument(metavar="ID", help="What events call the customer: its external id.")
]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="What people call it.")]
Timezone = Annotated[
    str | None,
    typer.Option(
        "--timezone", metavar="TZ", help="Where its days begin, also past ones. [default: UTC]"
    ),
]
Currency = Annotated[
    str | None,
    typer.Option("--currency", metavar="CODE", help="What it pays in: three letters of ISO 4217."),
]


@command(app, "create")
def create(
    session: Session,
    external_id: Annotated[
        str, typer.Option("--external-id", metavar="ID", help="What events call the customer.")
    ],
    name: Name = None,
    timezone: Timezone = None,
    currency: Currency = None,
) -> None:
    """Register a customer. One that is not registered is created by its first event."""
    from lago_cli.cli.definition_reports import customer_report
    from lago_cli.domain.customers import Customer
    from lago_cli.services.accounts import create_customer

    customer = Customer(external_id, name or None, timezone or None, currency or None)
    store = session.store(writable=True)
    session.show(customer_report(create_customer(store, customer, now=session.now())))


@command(app, "list")
def list_(session: Session) -> None:
    """List all customers, registered or created by their first event."""
    from lago_cli.cli.definition_reports import customers_report

    session.show(customers_report(session.store().accounts.customers()))


@command(app, "get")
def get(session: Session, external_id: CustomerId) -> None:
    """Show one customer."""
    from lago_cli.cli.definition_reports import customer_report

    session.show(customer_report(session.store().accounts.customer(external_id)))


@command(app, "update")
def update(
    session: Session,
    external_id: CustomerId,
    name: Name = None,
    timezone: Timezone = None,
    currency: Currency = None,
) -> None:
    """Change what is given; an empty text takes a value away."""
    from lago_cli.cli.definition_reports import customer_report
    from lago_cli.services.accounts import update_customer

    texts = {"name": name, "timezone": timezone, "currency": currency}
    changes = {key: text or None for key, text in texts.items() if text is not None}
    store = session.store(writable=True, create=False)
    session.show(customer_report(update_customer(store, external_id, changes)))


@command(app, "delete")
def delete(session: Session, external_id: CustomerId) -> None:
    """Forget what is registered of a customer. Its events stay."""
    from lago_cli.cli.definition_reports import customer_report
    from lago_cli.services.accounts import delete_customer

    store = session.store(writable=True, create=False)
    known, is_gone = delete_customer(store, external_id)
    if not is_gone:
        session.note("Its events are kept, and so it stays in the list, without name or time zone.")
    session.show(customer_report(known))
