"""`/events`: taken in through the writer; what is answered with 200 is committed."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from lago_cli.domain.batches import EventBatch, decode_lines
from lago_cli.domain.events import parse_event
from lago_cli.domain.instants import parse_moment
from lago_cli.domain.stored import EventSelection
from lago_cli.errors import LagoError
from lago_cli.server import bodies
from lago_cli.server.failures import (
    ApiError,
    Details,
    bad_request,
    invalid,
    missing_root,
    not_found,
    refusal,
)
from lago_cli.server.identifiers import lago_id
from lago_cli.server.refusals import note_refusals
from lago_cli.server.routes import Answer, Body, Request, reads, takes
from lago_cli.server.stamps import stamp_of_event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lago_cli.domain.stored import StoredEvent
    from lago_cli.server.gathering import Faults
    from lago_cli.stores.sqlite.store import SqliteStore

MOST = 100  # events of a batch

_ONE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MANY = msgspec.json.Decoder(list[msgspec.Raw])
CODES = {
    "duplicate": "value_already_exist",
    "missing_field": "value_is_mandatory",
    "empty_field": "value_is_mandatory",
    "wrong_type": "value_is_invalid",
    "invalid_timestamp": "invalid_format",
    "timestamp_out_of_range": "invalid_format",
    "invalid_properties": "value_is_invalid",
    "invalid_amount": "value_is_invalid",
}
"""Lago's codes for what is wrong with an event; others of ours are told as they are."""


async def create(request: Request) -> Answer:
    """Store one event. 422 where its id is taken, unless the server was started to skip those."""
    raw = _root(request.body, "event")
    batch, faults = _batch([raw])
    if faults:
        note_refusals(request, [raw], faults)
    else:
        accepted = await request.service.writer.append(batch)
        faults = accepted.verdict.faults
    if faults:
        raise _refusal(_details(faults[0]), faults)
    (event,) = answered(batch, accepted.received_at)
    return Answer(bodies.write({"event": event}))


async def create_batch(request: Request) -> Answer:
    """Store up to 100 events, or none of them."""
    raws = _list(_root(request.body, "events"))
    batch, faults = _batch(raws)
    if faults:
        note_refusals(request, raws, faults)
    else:
        accepted = await request.service.writer.append(batch)
        faults = accepted.verdict.faults
    if faults:
        raise _refusal({str(at): _details(error) for at, error in faults.items()}, faults)
    return Answer(bodies.write({"events": answered(batch, accepted.received_at)}))


def answered(batch: EventBatch, received_at: int) -> list[dict[str, Any]]:
    """Events as they are answered."""
    created_at = stamp_of_event(received_at)
    columns = (batch.transaction_ids, batch.parties, batch.codes, batch.at)
    texts = zip(batch.properties, batch.amounts, strict=True)
    return [
        {
            "lago_id": event_id(customer, subscription, transaction_id),
            "transaction_id": transaction_id,
            "lago_customer_id": None,
            "external_customer_id": customer,
            "lago_subscription_id": None,
            "external_subscription_id": subscription,
            "code": code,
            "timestamp": created_at if at is None else stamp_of_event(at),
            "precise_total_amount_cents": amount,
            "properties": msgspec.Raw(properties.encode()),
            "created_at": created_at,
        }
        for transaction_id, (customer, subscription), code, at, (properties, amount) in zip(
            *columns, texts, strict=True
        )
    ]


def event_id(customer: str | None, subscription: str | None, transaction_id: str) -> str:
    """An event is identified within its subscription, else within its customer."""
    if subscription is not None:
        return lago_id("event", "subscription", subscription, transaction_id)
    return lago_id("event", "customer", customer or "", transaction_id)


def _root(body: bytes, name: str) -> msgspec.Raw:
    try:
        fields = _ONE.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise bad_request("the body is no JSON object") from None
    if name not in fields or bytes(fields[name]) in (b"null", b"{}"):
        raise missing_root(name)
    return fields[name]


def _list(raw: msgspec.Raw) -> Sequence[msgspec.Raw]:
    try:
        raws = _MANY.decode(raw)
    except msgspec.MsgspecError:
        raise missing_root("events") from None
    if not raws:
        raise invalid({"events": ["no_events"]})
    if len(raws) > MOST:
        raise invalid({"events": ["too_many_events"]})
    return raws


def _batch(raws: Sequence[msgspec.Raw]) -> tuple[EventBatch, Faults]:
    """The events of a body, and what is wrong with them, by position."""
    lines = b"\n".join(bytes(raw).replace(b"\n", b" ") for raw in raws)  # only between tokens
    batch = decode_lines(lines, 0)
    if batch is not None:
        return batch, {}
    batch, faults = EventBatch(), {}
    for position, raw in enumerate(raws):
        try:
            batch.append(parse_event(_fields(raw)), position)
        except LagoError as error:
            faults[position] = error
    return batch, faults


def _fields(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of an event. Raises `ApiError` (400) where it is no object."""
    try:
        return _ONE.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise bad_request("an event is no JSON object") from None


def find(store: SqliteStore, request: Request) -> Body:
    """The first event of that id over all subscriptions; a deleted one is not there."""
    found = store.events.get(request.path["transaction_id"])
    stored = next((each for each in found if each.status != "deleted"), None)
    if stored is None:
        raise not_found("event_not_found")
    return {"event": stored_event(stored)}


def listed(store: SqliteStore, request: Request) -> Body:
    """The newest first, those of one instant by their ids."""
    selection = _selection(store, request)
    page = request.page
    count, kept = 0, []
    last = page.first + page.size
    rows = store.select(selection, newest_first=True) if selection else iter(())
    for _, together in groupby(rows, key=lambda row: row.at):
        for row in sorted(together, key=lambda row: row.event.transaction_id):
            if page.first <= count < last:
                kept.append(row)
            count += 1
    return {"events": [stored_event(row) for row in kept], "meta": page.meta(count)}


def stored_event(stored: StoredEvent) -> dict[str, Any]:
    """A stored event as it is answered."""
    batch = EventBatch()
    batch.append(stored.event, 0)
    (event,) = answered(batch, stored.received_at)
    return event


def _selection(store: SqliteStore, request: Request) -> EventSelection | None:
    """What a query asks for; None where nothing can be it."""
    code, name = request.get("code"), request.get("external_subscription_id")
    start = _instant(request, "timestamp_from")
    end = _instant(request, "timestamp_to")
    if request.get("timestamp_from_started_at") == "true":
        if name is None or start is not None:
            raise refusal(timestamp_from_started_at="value_is_invalid")
        subscription = store.registry([], [name]).subscriptions.get(name)
        start = subscription.started_at if subscription else None
    if code and not store.known("code", [code]):
        return None
    if name and not store.known("subscription", [name]):
        return None
    return EventSelection(
        subscriptions=(name,) if name else (),
        codes=(code,) if code else (),
        start=start,
        end=None if end is None else end + 1,  # inclusive
    )


def _instant(request: Request, key: str) -> int | None:
    text = request.get(key)
    if not text:
        return None
    try:
        return parse_moment(text)
    except ValueError:
        raise refusal(**{key: "invalid_date"}) from None


def _details(error: LagoError) -> dict[str, list[str]]:
    field = str(error.path[0]) if error.path else "base"
    return {field: [CODES.get(error.code, error.code)]}


def _refusal(details: Details, faults: Faults) -> ApiError:
    first = next(iter(faults.values()))
    hint = first.hint if first.hint and "--map" not in first.hint else None
    return invalid(details, first.message, hint)


ENDPOINTS = (
    takes("POST", "/events", create, writing=True),
    reads("GET", "/events", listed),
    takes("POST", "/events/batch", create_batch, writing=True),
    reads("GET", "/events/{transaction_id}", find),
)
