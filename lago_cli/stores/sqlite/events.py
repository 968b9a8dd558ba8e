"""Looking at events: in the order of time, or by transaction id."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from lago_cli.domain.aggregations import Window
from lago_cli.domain.batches import Party
from lago_cli.domain.events import Event
from lago_cli.domain.parties import Registry
from lago_cli.domain.ranks import unranked
from lago_cli.domain.stored import EventSelection, Status, StoredEvent
from lago_cli.stores.sqlite.accounts import Accounts
from lago_cli.stores.sqlite.ranks import EVENT_ID, RANK

_COLUMNS = f"""
       e.at, {RANK}, e.transaction_id, c.code, p.external_customer_id,
       p.external_subscription_id, e.properties, e.precise_total_amount_cents,
       e.received_at, e.run_id, r.value IS NOT NULL, e.party_id
"""
_FEW_CODES = 50  # each read in its own order and merged; more are sorted together
_OF_CODES = f"""
SELECT {_COLUMNS}
  FROM readings AS r
  JOIN events AS e ON e.id = {EVENT_ID}
  JOIN parties AS p ON p.id = e.party_id
  JOIN codes AS c ON c.id = r.code_id
 WHERE r.code_id {{codes}}
   AND r.at >= :start AND r.at < :end
   AND (:usable IS NULL OR (r.value IS NOT NULL) = :usable)
   AND (:parties IS NULL OR r.party_id IN (SELECT value FROM json_each(:parties)))
 ORDER BY r.at {{direction}}, r.event_id {{direction}}
"""  # noqa: S608
_IN_CODES = "IN (SELECT value FROM json_each(:codes))"
_BY_ID = f"""
SELECT {_COLUMNS}
  FROM events AS e
  JOIN parties AS p ON p.id = e.party_id
  JOIN codes AS c ON c.id = e.code_id
  JOIN readings AS r ON r.code_id = e.code_id AND r.at = e.at AND r.event_id = {RANK}
 WHERE e.id = ?
"""  # noqa: S608
_PUT_ASIDE = f"""
SELECT {_COLUMNS.replace("r.value IS NOT NULL", "0")}
  FROM replaced_events AS e
  JOIN parties AS p ON p.id = e.party_id
  JOIN codes AS c ON c.id = e.code_id
 WHERE e.replaced_by = ?
"""  # noqa: S608
_EVER = 2**62


class Events:
    """Read access to the events."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def select(
        self, selection: EventSelection, *, newest_first: bool = False
    ) -> Iterator[StoredEvent]:
        """Events in the order of their figures, by time and rank, read as they are asked for."""
        matched = self._matched_codes()
        wanted = self._wanted(selection)
        status = selection.status
        bounds: dict[str, Any] = {
            "start": -_EVER if selection.start is None else selection.start,
            "end": _EVER if selection.end is None else selection.end,
            "usable": {"counted": 1, "unusable": 0}.get(status or ""),
            "parties": None if wanted is None else _as_json(list(wanted)),
        }
        codes = [
            code_id
            for code_id, code in self._connection.execute("SELECT id, code FROM codes")
            if not selection.codes or code in selection.codes
            if status is None or (status == "unmatched") != (code in matched)
        ]
        direction = "DESC" if newest_first else "ASC"
        of_one = _OF_CODES.format(direction=direction, codes="= :code")  # comes in its order
        of_many = _OF_CODES.format(direction=direction, codes=_IN_CODES)
        questions = [(of_one, {"code": code}) for code in codes]
        if len(codes) > _FEW_CODES:
            questions = [(of_many, {"codes": _as_json(codes)})]
        rows: Iterator[Any] = heapq.merge(
            *(
                iter(self._connection.execute(query, bounds | values).fetchone, None)
                for query, values in questions
            ),
            key=lambda row: row[:2],
            reverse=newest_first,
        )
        if wanted is not None:
            rows = filter(lambda row: _is_within(wanted[row[-1]], row[0]), rows)
        return (_stored(row, matched) for row in islice(rows, selection.limit))

    def get(self, transaction_id: str) -> list[StoredEvent]:
        """Every event of that transaction id, in whatever stream, in the order of arrival."""
        from lago_cli.stores.sqlite.identities import Identities

        streams = [
            row[0] for row in self._connection.execute("SELECT DISTINCT stream_id FROM parties")
        ]
        ids = Identities(self._connection).holders(transaction_id, streams)
        matched = self._matched_codes()
        return [
            _stored(self._connection.execute(_BY_ID, (event_id,)).fetchone(), matched)
            for event_id in ids
        ]

    def replaced_by(self, event: StoredEvent) -> StoredEvent | None:
        """The version of an event whose place it took; its status says nothing."""
        row = self._connection.execute(_PUT_ASIDE, (event.position,)).fetchone()
        return None if row is None else _stored(row, set())

    def span(self) -> tuple[int, int] | None:
        """Instants of the first and the last event, in microseconds since 1970."""
        bounds = [
            self._connection.execute(
                "SELECT (SELECT min(at) FROM readings WHERE code_id = :code),"
                " (SELECT max(at) FROM readings WHERE code_id = :code)",
                {"code": code_id},
            ).fetchone()
            for (code_id,) in self._connection.execute("SELECT id FROM codes").fetchall()
        ]
        known = [pair for pair in bounds if pair[0] is not None]
        if not known:
            return None
        return min(first for first, _ in known), max(last for _, last in known)

    def parties(self) -> dict[Party, int]:
        """The distinct pairs of names that events carry, with their ids."""
        return {
            (customer, subscription): party_id
            for party_id, customer, subscription in self._connection.execute(
                "SELECT id, external_customer_id, external_subscription_id"
                "  FROM parties WHERE used = 1"
            )
        }

    def _matched_codes(self) -> set[str]:
        return {code for (code,) in self._connection.execute("SELECT code FROM metrics")}

    def _wanted(self, selection: EventSelection) -> dict[int, list[Window]] | None:
        """The parties whose events are asked for, and when those belong to them; None: all."""
        if not selection.customers and not selection.subscriptions:
            return None
        ids = self.parties()
        registry = Registry(Accounts(self._connection).subscriptions(), ids)
        found: dict[int, list[Window]] = {}
        for party, party_id in ids.items():
            for customer, subscription, span, _ in registry.claims(party):
                if selection.customers and customer not in selection.customers:
                    continue
                if not selection.subscriptions or subscription in selection.subscriptions:
                    found.setdefault(party_id, []).append(span)
        return found


def _is_within(spans: list[Window], at: int) -> bool:
    return any(span.start <= at < span.end for span in spans)


def _as_json(ids: list[int]) -> str:
    return msgspec.json.encode(ids).decode()


def _stored(row: tuple[Any, ...], matched: set[str]) -> StoredEvent:
    at, rank, transaction_id, code, customer, subscription, properties, amount, *rest = row
    received_at, run, usable, _ = rest
    status: Status = "counted" if usable else "unusable"
    if code not in matched:
        status = "unmatched"
    finer, position = unranked(rank)
    event = Event(transaction_id, code, customer, subscription, at, properties, amount, finer)
    return StoredEvent(event, at, received_at, run, status, position)
