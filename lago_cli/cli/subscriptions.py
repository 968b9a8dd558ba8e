"""`lago subscriptions`: from when to when a customer is billed, and in which periods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session

if TYPE_CHECKING:
    from lago_cli.domain.subscriptions import Subscription
    from lago_cli.stores.sqlite.store import SqliteStore

app = typer.Typer(rich_markup_mode=None)

SubscriptionId = Annotated[
    str, typer.Argument(metavar="ID", help="What events call the subscription: its external id.")
]
PlanCode = Annotated[
    str | None, typer.Option("--plan-code", metavar="CODE", help="The plan it is billed by.")
]
Interval = Annotated[
    str | None,
    typer.Option(
        "--interval",
        metavar="INTERVAL",
        help="weekly, monthly, quarterly, semiannual or yearly. [default: monthly]",
    ),
]
BillingTime = Annotated[
    str | None,
    typer.Option(
        "--billing-time",
        metavar="WHEN",
        help="Periods begin with the calendar's, or on the anniversary of the subscription."
        " [default: calendar]",
    ),
]
SubscriptionAt = Annotated[
    str | None,
    typer.Option(
        "--subscription-at",
        metavar="INSTANT",
        help="Its day is the one anniversaries are counted from. [default: its start]",
    ),
]
StartedAt = Annotated[
    str | None,
    typer.Option(
        "--started-at",
        metavar="INSTANT",
        help="The first instant that counts. [default: --subscription-at, else now]",
    ),
]
EndingAt = Annotated[
    str | None,
    typer.Option("--ending-at", metavar="INSTANT", help="The first that no longer does."),
]


@command(app, "create")
def create(
    session: Session,
    external_id: Annotated[
        str, typer.Option("--external-id", metavar="ID", help="What events call the subscription.")
    ],
    external_customer_id: Annotated[
        str, typer.Option("--external-customer-id", metavar="ID", help="Whose it is.")
    ],
    plan_code: PlanCode = None,
    interval: Interval = None,
    billing_time: BillingTime = None,
    subscription_at: SubscriptionAt = None,
    started_at: StartedAt = None,
    ending_at: EndingAt = None,
) -> None:
    """Register a subscription. Events that came before it are its own at once."""
    from datetime import UTC

    from lago_cli.cli.definition_reports import subscription_report
    from lago_cli.services.accounts import create_subscription, define_subscription

    terms = {
        "external_id": external_id,
        "external_customer_id": external_customer_id,
        "plan_code": plan_code or None,
        "interval": interval,
        "billing_time": billing_time,
        "subscription_at": subscription_at,
        "started_at": started_at,
        "ending_at": ending_at or None,
    }
    define_subscription(terms, UTC, now=session.now())  # a faulty one creates no file
    store = session.store(writable=True)
    known = create_subscription(store, terms, now=session.now())
    _warn_of_others(session, store, known.subscription)
    session.show(subscription_report(known, session.now()))


@command(app, "list")
def list_(session: Session) -> None:
    """List all registered subscriptions."""
    from lago_cli.cli.definition_reports import subscriptions_report

    known = session.store().accounts.known_subscriptions()
    session.show(subscriptions_report(known, session.now()))


@command(app, "get")
def get(session: Session, external_id: SubscriptionId) -> None:
    """Show one subscription."""
    from lago_cli.cli.definition_reports import subscription_report

    known = session.store().accounts.subscription(external_id)
    session.show(subscription_report(known, session.now()))


@command(app, "update")
def update(
    session: Session,
    external_id: SubscriptionId,
    plan_code: PlanCode = None,
    interval: Interval = None,
    billing_time: BillingTime = None,
    subscription_at: SubscriptionAt = None,
    started_at: StartedAt = None,
    ending_at: EndingAt = None,
) -> None:
    """Change what is given. For past periods too; an empty text takes a value away."""
    from lago_cli.cli.definition_reports import subscription_report
    from lago_cli.services.accounts import update_subscription

    texts = {
        "plan_code": plan_code,
        "interval": interval,
        "billing_time": billing_time,
        "subscription_at": subscription_at,
        "started_at": started_at,
        "ending_at": ending_at,
    }
    removable = ("plan_code", "ending_at")
    changes = {
        key: text or None if key in removable else text
        for key, text in texts.items()
        if text is not None
    }
    store = session.store(writable=True, create=False)
    known = update_subscription(store, external_id, changes)
    session.show(subscription_report(known, session.now()))


@command(app, "terminate")
def terminate(
    session: Session,
    external_id: SubscriptionId,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="INSTANT",
            help="The first that no longer counts. [default: now]",
        ),
    ] = None,
) -> None:
    """End a subscription. What happens from then on does not count for it."""
    from lago_cli.cli.definition_reports import subscription_report
    from lago_cli.services.accounts import terminate_subscription

    store = session.store(writable=True, create=False)
    known = terminate_subscription(store, external_id, at, now=session.now())
    session.show(subscription_report(known, session.now()))


def _warn_of_others(session: Session, store: SqliteStore, subscription: Subscription) -> None:
    from lago_cli.services.accounts import events_of_others

    others = events_of_others(store, subscription)
    if others:
        session.warn(
            f'Stored events of "{subscription.external_id}" name another customer:'
            f" {', '.join(others[:3])}. They keep counting for that customer."
        )
