"""Ingest runs: what each brought, and how a wrong one is taken back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from lago_cli.domain.metrics import Metric
from lago_cli.domain.runs import Run, Tally
from lago_cli.errors import LagoError, not_found, refused
from lago_cli.stores.base import Told
from lago_cli.stores.sqlite.blocks import KnownBlocks
from lago_cli.stores.sqlite.deletions import Deletions
from lago_cli.stores.sqlite.derivation import Derivation
from lago_cli.stores.sqlite.identities import Identities, key_of
from lago_cli.stores.sqlite.interning import Interning

_COLUMNS = (
    "id, source, started_at, finished_at, reverted_at, read, ingested, duplicates, conflicts, "
    "replaced, rejected, skipped, unmatched, unusable, undated, "
    "(SELECT count(*) FROM deleted_events AS d WHERE d.run_id = ingest_runs.id)"
)
_UPDATE = """
UPDATE ingest_runs
   SET last_event_id = ?, finished_at = ?, read = ?, ingested = ?, duplicates = ?, conflicts = ?,
       replaced = ?, rejected = ?, skipped = ?, unmatched = ?, unusable = ?, undated = ?
 WHERE id = ? AND reverted_at IS NULL
"""
_WITH_EARLIER_IDS = """
SELECT id, source, earlier_ids
  FROM ingest_runs
 WHERE earlier_ids > 0 AND reverted_at IS NULL
 ORDER BY id
"""
_account_of = attrgetter(*(column.name for column in fields(Tally)))
_NEAREST = "SELECT id FROM ingest_runs ORDER BY abs(id - ?), id LIMIT 1"
_FORGET_PARTIES = """
UPDATE parties SET used = 0
 WHERE used = 1
   AND id NOT IN (SELECT party_id FROM events)
   AND id NOT IN (SELECT party_id FROM deleted_events)
   AND id NOT IN (SELECT party_id FROM replaced_events)
"""
_FORGET_CUSTOMERS = """
DELETE FROM customers
 WHERE registered = 0
   AND external_id NOT IN (SELECT external_customer_id FROM subscriptions)
   AND external_id NOT IN (SELECT external_customer_id FROM parties
                            WHERE used = 1 AND external_customer_id IS NOT NULL
                              AND (id NOT IN (SELECT party_id FROM replaced_events)
                                   OR id IN (SELECT party_id FROM deleted_events)
                                   OR id IN (SELECT party_id FROM events)))
"""
_EVENTS = """
SELECT e.id, e.transaction_id, p.stream_id, e.code_id
  FROM events AS e JOIN parties AS p ON p.id = e.party_id
 WHERE e.run_id = :run
   AND e.id >= (SELECT first_event_id FROM ingest_runs WHERE id = :run)
   AND e.id <= (SELECT last_event_id FROM ingest_runs WHERE id = :run)
 ORDER BY e.id
 LIMIT 10000
"""
_DELETED = """
SELECT e.id, e.transaction_id, p.stream_id
  FROM deleted_events AS e JOIN parties AS p ON p.id = e.party_id
 WHERE e.run_id = ?
 ORDER BY e.id
"""
_PREDECESSOR = "SELECT id FROM replaced_events WHERE replaced_by = ?"
_BROUGHT_BACK = "SELECT code_id, party_id, received_at FROM events WHERE id = ?"


class Runs:
    """The table of runs, and their reversal."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._derivation = Derivation(connection)

    def start(self, source: str, started_at: int, first_event_id: int) -> int:
        run = self._connection.execute(
            "INSERT INTO ingest_runs (source, started_at, first_event_id) VALUES (?, ?, ?)",
            (source, started_at, first_event_id),
        ).lastrowid
        assert run is not None
        return run

    def record(self, run: int, tally: Tally, last_event_id: int, finished_at: int | None) -> None:
        """
        Write the account so far, so that a killed run tells what it had stored.

        Raises:
            LagoError: refused, where the run was taken back while it was running.
        """
        account = (last_event_id, finished_at, *_account_of(tally), run)
        if self._connection.execute(_UPDATE, account).rowcount == 0:
            raise refused(
                "run_reverted",
                f"Run {run} was taken back while it was running.",
                "Run it again if its events are wanted after all.",
            )

    def list(self) -> Iterator[Run]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM ingest_runs ORDER BY id")  # noqa: S608
        return map(_run, rows)

    def get(self, run: int) -> Run:
        """Raises `LagoError` (not found)."""
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM ingest_runs WHERE id = ?",  # noqa: S608
            (run,),
        ).fetchone()
        if row is None:
            raise self._not_found(run)
        return _run(row)

    def _not_found(self, run: int) -> LagoError:
        row = self._connection.execute(_NEAREST, (run,)).fetchone()
        if row is None:
            return not_found("ingest run", str(run), "There are none yet: lago ingest makes them.")
        error = not_found("ingest run", str(run), "List them with: lago ingest-runs list")
        error.message += f' Did you mean "{row[0]}"?'
        return error

    def with_earlier_ids(self) -> Sequence[tuple[int, str, int]]:
        """
        Runs whose events got an id out of their content by the rule before schema 6.

        Returns:
            (run, source, how many such events), without runs that were taken back.
        """
        return self._connection.execute(_WITH_EARLIER_IDS).fetchall()

    def revert(
        self, run: int, now: int, metrics: Mapping[str, Metric], told: Told | None = None
    ) -> tuple[int, int]:
        """
        Take back the events that a run brought; what it had only repeated stays.

        Returns:
            How many were removed, and how many came back that it had replaced.

        Raises:
            LagoError: not found, or refused where it was reverted before.
        """
        if self.get(run).reverted_at is not None:
            raise refused("run_already_reverted", f"Run {run} was already taken back.")
        self._drop_put_aside(run)
        self._derivation.begin(metrics)
        removed = restored = 0
        while rows := self._connection.execute(_EVENTS, {"run": run}).fetchall():
            removed += len(rows)
            restored += sum(self._take_back(row) for row in rows)
            if told is not None:
                told(len(rows))
        self._derivation.flush()
        removed += self._take_back_deleted(run)
        KnownBlocks(self._connection).forget()
        self._connection.execute("UPDATE ingest_runs SET reverted_at = ? WHERE id = ?", (now, run))
        self._connection.execute(_FORGET_PARTIES)
        self._connection.execute(_FORGET_CUSTOMERS)
        return removed, restored

    def _drop_put_aside(self, run: int) -> None:
        """Versions of this run that later runs replaced: their predecessors move up."""
        deletions = Deletions(self._connection)
        rows = self._connection.execute(
            "SELECT id, replaced_by FROM replaced_events WHERE run_id = ? ORDER BY id", (run,)
        ).fetchall()
        for event_id, successor in rows:
            deletions.inherit(event_id, self._predecessor(event_id))
            self._connection.execute("DELETE FROM replaced_events WHERE id = ?", (event_id,))
            self._connection.execute(
                "UPDATE replaced_events SET replaced_by = ? WHERE replaced_by = ?",
                (successor, event_id),
            )

    def _take_back(self, row: tuple[Any, ...]) -> bool:
        """Remove an event; True where one that it had replaced came back."""
        event_id, transaction_id, stream, code_id = row
        self._connection.execute("DELETE FROM events WHERE id = ?", (event_id,))
        self._derivation.removed(code_id, event_id)
        earlier = self._hand_over(event_id, transaction_id, stream)
        if earlier is not None:
            self._bring_back(earlier)
        return earlier is not None

    def _take_back_deleted(self, run: int) -> int:
        """How many; what one had replaced is deleted in its place."""
        rows = self._connection.execute(_DELETED, (run,)).fetchall()
        for event_id, transaction_id, stream in rows:
            self._connection.execute("DELETE FROM deleted_events WHERE id = ?", (event_id,))
            earlier = self._hand_over(event_id, transaction_id, stream)
            if earlier is not None:
                Deletions(self._connection).move(earlier, "replaced_events", "deleted_events")
        return len(rows)

    def _hand_over(self, event_id: int, transaction_id: str, stream: int) -> int | None:
        """Give what an event holds to the one that it replaced, which is returned, or free it."""
        earlier = self._predecessor(event_id)
        Deletions(self._connection).inherit(event_id, earlier)
        identities, key = Identities(self._connection), key_of(transaction_id, stream)
        if earlier is None:
            identities.release(key, event_id)
        else:
            identities.pass_on(key, event_id, earlier)
        return earlier

    def _predecessor(self, event_id: int) -> int | None:
        row = self._connection.execute(_PREDECESSOR, (event_id,)).fetchone()
        return None if row is None else int(row[0])

    def _bring_back(self, event_id: int) -> None:
        Deletions(self._connection).move(event_id, "replaced_events", "events")
        ((code_id, party, received_at),) = self._connection.execute(_BROUGHT_BACK, (event_id,))
        Interning(self._connection).use([party], received_at)
        self._derivation.restored(code_id, event_id)


def _run(row: tuple[Any, ...]) -> Run:
    run, source, started_at, finished_at, reverted_at, *tally, deleted = row
    return Run(run, source, started_at, finished_at, reverted_at, Tally(*tally), deleted)
