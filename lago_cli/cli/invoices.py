"""`lago invoices`: what subscriptions cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lago_cli.cli.options import Options, command
from lago_cli.cli.selection import OPTIONS, request_of
from lago_cli.cli.session import Session

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest

app = typer.Typer(rich_markup_mode=None)

SELECTION = Options(
    [OPTIONS[name] for name in ("customers", "subscriptions", "period", "at", "as_of")],
    lambda **given: request_of(**given, by="subscription"),
)


@command(app, "preview", given=SELECTION)
def preview(session: Session, request: UsageRequest) -> None:
    """Show what subscriptions cost, as invoices."""
    from lago_cli.renderers import Column, Report
    from lago_cli.services import wire_prices
    from lago_cli.services.invoicing import Invoicing

    invoicing = Invoicing(session.store(), request, session.now())
    rows = [wire_prices.invoice(each) for each in invoicing.invoices()]
    columns = [Column(key) for key in (rows[0] if rows else ())]
    single = len(request.subscriptions) == 1 and len(rows) == 1
    session.show(Report(None, columns, rows, single=single))
