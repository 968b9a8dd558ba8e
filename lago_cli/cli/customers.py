"""`lago customers`: who uses, and where their days begin."""

from __future__ import annotations

import typer

from lago_cli.cli.definitions import add_create, add_delete, add_get, add_list, add_update
from lago_cli.domain.customers import CUSTOMER

app = typer.Typer(rich_markup_mode=None)

add_create(
    app,
    CUSTOMER,
    "Register a customer. One that is not registered is created by its first event.",
)
add_list(
    app,
    CUSTOMER,
    "List all customers, registered or created by their first event.",
    empty="No customers yet. The first event of one creates it.",
)
add_get(app, CUSTOMER)
add_update(app, CUSTOMER, "Change what is given; an empty text takes a value away.")
add_delete(
    app,
    CUSTOMER,
    "Forget what is registered of a customer. Its events stay.",
    if_named="Its events are kept, and so it stays in the list, without name or time zone.",
)
