"""Sending stored events on to another Lago, each once for ever."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

from lago_cli.domain.stored import StoredEvent
from lago_cli.remote.client import Client, Seconds
from lago_cli.remote.events import AT_ONCE, Refusal, as_sent, deliver

SHOWN = 20  # refusals that are kept to be named
_LOOKED_AT = 2_000  # events, at once


class Waiting(Protocol):
    @property
    def event_id(self) -> int: ...


class Outbox(Protocol):
    """What a file knows of one destination; see `stores.sqlite.outbox`."""

    def last_id(self) -> int: ...

    def waiting(self, after: int, until: int, most: int) -> Iterable[Waiting]: ...

    def refused(self, after: int, until: int, most: int) -> Iterable[Waiting]: ...

    def superseded(self, ids: Collection[int]) -> set[int]: ...

    def record(
        self,
        done: Iterable[int],
        refused: Mapping[int, tuple[str, str]],
        superseded: Collection[int] = (),
    ) -> None: ...

    def forget(self) -> None: ...

    def standing(self) -> tuple[int, int, int]: ...


class Refused(NamedTuple):
    """An event that the other side does not want, and why."""

    event: StoredEvent
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What a push may be asked for."""

    limit: int | None = None
    rate: int | None = None  # events a second, at most
    retry_refused: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class PushReport:
    """What a push did."""

    read: int = 0
    sent: int = 0
    already_there: int = 0
    refused: int = 0
    left: int = 0  # that are wanted, and were not sent
    refused_before: int = 0  # standing since an earlier push
    replaced_since: int = 0  # the other side keeps what was sent first
    deleted_since: int = 0  # the other side still has them
    refusals: list[Refused] = field(default_factory=list)  # the first of them


class Events(Protocol):
    def of_ids(self, ids: Iterable[int]) -> Iterable[StoredEvent]: ...


class File(Protocol):
    """What a push needs of the store."""

    @property
    def events(self) -> Events: ...

    def writing(self) -> AbstractContextManager[None]: ...


class Push:
    """One run. What it did so far is in `report`, also where it is interrupted."""

    def __init__(
        self,
        file: File,
        outbox: Outbox,
        is_wanted: Callable[[Any], bool],
        options: PushOptions,
        *,
        clock: Callable[[], int],
        pause: Callable[[Seconds], None],
    ) -> None:
        self._file = file
        self._outbox = outbox
        self._is_wanted = is_wanted
        self._options = options
        self._clock = clock
        self._pause = pause
        self._until = outbox.last_id()  # what comes in meanwhile is sent by the next push
        self.report = PushReport()

    def run(
        self,
        client: Client | None,
        progressed: Callable[[int], object],
        refused: Callable[[Refused], object],
    ) -> PushReport:
        """
        Send what waits, in the order of arrival; each batch is committed once it is answered for.

        Args:
            client: None for a dry run, which only counts.
            progressed: told of so many events more.
            refused: told of every event that the other side does not want.

        Raises:
            LagoError: see `Client`.
        """
        report, started = self.report, self._clock()
        for ids in self._batches():
            superseded = self._outbox.superseded(ids)
            found = self._file.events.of_ids(ids)  # what was deleted this moment is not among them
            events = [each for each in found if each.position not in superseded]
            report.read += len(events) + len(superseded)
            if client is None:
                report.left += len(events)
                continue
            done = deliver(client, [as_sent(each) for each in events])
            refusals = {events[at].position: why for at, why in done.refused.items()}
            there = [events[at].position for at in (*done.sent, *done.there)]
            self._record(there, refusals, superseded)
            report.sent += len(done.sent)
            report.already_there += len(done.there)
            report.refused += len(done.refused)
            for at, why in done.refused.items():
                each = Refused(events[at], why)
                refused(each)
                if len(report.refusals) < SHOWN:
                    report.refusals.append(each)
            progressed(len(ids))
            self._keep_pace(started)
        self._count_what_stands()
        return report

    def _record(
        self, there: Sequence[int], refusals: Mapping[int, Refusal], superseded: Collection[int]
    ) -> None:
        try:
            with self._file.writing():
                self._outbox.record(there, refusals, superseded)
        except BaseException:
            self._outbox.forget()
            raise

    def _count_what_stands(self) -> None:
        refused, replaced, deleted = self._outbox.standing()
        self.report.refused_before = max(refused - self.report.refused, 0)
        self.report.replaced_since, self.report.deleted_since = replaced, deleted

    def _batches(self) -> Iterator[list[int]]:
        """Ids of events, as many as go into a request; what is beyond the limit is counted."""
        rate, limit = self._options.rate, self._options.limit
        size = AT_ONCE if rate is None else min(rate, AT_ONCE)
        batch: list[int] = []
        taken = 0
        for event_id in self._wanted():
            if limit is not None and taken == limit:
                self.report.left += 1
                continue
            taken += 1
            batch.append(event_id)
            if len(batch) == size or taken == limit:
                yield batch
                batch = []
        if batch:
            yield batch

    def _wanted(self) -> Iterator[int]:
        sources = [self._outbox.refused] if self._options.retry_refused else []
        for source in (*sources, self._outbox.waiting):
            after = 0
            while some := list(source(after, self._until, _LOOKED_AT)):
                after = some[-1].event_id
                yield from (each.event_id for each in some if self._is_wanted(each))

    def _keep_pace(self, started: int) -> None:
        """Wait until as much time has gone by as the rate wants."""
        if self._options.rate is not None:
            due = Fraction(self.report.read, self._options.rate)
            early = due - Fraction(self._clock() - started, 10**9)
            if early > 0:
                self._pause(early)
