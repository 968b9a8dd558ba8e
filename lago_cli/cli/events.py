"""`lago events`: send them one by one, and look at them."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lago_cli.cli.options import (
    Customers,
    From,
    Metrics,
    Options,
    Subscriptions,
    To,
    command,
    instant_option,
    not_empty,
    option,
    parameter,
    spelled,
)
from lago_cli.cli.session import Session
from lago_cli.errors import not_found, wrong_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lago_cli.domain.stored import EventSelection, Status, StoredEvent
    from lago_cli.services.corrections import Which

app = typer.Typer(rich_markup_mode=None)

TransactionId = Annotated[
    str, typer.Argument(metavar="TRANSACTION_ID", help="The id that the event was sent under.")
]
MOST = 1_000_000_000


def _selection(
    start: str | None, end: str | None, status: Status | None, **names: Sequence[str] | None
) -> EventSelection:
    from lago_cli.domain.stored import EventSelection

    first, last = instant_option("--from", start), instant_option("--to", end)
    if first is not None and last is not None and last < first:
        _refuse_period(first, last)
    named: dict[str, Any] = {what: tuple(texts or ()) for what, texts in names.items()}
    return EventSelection(start=first, end=last, status=status, **named)


def _refuse_period(start: int, end: int) -> None:
    """In the words of `lago usage`. Raises `LagoError` (wrong usage)."""
    from lago_cli.domain.instants import to_datetime
    from lago_cli.domain.periods import Period

    Period(to_datetime(start), to_datetime(end))


_OPTIONS = {
    "customers": Customers,
    "subscriptions": Subscriptions,
    "codes": Metrics,
    "start": From,
    "end": To,
    "status": option(
        Literal["counted", "unmatched", "unusable", "deleted"],
        "--status",
        "STATUS",
        "Only those that are counted, unmatched, unusable or deleted.",
    ),
}
SELECTION = Options([parameter(*each) for each in _OPTIONS.items()], _selection)


def _which(transaction_id: str, customer: str | None, subscription: str | None) -> Which:
    from lago_cli.services.corrections import Which

    if not _is_utf8(transaction_id):
        raise not_found("event", transaction_id, "List events with: lago events list")
    return Which(transaction_id, customer, subscription)


def _not_blank(given: str) -> str:
    if not given.strip():
        raise typer.BadParameter("it is empty.")
    return given


WHICH = Options(
    [
        parameter("transaction_id", TransactionId, inspect.Parameter.empty),
        parameter(
            "customer",
            option(
                *(str, "--customer", "ID", "Whose it is, where several have an event of this id."),
                callback=not_empty,
            ),
        ),
        parameter(
            "subscription",
            option(str, "--subscription", "ID", "Which subscription it names.", callback=not_empty),
        ),
    ],
    _which,
)


@command(app, "send")
def send(
    session: Session,
    code: Annotated[
        str, typer.Option(*spelled("--code"), metavar="CODE", help="The metric's code.")
    ],
    customer: Annotated[
        str | None,
        typer.Option(*spelled("--customer"), metavar="ID", help="Whose usage it is."),
    ] = None,
    subscription: Annotated[
        str | None,
        typer.Option(
            *spelled("--subscription"), metavar="ID", help="Which of their subscriptions it is."
        ),
    ] = None,
    transaction_id: Annotated[
        str | None,
        typer.Option(
            "--transaction-id",
            metavar="ID",
            help="What makes it one event, however often it is sent. [default: a new random one]",
        ),
    ] = None,
    timestamp: Annotated[
        str | None,
        typer.Option("--timestamp", metavar="INSTANT", help="When it happened. [default: now]"),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--properties", metavar="JSON|KEY=VALUE", help="An object, or one property each."
        ),
    ] = None,
    amount: Annotated[
        str | None,
        typer.Option(
            "--precise-total-amount-cents", metavar="DECIMAL", help="What it costs, if known."
        ),
    ] = None,
    on_duplicate: Annotated[
        Literal["skip", "replace", "error"],
        typer.Option(
            "--on-duplicate",
            metavar="ACTION",
            help="What becomes of it if its id is taken: skip, replace or error.",
        ),
    ] = "skip",
) -> None:
    """Store one event. Under an id that is taken it changes nothing, or replaces the stored one."""
    from uuid import uuid4

    from lago_cli.cli.ingest import send_records
    from lago_cli.domain.json_text import encode
    from lago_cli.readers.objects import records_of

    event: dict[str, Any] = {
        "transaction_id": str(uuid4()) if transaction_id is None else transaction_id,
        "external_customer_id": customer or None,
        "external_subscription_id": subscription or None,
        "code": code,
        "timestamp": timestamp,
        "properties": _properties(properties or []),
        "precise_total_amount_cents": amount,
    }
    try:
        records = list(records_of(encode(event), line=1))
    except UnicodeEncodeError:
        raise wrong_usage("invalid_utf8", "The event is not valid UTF-8.") from None
    send_records(session, records, event["transaction_id"], on_duplicate)
    if transaction_id is None:
        session.note(f"Transaction id: {event['transaction_id']}")


@command(app, "list", SELECTION, may_watch=True)
def list_(
    session: Session,
    selection: EventSelection,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, max=MOST, help="Show no more than that.")
    ] = 100,
) -> None:
    """List events, the newest first."""
    from lago_cli.reports.records import events_report
    from lago_cli.services.names import refuse_unknown_in

    store = session.store()
    refuse_unknown_in(store, selection)
    events = store.select(replace(selection, limit=limit + 1), newest_first=True)
    deleted = selection.status == "deleted"
    report = events_report(events, limit=limit, deleted=deleted)
    session.show(report)
    if session.output != "table":
        for sentence in report.footer:  # which data has no place for
            session.note(sentence)


@command(app, "get")
def get(session: Session, transaction_id: TransactionId) -> None:
    """Show the event of a transaction id. All of them, where several subscriptions have one."""
    from lago_cli.reports.records import event_report, events_report

    events = session.store().events
    found = events.get(transaction_id) if _is_utf8(transaction_id) else []
    if not found:
        raise not_found("event", transaction_id, "List events with: lago events list")
    deleted = any(event.status == "deleted" for event in found)
    several = events_report(found, limit=None, deleted=deleted)
    session.show(event_report(found[0]) if len(found) == 1 else several)


@command(app, "delete", WHICH)
def delete(
    session: Session,
    which: Which,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", metavar="TEXT", callback=_not_blank, help="Why; it is kept with the event."
        ),
    ],
) -> None:
    """Take one event out of every figure. It is kept for explain and --as-of; see undelete."""
    from lago_cli.services.corrections import delete_event

    if not _is_utf8(reason):
        raise wrong_usage("invalid_utf8", "The reason is not valid UTF-8.")
    store = session.store(writable=True, create=False)
    _show_corrected(session, delete_event(store, which, reason, now=session.now()))


@command(app, "undelete", WHICH)
def undelete(session: Session, which: Which) -> None:
    """Bring a deleted event back into every figure."""
    from lago_cli.services.corrections import undelete_event

    store = session.store(writable=True, create=False)
    _show_corrected(session, undelete_event(store, which, now=session.now()))


def _show_corrected(session: Session, event: StoredEvent) -> None:
    from lago_cli.reports.records import event_report

    if not session.quiet:
        session.show(event_report(event))


@command(app, "explain")
def explain(session: Session, transaction_id: TransactionId) -> None:
    """Follow one event step by step. To the figure that counts it, or to where it stops."""
    from lago_cli.reports.events_explained import traces_of
    from lago_cli.reports.explanations import traces_report

    traces = traces_of(session.store(), transaction_id, now=session.now())
    session.show(traces_report(traces, in_table=session.output == "table"))


@command(app, "export", SELECTION)
def export(
    session: Session,
    selection: EventSelection,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=0, max=MOST, help="Write no more than that."),
    ] = None,
) -> None:
    """Write events in the form that ingest takes back. Oldest first, by default as NDJSON."""
    from lago_cli.reports.records import exported_report
    from lago_cli.services.names import refuse_unknown_in

    store = session.store()
    refuse_unknown_in(store, selection)
    selection = replace(selection, limit=limit)
    is_readable = session.output in ("json", "ndjson", "csv")
    if session.output == "table" or not (is_readable or session.output_chosen):
        session.output = "ndjson"  # also where a variable asks for what ingest cannot read
    session.show(exported_report(store.select(selection)))


def _is_utf8(text: str) -> bool:
    """Whether it is text: an argument may be any bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _properties(arguments: list[str]) -> dict[str, object]:
    """
    One object out of `{"k": "v"}` and `k=v` arguments; the later one wins.

    Raises:
        LagoError: wrong usage, for an argument that is neither.
    """
    from msgspec import DecodeError

    from lago_cli.domain.json_text import decode_object

    found: dict[str, object] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if argument.lstrip().startswith("{"):
            try:
                found |= decode_object(argument)
                continue
            except (DecodeError, RecursionError, UnicodeEncodeError) as error:
                reason = f"--properties: {error}."
        elif equals and name:
            found[name] = value
            continue
        else:
            reason = f"--properties {argument}: expected a JSON object or NAME=VALUE."
        raise wrong_usage("invalid_properties", reason, "For example: --properties gb=1.5")
    return found
