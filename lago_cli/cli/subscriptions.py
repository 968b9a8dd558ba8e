"""`lago subscriptions`: from when to when a customer is billed, and in which periods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.definitions import add_create, add_get, add_list, add_update, named, show
from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.domain.subscriptions import SUBSCRIPTION, Subscription

if TYPE_CHECKING:
    from lago_cli.stores.base import DefinitionStore

app = typer.Typer(rich_markup_mode=None)

End = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="INSTANT", help="End of the subscription (exclusive). [default: now]"
    ),
]
Plan = Annotated[str, typer.Argument(metavar="CODE", help="The code of the new plan.")]
Change = Annotated[
    str | None,
    typer.Option("--at", metavar="INSTANT", help="Start of the new plan. [default: now]"),
]


def _warn_of_others(session: Session, store: DefinitionStore, subscription: Subscription) -> None:
    from lago_cli.services.catalog import events_of_others

    others = events_of_others(store, subscription)
    if others:
        session.warn(
            f'Stored events of "{subscription.external_id}" name another customer:'
            f" {', '.join(others[:3])}. They keep counting for that customer."
        )


add_create(
    app,
    SUBSCRIPTION,
    "Register a subscription. Events that came before it are its own at once.",
    then=_warn_of_others,
)
add_list(
    app,
    SUBSCRIPTION,
    "List all registered subscriptions.",
    empty="No subscriptions yet. Register one with: lago subscriptions create",
)
add_get(app, SUBSCRIPTION)
add_update(
    app,
    SUBSCRIPTION,
    "Change what is given. For past periods too; an empty text takes a value away.",
)


@command(app, "change-plan", given=named(SUBSCRIPTION))
def change_plan(session: Session, external_id: str, plan: Plan, at: Change = None) -> None:
    """
    Bill a subscription by another plan from an instant on.

    The day of the change belongs to the new plan. To correct the plan for all periods, past
    ones too, use: lago subscriptions update ID --plan-code CODE
    """
    from lago_cli.services import catalog

    store = session.store(writable=True, create=False)
    now = session.now()
    show(session, SUBSCRIPTION, catalog.change_plan(store, external_id, plan, at, now=now))


@command(app, "terminate", given=named(SUBSCRIPTION))
def terminate(session: Session, external_id: str, at: End = None) -> None:
    """End a subscription. What happens from then on does not count for it."""
    from lago_cli.services import catalog

    store = session.store(writable=True, create=False)
    show(session, SUBSCRIPTION, catalog.terminate(store, external_id, at, now=session.now()))
