"""
Ingesting: records become stored events, and every line is accounted for.

Whole blocks of ordinary lines take the short way (`services.decoding`); what it
declines is judged record by record. Events are committed in large transactions, and
at once where the input pauses, so that whatever was read is safe when a pipe goes quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.events import Event
from lago_cli.domain.runs import Tally
from lago_cli.errors import LagoError
from lago_cli.readers.base import PARTIAL, Block, Record
from lago_cli.readers.ndjson import split
from lago_cli.services.batching import Batching, Lines
from lago_cli.services.conflicts import conflict
from lago_cli.services.decoding import Decoding
from lago_cli.services.foreign import Interpreter
from lago_cli.services.ingest_report import (
    SHOWN,
    IngestOptions,
    IngestReport,
    Listener,
    Rejection,
)
from lago_cli.stores.base import Appended, IngestStore

_BATCH = 1_000  # events judged one by one are stored together, or those of a moment
_GATHERED_BYTES = 64 * 1024
_COMMIT_EVENTS = 250_000
_COMMIT_SECONDS = 2.0
_COMMIT_SHARE = 8  # times as long as the last commit took: in a large file more than that
_TRICKLE_SECONDS = 0.1
_TRICKLE_EVENTS = 1_000
_LOOKED_AT = 100  # undated events of a block, for what may be meant as their time

Clock = Callable[[], int]


class Ingestion:
    """
    One run over any number of inputs. Use as a context manager around `read`, then `finish`.

    An exception rolls back what is not committed; `committed` says what stays.
    """

    def __init__(
        self,
        store: IngestStore,
        options: IngestOptions,
        *,
        source: str,
        now: Clock,
        elapsed: Callable[[], float],
        listener: Listener,
    ) -> None:
        self._store = store
        self._options = options
        self._source = source
        self._now = now
        self._elapsed = elapsed
        self._listener = listener
        self._run: int | None = None
        self._tally = Tally()
        self._rejections: list[Rejection] = []
        self._interpreter = Interpreter(options.form)
        self._takes_blocks = options.form.is_ordinary and not options.shown
        self._shown: list[Event] = []
        self._partial: list[str] = []
        self._decoding = Decoding(lambda: store.metrics)
        self._batching = Batching(elapsed)
        self._pending = EventBatch()
        self._raws: list[bytes] = []
        self._pending_since = 0.0
        self._file = ""
        self._begun_at = 0.0
        self._commit_took = 0.0
        self._in_transaction = 0  # events since it began
        self._had_transaction = False
        self.committed = Tally()
        self._committing = self.committed

    def read(self, file: str, records: Iterable[Block | Record]) -> None:
        """Take in one input."""
        self._file = file
        self._interpreter.begin(file)
        for item in records:
            if isinstance(item, Block):
                self._take_block(item)
            else:
                self._catch_up()
                self._take_record(item)
            if self._pending and self._elapsed() - self._pending_since > _TRICKLE_SECONDS:
                self._flush()
            self._listener.progressed(self._tally)
        self._catch_up()
        self._flush()

    def pause(self) -> None:
        """The input is quiet: make what has been read durable."""
        self._catch_up()
        self._flush()
        self._commit()

    def finish(self) -> IngestReport:
        """Close the account and make it durable, or undo everything where that was asked."""
        self._flush()
        if self._run is not None or self._tally.read:  # else there is nothing to account for
            self._begin()
        refused = self._tally.rejected > self._options.max_rejects
        undone = self._options.strict and refused
        if undone or self._options.dry_run:
            self._store.rollback()
            self._run = None
        else:
            self._commit(finished=True)
        self._decoding.close()
        tally = self._tally
        if undone:
            tally = replace(tally, ingested=0, replaced=0, unmatched=0, unusable=0, undated=0)
        known = self._interpreter
        return IngestReport(
            self._run,
            tally,
            self._rejections,
            refused,
            undone,
            known.unfound(),
            known.not_kept,
            list(known.time_like),
            self._shown,
            self._partial,
        )

    def abandon(self) -> None:
        """After a failure or an interruption: nothing half done stays."""
        self._decoding.close()
        if not self._store.in_transaction:  # it came in the very moment of a commit
            self.committed = self._committing
        self._store.rollback()

    def _take_block(self, block: Block) -> None:
        if not self._takes_blocks:
            self._take_batch(block, None)
            return
        if len(block.data) >= _GATHERED_BYTES and self._is_known(block):
            return
        for done, batch in self._decoding.add(block):
            self._take_batch(done, batch)

    def _is_known(self, block: Block) -> bool:
        """Whether all of its events are stored just so: then they are counted, and that is all."""
        if self._options.on_duplicate == "error":  # which names each of them
            return False
        digest = _digest(block)
        if digest not in self._store.blocks:
            return False
        self._begin()  # from here on nobody takes back what it brought
        if self._options.on_duplicate == "replace":  # events before it may replace some of its own
            self._catch_up()
            self._flush()
        if digest not in self._store.blocks:
            return False
        events = block.data.removesuffix(b"\n").count(b"\n") + 1  # one a line: it was ordinary
        self._tally.read += events
        self._tally.duplicates += events
        if self._is_time_to_commit():
            self._commit()
        return True

    def _catch_up(self) -> None:
        for done, batch in self._decoding.rest():
            self._take_batch(done, batch)

    def _take_batch(self, block: Block, batch: EventBatch | None) -> None:
        if batch is None:
            for record in split(block):
                self._take_record(record)
            return
        self._tally.read += len(batch)
        if batch.not_kept or None in batch.at:
            times = zip(batch.at, batch.properties, strict=True)
            undated = (properties for at, properties in times if at is None)
            self._interpreter.look_at(batch.not_kept, islice(undated, _LOOKED_AT))
        if self._pending or not self._may_gather(block):
            self._flush()
        if len(block.data) >= _GATHERED_BYTES and not batch.not_kept and None not in batch.at:
            batch.blocks = [_digest(block)]
        if not self._may_gather(block):
            self._append(batch, Lines(block.data).__getitem__)
            return
        self._batching.add(batch, Lines(block.data))
        if self._batching.is_enough(self._store.events_at_once):
            self._flush()

    def _may_gather(self, block: Block) -> bool:
        """Whether its events may wait for more; those of a moment may not."""
        return self._store.events_at_once > 1 and len(block.data) >= _GATHERED_BYTES

    def _take_record(self, record: Record) -> None:
        if record.problem is not None and record.problem.code == PARTIAL:
            self._partial.append(f"{self._file}:{record.line}")
            return
        self._tally.read += 1
        if record.problem is not None:
            self._reject(record.line, record.problem.code, record.problem.message, record.raw)
            return
        source = record.text or record.body or record.raw
        try:
            events = self._interpreter.events_of(record)
        except LagoError as error:
            self._refuse(record.line, error, source)
            return
        self._tally.skipped += not events
        for event in events:
            self._take_event(event, record.line, source)

    def _take_event(self, event: Event, line: int, source: bytes) -> None:
        if len(self._shown) < self._options.shown:
            self._shown.append(event)
        if not self._pending:
            self._pending_since = self._elapsed()
        self._pending.append(event, line)
        self._raws.append(source)
        if len(self._pending) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        if (gathered := self._batching.take()) is not None:
            self._append(*gathered)
        if self._pending:
            batch, raws = self._pending, self._raws
            self._pending, self._raws = EventBatch(), []
            self._append(batch, raws.__getitem__)

    def _append(self, batch: EventBatch, raw_of: Callable[[int], bytes]) -> None:
        self._begin()
        assert self._run is not None
        appended = self._store.append(
            batch,
            run=self._run,
            received_at=self._now(),
            on_duplicate=self._options.on_duplicate,
        )
        self._account(batch, appended, raw_of)
        if batch.blocks and _is_all_there(batch, appended):
            self._store.blocks.add(batch.blocks)
        self._in_transaction += len(batch)
        if self._is_time_to_commit():
            self._commit()

    def _account(
        self, batch: EventBatch, appended: Appended, raw_of: Callable[[int], bytes]
    ) -> None:
        tally = self._tally
        tally.ingested += appended.new
        tally.replaced += appended.replaced
        tally.unmatched += appended.unmatched
        tally.unusable += appended.unusable
        tally.undated += appended.undated
        for index, error in appended.refused:
            self._refuse(batch.lines[index], error, raw_of(index))
        if self._options.on_duplicate != "error":
            tally.duplicates += len(appended.duplicates)
            tally.conflicts += sum(bool(differs_in) for _, differs_in in appended.duplicates)
            for duplicate in appended.duplicates if appended.holders else ():
                if (holder := appended.holders.get(duplicate.position)) is not None:
                    self._listener.conflicting(conflict(self._file, batch, duplicate, holder))
            return
        for duplicate in appended.duplicates:
            holder = appended.holders.get(duplicate.position)
            found = conflict(self._file, batch, duplicate, holder)
            self._reject(found.line, "duplicate", found.said, raw_of(duplicate.position))

    def _refuse(self, line: int, error: LagoError, raw: bytes) -> None:
        message = f"{error.message} ({error.hint})" if error.hint else error.message
        self._reject(line, error.code, message, raw)

    def _reject(self, line: int, code: str, message: str, raw: bytes) -> None:
        self._tally.rejected += 1
        text = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
        rejection = Rejection(self._file, line, code, message, text)
        if len(self._rejections) < SHOWN:  # without its text, which may be long
            self._rejections.append(rejection._replace(raw=""))
        self._listener.rejected(rejection)

    def _begin(self) -> None:
        if self._store.in_transaction:
            return
        if self._had_transaction:
            self._store.yield_to_others()
        self._store.begin()
        self._had_transaction = True
        self._begun_at = self._elapsed()
        self._in_transaction = 0
        if self._run is None:
            self._run = self._store.runs.start(self._source, self._now(), self._store.next_event_id)

    def _is_time_to_commit(self) -> bool:
        elapsed = self._elapsed() - self._begun_at
        trickle = elapsed > _TRICKLE_SECONDS and self._in_transaction < _TRICKLE_EVENTS
        long = elapsed > max(_COMMIT_SECONDS, _COMMIT_SHARE * self._commit_took)
        return trickle or long or self._in_transaction >= _COMMIT_EVENTS

    def _commit(self, *, finished: bool = False) -> None:
        keeps_open = self._options.strict or self._options.dry_run
        if not self._store.in_transaction or (keeps_open and not finished):
            return
        assert self._run is not None
        self._store.runs.record(
            self._run,
            self._tally,
            self._store.next_event_id - 1,
            self._now() if finished else None,
        )
        since = self._elapsed()
        self._committing = replace(self._tally)
        try:
            self._store.commit()
        except Exception:
            self._committing = self.committed
            raise
        self.committed = self._committing
        self._commit_took = self._elapsed() - since


def _digest(block: Block) -> bytes:
    import hashlib

    return hashlib.sha256(block.data).digest()


def _is_all_there(batch: EventBatch, appended: Appended) -> bool:
    """Whether every event of a batch is stored just as it stands there."""
    repeated = sum(
        not differs_in and position not in appended.holders
        for position, differs_in in appended.duplicates
    )
    return appended.new + repeated == len(batch)
