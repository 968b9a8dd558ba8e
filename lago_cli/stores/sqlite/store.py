"""The SQLite engine: one file, everything in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lago_cli.domain.attribution import Registry
from lago_cli.domain.batches import EventBatch
from lago_cli.domain.definitions import Definition
from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import Metric
from lago_cli.domain.stored import EventPage, EventSelection, StoredEvent, Ties
from lago_cli.domain.usage import Evidence, Share, UsageQuery
from lago_cli.stores.base import Appended, Judged, OnDuplicate, Told, Word
from lago_cli.stores.sqlite.accounts import Accounts, Customers, Subscriptions
from lago_cli.stores.sqlite.catalog import Catalog
from lago_cli.stores.sqlite.connection import VERSION, begin_immediate, let_others_write
from lago_cli.stores.sqlite.definitions import T, Table
from lago_cli.stores.sqlite.derivation import Derivation
from lago_cli.stores.sqlite.events import Events
from lago_cli.stores.sqlite.names import Names
from lago_cli.stores.sqlite.open_file import OpenFile
from lago_cli.stores.sqlite.parties import Parties
from lago_cli.stores.sqlite.query import Snapshot

if TYPE_CHECKING:
    from lago_cli.domain.plans import Plan
    from lago_cli.stores.sqlite.append import Appender
    from lago_cli.stores.sqlite.blocks import KnownBlocks
    from lago_cli.stores.sqlite.deletions import Deletions
    from lago_cli.stores.sqlite.maintenance import Maintenance
    from lago_cli.stores.sqlite.outbox import Outbox, Waiting
    from lago_cli.stores.sqlite.runs import Runs

_LARGE = 4_000_000  # events
_AT_ONCE = 25_000


class SqliteStore(OpenFile):
    """
    Everything that a file is asked for.

    Writing happens in explicit transactions (`begin`, `commit`, `rollback`, or `writing`).
    """

    _known: tuple[tuple[int, int], Snapshot] | None = None
    _is_writing = False
    _is_undone = False  # the transaction, because a part of it failed

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog(self._connection)

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self._connection)

    @cached_property
    def events(self) -> Events:
        return Events(self._connection)

    @cached_property
    def _names(self) -> Names:
        return Names(self._connection)

    # A question needs neither of these, and their modules take their time to load.

    @cached_property
    def _appender(self) -> Appender:
        from lago_cli.stores.sqlite import append

        return append.Appender(self._connection)

    @cached_property
    def runs(self) -> Runs:
        from lago_cli.stores.sqlite import runs

        return runs.Runs(self._connection)

    @cached_property
    def _deletions(self) -> Deletions:
        from lago_cli.stores.sqlite import deletions

        return deletions.Deletions(self._connection)

    @cached_property
    def maintenance(self) -> Maintenance:
        from lago_cli.stores.sqlite import maintenance

        return maintenance.Maintenance(self._connection, self.path)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def begin(self) -> None:
        """Take the write lock, waiting for other writers; see what they changed."""
        if self._connection.in_transaction:  # of a store for reading
            self._connection.execute("COMMIT")
        begin_immediate(self._connection, self._busy_timeout)
        try:
            self._schema.check_again()  # a newer program may have come in between
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._appender.begin()

    def commit(self, *, only_events: bool = False) -> None:
        """
        Make everything since `begin` durable.

        Args:
            only_events: nothing was done but to append events and to keep accounts of runs. The
                next transaction then looks at the rest again only if others have committed.
        """
        self._appender.flush(keep=only_events)
        self._connection.execute("COMMIT")
        if only_events:
            self._appender.trust()

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._appender.forget()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """
        One transaction: all of it or, where it raises, nothing.

        Inside another one it is a part of that, which is undone as a whole where a part raises.
        """
        if self._is_writing:
            try:
                yield
            except BaseException:
                self._is_undone = True
                raise
            return
        self.begin()
        self._is_writing, self._is_undone = True, False
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        finally:
            self._is_writing = False
        if self._is_undone:
            self.rollback()
        else:
            self.commit()

    def yield_to_others(self) -> None:
        """Between two transactions of a long run: let waiting writers in."""
        let_others_write()

    @property
    def next_event_id(self) -> int:
        """The id of the next event, inside a transaction."""
        return self._appender.next_id

    @property
    def events_at_once(self) -> int:
        """Few while all identities fit into memory; else so many that some share a page."""
        return 1 if self.next_event_id < _LARGE else _AT_ONCE

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """By code, as they were at `begin`; another object once they have changed."""
        return self._appender.metrics

    def table(self, of: Definition[T]) -> Table[T]:
        """The definitions of one class."""
        tables: tuple[Any, ...] = (Catalog, Customers, Subscriptions)
        if of.word == "plan":  # the rules of prices take time to load
            from lago_cli.stores.sqlite.plans import Plans

            tables = (Plans,)
        return next(table(self._connection) for table in tables if table.of is of)

    @property
    def blocks(self) -> KnownBlocks:
        """What is known of whole blocks, inside a transaction."""
        return self._appender.blocks

    def plans(self) -> dict[str, Plan]:
        """By code."""
        from lago_cli.domain.plans import PLAN

        return {entry.value.code: entry.value for entry in self.table(PLAN).entries()}

    def define(self, metric: Metric) -> None:
        with self.writing():
            self.catalog.save(metric, created_at=0)

    def append(
        self, batch: EventBatch, *, run: int, received_at: int, on_duplicate: OnDuplicate
    ) -> Appended:
        """Inside a transaction: keep every event whose identity is free."""
        return self._appender.append(
            batch, run=run, received_at=received_at, on_duplicate=on_duplicate
        )

    def judge(self, batch: EventBatch, received_at: int) -> Judged:
        """Inside a transaction: what `append` would refuse or find taken; nothing is kept."""
        return self._appender.judge(batch, received_at)

    def derive(self, *, enough: int) -> None:
        """Inside a transaction: make parts of what is in none, if there are so many events."""
        derivation = Derivation(self._connection)
        derivation.begin(self.catalog.metrics())
        derivation.derive_all(enough)

    def revert(self, run: int, now: int, told: Told | None = None) -> tuple[int, int]:
        """Take back a run: (events removed, earlier versions restored). See `Runs.revert`."""
        with self.writing():
            return self.runs.revert(run, now, self.catalog.metrics(), told)

    def delete(self, event: StoredEvent, reason: str, now: int) -> None:
        """Inside a transaction: take an event out of every figure, and keep it."""
        self._deletions.delete(event.position, reason, now, self.catalog.metrics())

    def undelete(self, event: StoredEvent, now: int) -> None:
        """Inside a transaction: bring a deleted event back."""
        self._deletions.undelete(event.position, now, self.catalog.metrics())

    def parties(self) -> Iterable[Subject]:
        return self._snapshot().parties.all()

    def registry(self, customers: Sequence[str], subscriptions: Sequence[str]) -> Registry:
        """What decides whose the events of these are; of everybody where nobody is named."""
        return self._snapshot().parties.registry(customers, subscriptions)

    def span(self, *, put_aside: bool = False) -> tuple[int, int] | None:
        """Instants of the first and the last event, in microseconds since 1970."""
        bounds = list(self._snapshot().spans(put_aside=put_aside))
        if not bounds:
            return None
        return min(first for first, _ in bounds), max(last for _, last in bounds)

    def select(
        self, selection: EventSelection, *, newest_first: bool = False
    ) -> Iterator[StoredEvent]:
        return self.events.select(self._snapshot(), selection, newest_first=newest_first)

    def page(
        self, selection: EventSelection, skip: int, size: int, *, ties: Ties = "arrival"
    ) -> EventPage:
        return self.events.page(self._snapshot(), selection, skip, size, ties)

    def outbox(self, url: str) -> Outbox:
        """What is still to be sent to another Lago."""
        from lago_cli.stores.sqlite import outbox

        return outbox.Outbox(self._connection, url)

    def wanted_by(self, selection: EventSelection) -> Callable[[Waiting], bool]:
        """Whether an event that waits to be sent is one of a selection."""
        from lago_cli.stores.sqlite import outbox

        return outbox.wanted(self._snapshot().parties, selection)

    def newest(
        self,
        codes: Iterable[str],
        limit: int,
        *,
        of: Subject | None = None,
        before: int | None = None,
    ) -> Iterator[StoredEvent]:
        customers, subscriptions = ((name,) if name else () for name in of or (None, None))
        wanted = EventSelection(customers, subscriptions, tuple(codes), end=before, limit=limit)
        return self.select(wanted, newest_first=True)

    def names(self, word: Word) -> Iterable[str]:
        return self._names.all(word)

    def known(self, word: Word, names: Sequence[str]) -> set[str]:
        return self._names.known(word, names)

    def similar(self, word: Word, name: str) -> Iterable[str]:
        return self._names.similar(word, name)

    def count(
        self, spans: Iterable[tuple[Subject, Window]], as_of: int | None = None, *, usable: bool
    ) -> Iterator[tuple[str, int]]:
        return self._snapshot().count(spans, as_of, usable=usable)

    def aggregate(self, query: UsageQuery) -> Iterator[Share]:
        return self._snapshot().aggregate(query)

    def evidence(self, query: UsageQuery) -> Iterator[Evidence]:
        return self.events.evidence(self._snapshot(), query)

    def _snapshot(self) -> Snapshot:
        """What was read of the file, as long as it has not changed."""
        changes = self._connection.total_changes, *self._connection.execute(VERSION).fetchone()
        if self._known is None or self._known[0] != changes:
            snapshot = Snapshot(self._connection, Parties(self._connection), self.catalog.metrics())
            self._known = changes, snapshot
        return self._known[1]
