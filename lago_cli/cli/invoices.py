"""`lago invoices`: what subscriptions cost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lago_cli.cli.options import Options, OutputOrPage, command, not_empty, option, parameter
from lago_cli.cli.selection import OF_BILLS, OPTIONS, request_of
from lago_cli.cli.session import Session
from lago_cli.errors import wrong_usage

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest

app = typer.Typer(rich_markup_mode=None)

Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=1,
        max=1_000_000_000,
        help="Show no more events of a fee. [default: 20 in the table, all elsewhere]",
    ),
]


def _of_one(**given: Any) -> UsageRequest:
    if len(set(given["subscriptions"] or ())) != 1:
        message = "Name the one subscription whose invoice to explain."
        raise wrong_usage("one_subscription", message, "For example: --subscription ID")
    return request_of(**given, by="subscription")


_SUBSCRIPTION = option(
    list[str],
    "--subscription",
    "ID",
    "The subscription whose invoice is explained.  [required]",
    callback=not_empty,
)
ONE = Options(
    [
        parameter("subscriptions", _SUBSCRIPTION),
        *(OPTIONS[name] for name in ("metrics", "period", "at", "as_of")),
    ],
    _of_one,
)


@command(app, "preview", given=OF_BILLS, outputs=OutputOrPage, may_watch=True)
def preview(session: Session, request: UsageRequest) -> None:
    """
    Show what subscriptions cost, as invoices.

    One subscription has its whole invoice, several have a row each. With -o html they are
    pages to be printed or sent.
    """
    from lago_cli.reports.bills import previewed

    store, now = session.store(), session.now()
    session.show(previewed(store, request, session, now=now, output=session.output))


@command(app, "explain", given=ONE)
def explain(session: Session, request: UsageRequest, limit: Limit = None) -> None:
    """
    Show every cent of an invoice, down to tiers and events.

    Events make the units, units the parts of a price, parts the amount in cents.
    """
    from lago_cli.reports.bills import explained

    raw = session.terminal(sys.stdout).raw
    answer = explained(
        session.store(),
        request,
        session,
        now=session.now(),
        output=session.output,
        limit=limit,
        raw=raw,
    )
    session.show(answer)
