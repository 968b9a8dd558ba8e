"""
Groups of requests: each is judged as a whole, and what may go in is stored at once.

Mostly nothing is wrong with any of them, so all are appended in one go. Only where one cannot go
in are they judged one after another first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from lago_cli.domain.batches import EventBatch, joined
from lago_cli.domain.runs import Tally
from lago_cli.errors import LagoError, refused

if TYPE_CHECKING:
    from lago_cli.server.gauges import Gauges
    from lago_cli.stores.base import Appended
    from lago_cli.stores.sqlite.store import SqliteStore

OnDuplicate = Literal["error", "skip"]
DAY = 86_400_000_000  # microseconds
REMEMBERED = 500  # refusals

Faults = dict[int, LagoError]
"""By position in the request, why an event cannot go in."""


class Verdict(NamedTuple):
    """A request is in, with all of its events; or none of them, for these faults."""

    faults: Faults


class Refusal(NamedTuple):
    """An event that was refused, for people who look for it."""

    at: int
    transaction_id: str
    code: str  # of the fault
    message: str


class Gathering:
    """
    Takes in groups of requests, as one ingest run from the start of the server on.

    Each UTC day has a run of its own, and there is a new one after somebody took it back.
    """

    def __init__(self, source: str, on_duplicate: OnDuplicate, gauges: Gauges) -> None:
        self._source = source
        self._on_duplicate: OnDuplicate = on_duplicate
        self._gauges = gauges
        self._run: int | None = None
        self._day = 0
        self._tally = Tally()
        self.refusals: deque[Refusal] = deque(maxlen=REMEMBERED)  # the latest

    def take_in(
        self, store: SqliteStore, batches: Sequence[EventBatch], received_at: int
    ) -> list[Verdict]:
        """
        One transaction, committed. Where it raises, nothing was stored.

        Raises:
            LagoError: locked.
        """
        try:
            return self._taken_in(store, batches, received_at)
        except LagoError as error:
            if error.code != "run_reverted":
                raise
            store.rollback()
            self._run = None
            return self._taken_in(store, batches, received_at)

    def forget(self) -> None:
        """The file may be another one now: what comes next has a run of its own."""
        self._run = None

    def finish(self, store: SqliteStore, now: int) -> None:
        """Close the account of the run."""
        if self._run is None:
            return
        run, self._run = self._run, None
        store.begin()
        try:
            store.runs.record(run, self._tally, store.next_event_id - 1, now)
        except LagoError:  # it was taken back
            store.rollback()
        else:
            store.commit()

    def _taken_in(
        self, store: SqliteStore, batches: Sequence[EventBatch], received_at: int
    ) -> list[Verdict]:
        store.begin()
        run, tally = self._begun(store, received_at)
        whole = joined(batches)
        done: Appended | None
        done = appended = self._append(store, whole, run, received_at)
        verdicts = [Verdict({}) for _ in batches]
        if appended.refused or (appended.duplicates and self._on_duplicate == "error"):
            store.rollback()
            store.begin()
            run, tally = self._begun(store, received_at)
            verdicts = self._judged(store, batches, received_at)
            fit = [batch for batch, v in zip(batches, verdicts, strict=True) if not v.faults]
            done = self._append(store, joined(fit), run, received_at) if fit else None
        tally = _counted(tally, len(whole), done)
        tally.rejected += sum(
            len(batch) for batch, verdict in zip(batches, verdicts, strict=True) if verdict.faults
        )
        store.runs.record(run, tally, store.next_event_id - 1, None)
        store.commit(only_events=True)
        self._run, self._tally, self._day = run, tally, received_at // DAY
        self._note(batches, verdicts, received_at)
        self._count(len(whole), done, verdicts)
        return verdicts

    def _begun(self, store: SqliteStore, received_at: int) -> tuple[int, Tally]:
        """The run that events go into, and its account so far; it may be of this transaction."""
        if self._run is not None and self._day == received_at // DAY:
            return self._run, replace(self._tally)
        if self._run is not None:
            store.runs.record(self._run, self._tally, store.next_event_id - 1, received_at)
        return store.runs.start(self._source, received_at, store.next_event_id), Tally()

    def _append(
        self, store: SqliteStore, batch: EventBatch, run: int, received_at: int
    ) -> Appended:
        return store.append(
            batch, run=run, received_at=received_at, on_duplicate=self._on_duplicate
        )

    def _judged(
        self, store: SqliteStore, batches: Sequence[EventBatch], received_at: int
    ) -> list[Verdict]:
        """One after another: an event may repeat one of a request before it, if that is in."""
        judged = store.judge(joined(batches), received_at)
        known: set[tuple[object, ...]] = set()  # identities of what goes in before
        verdicts = []
        first = 0
        for batch in batches:
            faults: Faults = {}
            own: set[tuple[object, ...]] = set()
            for position in range(len(batch)):
                identity = _identity(batch, position)
                is_taken = first + position in judged.taken or identity in known | own
                if is_taken and self._on_duplicate == "error":
                    faults[position] = _taken(batch.transaction_ids[position])
                elif not is_taken and (error := judged.refused.get(first + position)):
                    faults[position] = error
                own.add(identity)
            if not faults:
                known |= own
            verdicts.append(Verdict(faults))
            first += len(batch)
        return verdicts

    def _count(self, read: int, done: Appended | None, verdicts: Sequence[Verdict]) -> None:
        stored = done.new if done is not None else 0
        skipped = len(done.duplicates) if done is not None else 0
        faults = [fault for verdict in verdicts for fault in verdict.faults.values()]
        self._gauges.counted(
            stored=stored,
            duplicates=skipped + sum(fault.code == "duplicate" for fault in faults),
            rejected=read - stored - skipped,
        )

    def _note(
        self, batches: Sequence[EventBatch], verdicts: Sequence[Verdict], received_at: int
    ) -> None:
        for batch, verdict in zip(batches, verdicts, strict=True):
            for position, error in verdict.faults.items():
                transaction_id = batch.transaction_ids[position]
                self.refusals.append(
                    Refusal(received_at, transaction_id, error.code, error.message)
                )


def _identity(batch: EventBatch, position: int) -> tuple[object, ...]:
    """What makes it one event: within its subscription, else within its customer."""
    customer, subscription = batch.parties[position]
    transaction_id = batch.transaction_ids[position]
    if subscription is not None:
        return "subscription", subscription, transaction_id
    return "customer", customer, transaction_id


def _taken(transaction_id: str) -> LagoError:
    return refused(
        "duplicate",
        f'There is an event "{transaction_id}" already.',
        "Start the server with --on-duplicate skip to have repeated events counted once.",
        field="transaction_id",
    )


def _counted(tally: Tally, read: int, done: Appended | None) -> Tally:
    tally.read += read
    if done is not None:
        tally.ingested += done.new
        tally.duplicates += len(done.duplicates)
        tally.conflicts += sum(bool(each.differs_in) for each in done.duplicates)
        tally.unmatched += done.unmatched
        tally.unusable += done.unusable
        tally.undated += done.undated
    return tally
