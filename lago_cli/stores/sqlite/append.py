"""The way in: a batch of events becomes rows, each identity once for ever."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from itertools import repeat

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.events import Event
from lago_cli.domain.json_text import same_json
from lago_cli.domain.metrics import Metric
from lago_cli.domain.readings import UNUSABLE, Kept, Reader, reader_for
from lago_cli.stores.base import Appended, Duplicate, OnDuplicate
from lago_cli.stores.sqlite.catalog import Catalog
from lago_cli.stores.sqlite.identities import Identities, key_of
from lago_cli.stores.sqlite.interning import Interning

_INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_READING = "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?)"
_NEXT_ID = """
SELECT 1 + max(ifnull((SELECT max(id) FROM events), 0),
               ifnull((SELECT max(last_event_id) FROM ingest_runs), 0))
"""
_STORED = """
SELECT e.transaction_id, c.code, p.external_customer_id, p.external_subscription_id, e.at,
       e.properties, e.precise_total_amount_cents
  FROM events AS e JOIN parties AS p ON p.id = e.party_id JOIN codes AS c ON c.id = e.code_id
 WHERE e.id = ?
"""
_COMPARED = (
    "external_customer_id",
    "external_subscription_id",
    "code",
    "timestamp",
    "properties",
    "precise_total_amount_cents",
)


class Appender:
    """Appends batches inside a write transaction that its caller opens and commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._interning = Interning(connection)
        self._identities = Identities(connection)
        self._metrics: dict[str, Metric] = {}
        self._readers: dict[str, Reader] = {}
        self.next_id = 0

    def begin(self) -> None:
        """See what other processes changed before this transaction."""
        self.next_id = self._connection.execute(_NEXT_ID).fetchone()[0]
        metrics = Catalog(self._connection).metrics()
        if metrics != self._metrics:
            self._metrics = metrics
            self._readers = {code: reader_for(metric) for code, metric in metrics.items()}

    def forget(self) -> None:
        self._interning.forget()

    def append(
        self, batch: EventBatch, *, run: int, received_at: int, on_duplicate: OnDuplicate
    ) -> Appended:
        names = self._interning.parties(batch.parties, received_at)
        streams = [names[party][1] for party in batch.parties]
        first = self.next_id
        self.next_id += len(batch)
        taken = self._identities.claim(batch.transaction_ids, streams, first)
        ids: Sequence[int] = range(first, first + len(batch))
        if taken:
            ids = [event_id for event_id in ids if event_id - first not in taken]
        insert = partial(self._insert, run=run, received_at=received_at)
        done = insert(batch.without(taken) if taken else batch, ids)
        duplicates = []
        for index, holder in taken.items():
            stored = self._stored(holder)
            differs_in = _differences(batch.event(index), stored)
            if differs_in and on_duplicate == "replace":
                later = batch.only(index, stored.at)
                key = key_of(stored.transaction_id, streams[index])
                self._put_aside(key, holder, first + index)
                done = done.plus_replacement(insert(later, [first + index]))
            else:
                duplicates.append(Duplicate(index, differs_in))
        return done._replace(duplicates=duplicates)

    def _insert(
        self, batch: EventBatch, ids: Sequence[int], *, run: int, received_at: int
    ) -> Appended:
        """Add events whose identities are claimed, and their readings."""
        names = self._interning.parties(batch.parties, received_at)
        parties = [names[party][0] for party in batch.parties]
        codes = list(map(self._interning.codes(batch.codes).__getitem__, batch.codes))
        at = [received_at if moment is None else moment for moment in batch.at]
        readers = [self._readers.get(code, _unmatched) for code in batch.codes]
        kept = [
            read(properties, moment)
            for read, properties, moment in zip(readers, batch.properties, at, strict=True)
        ]
        event_columns = (
            ids,
            parties,
            batch.transaction_ids,
            codes,
            at,
            batch.properties,
            batch.amounts,
            repeat(received_at, len(ids)),
            repeat(run, len(ids)),
        )
        self._connection.executemany(_INSERT_EVENT, zip(*event_columns, strict=True))
        self._connection.executemany(
            _INSERT_READING,
            [
                (code, moment, event_id, party, *reading)
                for code, moment, event_id, party, reading in zip(
                    codes, at, ids, parties, kept, strict=True
                )
            ],
        )
        unmatched = readers.count(_unmatched)
        return Appended(len(ids), (), 0, unmatched, kept.count(UNUSABLE) - unmatched)

    def _stored(self, event_id: int) -> Event:
        return Event(*self._connection.execute(_STORED, (event_id,)).fetchone())

    def _put_aside(self, key: int, old: int, new: int) -> None:
        """Move a replaced event out of the way, where `ingest-runs revert` finds it."""
        self._connection.execute(
            "INSERT INTO replaced_events SELECT *, ? FROM events WHERE id = ?", (new, old)
        )
        self._connection.execute(
            "DELETE FROM readings WHERE (code_id, at, event_id) ="
            " (SELECT code_id, at, id FROM events WHERE id = ?)",
            (old,),
        )
        self._connection.execute("DELETE FROM events WHERE id = ?", (old,))
        self._identities.pass_on(key, old, new)


def _unmatched(_properties: str, _at: int) -> Kept:
    return UNUSABLE


def _differences(event: Event, stored: Event) -> tuple[str, ...]:
    """Names of the fields in which a repeated event is not the stored one."""
    same = (
        event.external_customer_id == stored.external_customer_id,
        event.external_subscription_id == stored.external_subscription_id,
        event.code == stored.code,
        event.at in (None, stored.at),
        same_json(event.properties, stored.properties),
        event.precise_total_amount_cents == stored.precise_total_amount_cents,
    )
    return tuple(name for name, equal in zip(_COMPARED, same, strict=True) if not equal)
