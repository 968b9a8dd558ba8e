"""The way in: a batch of events becomes rows, each identity once for ever."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.events import FIELDS
from lago_cli.domain.json_text import same_json
from lago_cli.domain.measurements import Reader, read_all, reader_for
from lago_cli.domain.metrics import Metric
from lago_cli.errors import LagoError
from lago_cli.stores.base import Appended, Duplicate, Holder, Judged, OnDuplicate
from lago_cli.stores.sqlite import derivation
from lago_cli.stores.sqlite.blocks import KnownBlocks
from lago_cli.stores.sqlite.bulk import insert_rows
from lago_cli.stores.sqlite.catalog import Catalog
from lago_cli.stores.sqlite.connection import VERSION
from lago_cli.stores.sqlite.derivation import Derivation
from lago_cli.stores.sqlite.identities import Identities, Identity, key_of
from lago_cli.stores.sqlite.interning import Interning
from lago_cli.stores.sqlite.ranks import COARSE_COLUMNS, EVENT_COLUMNS
from lago_cli.stores.sqlite.subscription_check import SubscriptionCheck
from lago_cli.stores.sqlite.versions import deleted_today

T = TypeVar("T")

_INSERT_EVENTS = f"INSERT OR ROLLBACK INTO events ({COARSE_COLUMNS})"
_INSERT_FINER_EVENTS = f"INSERT OR ROLLBACK INTO events ({EVENT_COLUMNS})"
_NEXT_ID = """
SELECT 1 + max(ifnull((SELECT max(id) FROM events), 0),
               ifnull((SELECT max(last_event_id) FROM ingest_runs), 0))
"""
_FOLLOWING = """
SELECT e.id, e.party_id, e.transaction_id, c.code, e.at, e.properties,
       e.precise_total_amount_cents
  FROM events AS e
 CROSS JOIN codes AS c ON c.id = e.code_id
 WHERE e.id >= ?
 ORDER BY e.id
 LIMIT ?
"""
_PUT_ASIDE = f"""
INSERT INTO replaced_events ({EVENT_COLUMNS}, replaced_by)
SELECT {EVENT_COLUMNS}, ? FROM events WHERE id = ?
"""  # noqa: S608
_CODE = "SELECT code_id FROM events WHERE id = ?"
_AT = FIELDS.index("timestamp")


class Appender:
    """Appends batches inside a write transaction that its caller opens and commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._interning = Interning(connection)
        self._identities = Identities(connection)
        self._subscription_check = SubscriptionCheck(connection)
        self._derivation = Derivation(connection)
        self.blocks = KnownBlocks(connection)
        self.metrics: dict[str, Metric] = {}
        self._readers: dict[str, Reader] = {}
        self._version = 0  # of the file, as of the latest look at it
        self._trusted: int | None = None  # as long as it is that one, all that is known holds
        self._repeats: int | None = None  # the event that comes next if an ingest is repeated
        self.next_id = 0

    def begin(self) -> None:
        """See what other processes changed before this transaction, if they changed anything."""
        ((version,),) = self._connection.execute(VERSION)
        if self._trusted == version:
            self._trusted = None  # again, once it is committed
            return
        self._trusted = None
        self._version = version
        self.next_id = self._connection.execute(_NEXT_ID).fetchone()[0]
        self._interning.look_again()
        self._identities.begin()
        self._subscription_check.begin()
        metrics = Catalog(self._connection).metrics()
        if metrics != self.metrics:
            self.metrics = metrics
            self._readers = {code: reader_for(metric) for code, metric in metrics.items()}
        self._derivation.begin(self.metrics)

    def forget(self) -> None:
        """After a rollback."""
        self._trusted = None
        self._interning.forget()
        self._derivation.forget()

    def flush(self, *, keep: bool = False) -> None:
        """Before a commit: what is derived from events that were appended."""
        self._derivation.flush(keep=keep)

    def trust(self) -> None:
        """After the commit of a transaction that did nothing but append: it is all known."""
        self._trusted = self._version

    def append(
        self, batch: EventBatch, *, run: int, received_at: int, on_duplicate: OnDuplicate
    ) -> Appended:
        self._derivation.relieve()
        append = partial(self._append, run=run, received_at=received_at, on_duplicate=on_duplicate)
        refusals = self._subscription_check.refusals(batch, received_at)
        if not refusals:
            return append(batch)
        refused = self._without_repetitions(batch, refusals)
        kept = [position for position in range(len(batch)) if position not in refused]
        done = append(batch.without(refused))
        refused |= {kept[number]: refusal for number, refusal in done.refused}
        return done._replace(
            duplicates=[row._replace(position=kept[row.position]) for row in done.duplicates],
            refused=sorted(refused.items()),
            holders={kept[number]: holder for number, holder in done.holders.items()},
        )

    def judge(self, batch: EventBatch, received_at: int) -> Judged:
        """What `append` would refuse or find taken; nothing is kept."""
        _, streams = self._interning.parties(batch.parties)
        holders = self._identities.holders
        taken = {
            position
            for position, identity in enumerate(zip(batch.transaction_ids, streams, strict=True))
            if holders(identity[0], [identity[1]])
        }
        refusals = self._subscription_check.refusals(batch, received_at)
        refused = {at: error for at, error in refusals.items() if at not in taken}
        return Judged(taken, refused)

    def _without_repetitions(
        self, batch: EventBatch, refusals: Mapping[int, LagoError]
    ) -> dict[int, LagoError]:
        """What is in already stays a repetition, whatever was registered since."""
        ids = {batch.transaction_ids[index] for index in refusals}
        alike = [index for index in range(len(batch)) if batch.transaction_ids[index] in ids]
        _, streams = self._interning.parties([batch.parties[index] for index in alike])
        found, before = {}, set()
        for index, stream in zip(alike, streams, strict=True):
            identity = batch.transaction_ids[index], stream
            is_new = identity not in before and not self._identities.holders(identity[0], [stream])
            if index in refusals and is_new:
                found[index] = refusals[index]
            else:
                before.add(identity)
        return found

    def _append(
        self,
        batch: EventBatch,
        *,
        run: int,
        received_at: int,
        on_duplicate: OnDuplicate,
    ) -> Appended:
        parties, streams = self._interning.parties(batch.parties)
        identities = list(zip(batch.transaction_ids, streams, strict=True))
        repeated = set() if on_duplicate == "replace" else self._repetitions(batch, parties)
        done = self._take_in(
            batch.without(repeated) if repeated else batch,
            _others(parties, repeated),
            _others(identities, repeated),
            on_duplicate=on_duplicate,
            run=run,
            received_at=received_at,
        )
        if repeated:
            places = _others(range(len(batch)), repeated)
            refused = [(places[index], refusal) for index, refusal in done.refused]
            duplicates = [Duplicate(places[index], differs) for index, differs in done.duplicates]
            duplicates += [Duplicate(index, ()) for index in repeated]
            holders = {places[index]: holder for index, holder in done.holders.items()}
            done = done._replace(duplicates=sorted(duplicates), refused=refused, holders=holders)
        return done

    def _repetitions(self, batch: EventBatch, parties: Sequence[int]) -> set[int]:
        """
        Events that are stored just so: the quick way through a file that comes again.

        They follow each other as they did the first time. What is not found here is looked
        for by its identity. (Not for `replace`: whether an event repeats the stored one then
        hangs on what the batch replaced before.)
        """
        if self._repeats is None:
            return set()
        rows = self._connection.execute(_FOLLOWING, (self._repeats, len(batch)))
        stored = {row[2]: row for row in rows}
        self._repeats = None
        columns = (batch.transaction_ids, batch.codes, batch.at, batch.properties, batch.amounts)
        found = set()
        for index, event in enumerate(zip(parties, *columns, strict=True)):
            row = stored.get(event[1])
            if row is not None and _is_repeated(row[1:], event):
                found.add(index)
                self._repeats = row[0] + 1
        return found

    def _take_in(
        self,
        batch: EventBatch,
        parties: Sequence[int],
        identities: Sequence[Identity],
        *,
        on_duplicate: OnDuplicate,
        run: int,
        received_at: int,
    ) -> Appended:
        """What may not go in cannot take the place of what is stored either."""
        first = self.next_id
        self.next_id += len(batch)
        taken, stored = self._identities.claim(identities, first)
        insert = partial(self._insert, run=run, received_at=received_at)
        if not taken:
            return insert(batch, range(first, first + len(batch)), parties)
        if self._repeats is None and 2 * len(taken) > len(batch):
            self._repeats = max(taken.values()) + 1
        ids = _others(range(first, first + len(batch)), taken)
        done = insert(batch.without(taken), ids, _others(parties, taken))
        stored |= self._identities.stored(set(taken.values()).difference(stored))
        duplicates, refused, holders = [], [], {}
        deleted = deleted_today(self._connection)
        for index, holder in taken.items():
            earlier_id, *earlier, finer, stream = stored[holder]
            differs_in = _differences(batch.fields(index), earlier)
            deletion = deleted.get(earlier_id)
            if not differs_in or deletion or on_duplicate != "replace":
                duplicates.append(Duplicate(index, differs_in))
                if differs_in or deletion:
                    holders[index] = Holder(earlier, deletion)
                continue
            later = batch.only(index, earlier[_AT], finer)
            if refusal := self._subscription_check.refusals(later, received_at).get(0):
                refused.append((index, refusal))
                continue
            self._put_aside(key_of(*identities[index]), earlier_id, first + index)
            inserted = insert(later, [first + index], [parties[index]])
            undated = int(batch.at[index] is None)
            done = done.plus_replacement(inserted._replace(undated=undated))
            stored[holder] = first + index, *later.fields(0), later.event(0).finer, stream
        return done._replace(duplicates=duplicates, refused=refused, holders=holders)

    def _insert(
        self,
        batch: EventBatch,
        ids: Sequence[int],
        parties: Sequence[int],
        *,
        run: int,
        received_at: int,
    ) -> Appended:
        """Add events whose identities are claimed, and what is derived from them."""
        self._interning.use(parties, received_at)
        codes = self._interning.codes(batch.codes)
        at = [received_at if moment is None else moment for moment in batch.at]
        measurements = batch.measurements if batch.read_for is self.metrics else None
        if measurements is None:
            measurements = read_all(batch.codes, batch.properties, at, self._readers)
        columns = (ids, parties, batch.transaction_ids, codes, at, batch.properties, batch.amounts)
        shared = (received_at, run)
        if batch.finer is None:
            insert_rows(self._connection, _INSERT_EVENTS, *columns, shared=shared)
        else:
            insert_rows(
                self._connection, _INSERT_FINER_EVENTS, batch.finer, *columns, shared=shared
            )
        received = [received_at] * len(ids)
        self._derivation.add(
            derivation.Appended(
                codes,
                at,
                batch.finer,
                ids,
                parties,
                measurements,
                batch.properties,
                received,
                batch.amounts,
            )
        )
        strangers = self._strangers(batch.codes)
        unusable = measurements.values.count(None) - strangers
        return Appended(len(ids), (), 0, strangers, unusable, batch.at.count(None))

    def _strangers(self, codes: Sequence[str]) -> int:
        """How many of the codes are no metric's."""
        if self._readers.keys() >= set(codes):
            return 0
        return sum(code not in self._readers for code in codes)

    def _put_aside(self, key: int, old: int, new: int) -> None:
        """Move a replaced event out of the way, where `ingest-runs revert` finds it."""
        self._connection.execute(_PUT_ASIDE, (new, old))
        ((code,),) = self._connection.execute(_CODE, (old,))
        self._connection.execute("DELETE FROM events WHERE id = ?", (old,))
        self._derivation.removed(code, old)
        self.blocks.forget()
        self._identities.pass_on(key, old, new)


def _is_repeated(stored: tuple[Any, ...], event: tuple[Any, ...]) -> bool:
    """Both are party, transaction id, code, instant and the rest; no instant is like any."""
    timeless = event[3] is None and stored[:3] == event[:3] and stored[4:] == event[4:]
    return stored == event or timeless


def _others(column: Sequence[T], left_out: Container[int] | None) -> Sequence[T]:
    """The rest of a column, without some places."""
    if not left_out:
        return column
    return [each for index, each in enumerate(column) if index not in left_out]


def _differences(fields: Sequence[Any], earlier: Sequence[Any]) -> tuple[str, ...]:
    """Names of the fields in which a repeated event is not the stored one."""
    return tuple(
        name
        for name, one, other in zip(FIELDS, fields, earlier, strict=True)
        if one != other
        and not (name == "timestamp" and one is None)
        and not (name == "properties" and same_json(one, other))
    )
