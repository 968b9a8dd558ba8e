"""Looking at events: in the order of time, by transaction id, or as evidence of a figure."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from msgspec import json

from lago_cli.domain.events import Event
from lago_cli.domain.instants import Window
from lago_cli.domain.ranks import ID_MASK
from lago_cli.domain.stored import EventPage, EventSelection, Status, StoredEvent, Ties
from lago_cli.domain.usage import Evidence, UsageQuery
from lago_cli.stores.sqlite.ordering import Wanted, evidence_in_order, ids_in_order, rows_beyond
from lago_cli.stores.sqlite.parties import Parties
from lago_cli.stores.sqlite.pieces import Pieces, pieces_of_spans
from lago_cli.stores.sqlite.query import Snapshot
from lago_cli.stores.sqlite.versions import History, history

_COLUMNS = """
       e.id, e.at, e.finer, e.transaction_id, c.code, p.external_customer_id,
       p.external_subscription_id, e.properties, e.precise_total_amount_cents,
       e.received_at, e.run_id,
       CASE WHEN m.code IS NULL THEN 'unmatched' WHEN u.event_id IS NULL THEN 'counted'
            ELSE 'unusable' END
"""
_TABLES = ("events", "deleted_events", "replaced_events")
_NAMES = """
  JOIN parties AS p ON p.id = e.party_id
  JOIN codes AS c ON c.id = e.code_id
  LEFT JOIN metrics AS m ON m.code = c.code
  LEFT JOIN unusable_events AS u ON u.event_id = e.id
"""
_OF_IDS = f"""
SELECT {_COLUMNS}
  FROM json_each(?) AS wanted CROSS JOIN {{table}} AS e ON e.id = wanted.value {_NAMES}
"""  # noqa: S608
_PUT_ASIDE = f"SELECT {_COLUMNS} FROM replaced_events AS e {_NAMES} WHERE e.replaced_by = ?"  # noqa: S608
_DELETED = f"""
SELECT e.party_id, {_COLUMNS} FROM deleted_events AS e {_NAMES}
 WHERE e.at >= ? AND e.at < ?
 ORDER BY e.at, e.finer, e.id
"""  # noqa: S608
_SORTED = "SELECT e.id FROM json_each(?) AS wanted CROSS JOIN events AS e ON e.id = wanted.value"
_SCANNED = """
SELECT e.id, e.at, e.party_id FROM events AS e
 WHERE e.at >= ? AND e.at < ? AND e.code_id IN (SELECT value FROM json_each(?))
   AND (? IS NULL OR ? = NOT EXISTS (SELECT 1 FROM unusable_events WHERE event_id = e.id))
"""
_ORDERS: dict[Ties, str] = {
    "transaction_id": "e.at DESC, e.transaction_id, e.finer DESC, e.id DESC",
    "arrival": "e.at DESC, e.finer DESC, e.id DESC",
}
_AT_ONCE = 1_000
_MOST_SORTED = 50_000  # events that are sorted without going through all others
_EVER = Window(-(2**62), 2**62)


class Events:
    """Read access to the events."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def select(
        self, snapshot: Snapshot, selection: EventSelection, *, newest_first: bool = False
    ) -> Iterator[StoredEvent]:
        """Events in the order of their figures, by time and rank, read as they are asked for."""
        if selection.status == "deleted":
            return self._deleted(snapshot, selection, newest_first=newest_first)
        wanted = self._wanted(snapshot, selection)
        ids = ids_in_order(snapshot, wanted, newest_first=newest_first)
        at_once = selection.limit or _AT_ONCE
        found = self._stored(chain.from_iterable(ids), snapshot.history, at_once)
        return islice(found, selection.limit)

    def page(
        self, snapshot: Snapshot, selection: EventSelection, skip: int, size: int, ties: Ties
    ) -> EventPage:
        """See `stores.base.EventLists`."""
        if selection.status == "deleted":  # there are few
            found = list(self.select(snapshot, selection, newest_first=True))
            if ties == "transaction_id":
                found.sort(key=lambda each: (-each.at, each.event.transaction_id))
            return EventPage(len(found), found[skip : skip + size])
        wanted = self._wanted(snapshot, selection)
        count, ids = self._listed(snapshot, wanted, skip, size, _ORDERS[ties])
        return EventPage(count, list(self._stored(ids, snapshot.history)))

    def _wanted(self, snapshot: Snapshot, selection: EventSelection) -> Wanted:
        matched = {code for (code,) in self._connection.execute("SELECT code FROM metrics")}
        status = selection.status
        codes = [
            code_id
            for code_id, code in self._connection.execute("SELECT id, code FROM codes")
            if not selection.codes or code in selection.codes
            if status is None or (status == "unmatched") != (code in matched)
        ]
        usable = {"counted": True, "unusable": False}.get(status or "")
        pieces = pieces_of(snapshot.parties, selection)
        return Wanted(tuple(codes), _span_of(selection), pieces, usable)

    def _listed(
        self, snapshot: Snapshot, wanted: Wanted, skip: int, size: int, order: str
    ) -> tuple[int, list[int]]:
        """How many are wanted, and the ids of those on a page."""
        beyond = rows_beyond(snapshot, wanted)
        parts = snapshot.parts.bounds(wanted.codes, wanted.span, unusable=wanted.usable is False)
        if not parts:
            ids = [rank & ID_MASK for _, rank in beyond]
            return len(ids), self._in_order(ids, skip, size, order) if skip < len(ids) else []
        from lago_cli.stores.sqlite.listing import Listing

        listing = Listing(snapshot, wanted, parts, beyond)
        stretch = listing.stretch(skip, size)
        if stretch is None:
            return listing.count, []
        skip, size = skip - stretch.before, min(size, listing.count - skip)
        if stretch.rows > _MOST_SORTED:
            narrow = wanted._replace(span=Window(stretch.oldest, stretch.newest + 1))
            return listing.count, list(islice(self._scanned(narrow, order), skip, skip + size))
        return listing.count, self._in_order(listing.ids(stretch), skip, size, order)

    def _in_order(self, ids: list[int], skip: int, size: int, order: str) -> list[int]:
        """Some of these events, in that order."""
        rows = self._connection.execute(
            f"{_SORTED} ORDER BY {order} LIMIT ? OFFSET ?",
            (json.encode(ids).decode(), size, skip),
        )
        return [event_id for (event_id,) in rows]

    def _scanned(self, wanted: Wanted, order: str) -> Iterator[int]:
        """All that are wanted in that order: sorted by SQLite, which needs no memory for it."""
        codes = json.encode(wanted.codes).decode()
        rows = self._connection.execute(
            f"{_SCANNED} ORDER BY {order}", (*wanted.span, codes, wanted.usable, wanted.usable)
        )
        for event_id, at, party in rows:
            if wanted.pieces is None or any(True for _ in wanted.pieces.at(party, at)):
                yield event_id

    def evidence(self, snapshot: Snapshot, query: UsageQuery) -> Iterator[Evidence]:
        """See `stores.base.UsageStore`."""
        references = evidence_in_order(snapshot, query)
        while chunk := list(islice(references, _AT_ONCE)):
            stored = self._wherever({event_id for _, event_id in chunk}, snapshot.history)
            for owner, event_id in chunk:
                yield Evidence(owner, stored[event_id])

    def _deleted(
        self, snapshot: Snapshot, selection: EventSelection, *, newest_first: bool
    ) -> Iterator[StoredEvent]:
        """The same of deleted events, of which there are few."""
        pieces = pieces_of(snapshot.parties, selection)
        rows = self._connection.execute(_DELETED, _span_of(selection)).fetchall()
        found = [
            _stored(row, snapshot.history)
            for party, *row in rows
            if pieces is None or any(True for _ in pieces.at(party, row[1]))
        ]
        wanted = [event for event in found if event.event.code in selection.codes]
        in_order = wanted if selection.codes else found
        return islice(reversed(in_order) if newest_first else iter(in_order), selection.limit)

    def _wherever(self, ids: Collection[int], known: History) -> dict[int, StoredEvent]:
        """Events by their ids, also deleted ones and replaced versions."""
        found: dict[int, StoredEvent] = {}
        for table in _TABLES:
            missing = [event_id for event_id in ids if event_id not in found]
            found |= {event.position: event for event in self._stored(missing, known, table=table)}
        return found

    def _stored(
        self, ids: Iterable[int], known: History, at_once: int = _AT_ONCE, *, table: str = "events"
    ) -> Iterator[StoredEvent]:
        """Events by their ids, in that order."""
        coming = iter(ids)
        query = _OF_IDS.format(table=table)
        while chunk := list(islice(coming, min(at_once, _AT_ONCE))):
            rows = self._connection.execute(query, (json.encode(chunk).decode(),))
            yield from (_stored(row, known) for row in rows)

    def of_ids(self, ids: Iterable[int]) -> Iterator[StoredEvent]:
        """Those that are stored, in that order; nothing is said of earlier deletions."""
        return self._stored(ids, {})

    def get(self, transaction_id: str) -> list[StoredEvent]:
        """Every event of that id, in whatever stream, also deleted; in the order of arrival."""
        from lago_cli.stores.sqlite.identities import Identities

        streams = [
            row[0] for row in self._connection.execute("SELECT DISTINCT stream_id FROM parties")
        ]
        ids = Identities(self._connection).holders(transaction_id, streams)
        found = self._wherever(ids, history(self._connection))
        return [found[event_id] for event_id in ids]

    def replaced_by(self, event: StoredEvent) -> StoredEvent | None:
        """The version of an event whose place it took; its status says nothing."""
        row = self._connection.execute(_PUT_ASIDE, (event.position,)).fetchone()
        return None if row is None else _stored(row, history(self._connection))


def _span_of(selection: EventSelection) -> Window:
    return Window(
        _EVER.start if selection.start is None else selection.start,
        _EVER.end if selection.end is None else selection.end,
    )


def pieces_of(parties: Parties, selection: EventSelection) -> Pieces | None:
    """Whose events are asked for, and when those belong to them; None: everybody's."""
    if not selection.customers and not selection.subscriptions:
        return None
    registry = parties.registry(selection.customers, selection.subscriptions)
    spans = [
        (party, span)
        for party in registry.parties
        for customer, subscription, span, _ in registry.claims(party)
        if not selection.customers or customer in selection.customers
        if not selection.subscriptions or subscription in selection.subscriptions
    ]
    return pieces_of_spans(spans, parties)


def _stored(row: Sequence[Any], known: History) -> StoredEvent:
    position, at, finer, transaction_id, code, customer, subscription, *rest = row
    properties, amount, received_at, run, status = rest
    event = Event(transaction_id, code, customer, subscription, at, properties, amount, finer)
    deletions = known.get(position, ())
    standing: Status = "deleted" if any(each.is_in_force(None) for each in deletions) else status
    return StoredEvent(event, at, received_at, run, standing, position, deletions)
