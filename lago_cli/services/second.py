"""
What the second process of an ingest does, and how the first one speaks with it.

It decodes blocks of lines and reads their events. When it is told which of them were stored
it sums up their days too, and hands over the sums when the first one is about to commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from msgspec import msgpack

from lago_cli.domain.batches import EventBatch, decode_lines
from lago_cli.domain.days import Days, Part, SummingLost, Way, packed, ways_of
from lago_cli.domain.metrics import Metric
from lago_cli.domain.packing import Packer, Unpacker
from lago_cli.domain.ranks import ranked
from lago_cli.domain.readings import Readings, read_all, reader_for
from lago_cli.services.worker import Worker, WorkerDied

Metrics = Mapping[str, Metric]
_FORGET = -1


class SecondProcess:
    """As the first one sees it; it is a `Summing` to whoever stores the batches."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._worker: Worker | None = Worker(_Task(metrics))
        self._unpacker = Unpacker()
        self._taken = 0
        self._settled = 0

    @property
    def has_something(self) -> bool:
        """Whether a batch is to be taken."""
        return self._alive.has_something

    def give(self, data: bytes) -> None:
        """One block more. Raises `WorkerDied`, as `take` does."""
        self._alive.give(data)

    def take(self, first_line: int) -> EventBatch | None:
        """The batch of the earliest block given; None where it wants a look at each line."""
        result = self._alive.take()
        self._taken += 1
        if result is None:
            return None
        batch = self._unpacker.unpack(result, first_line)
        if batch.readings is not None:
            batch.read_for = self.metrics
            batch.parts = (Part(self, self._taken, len(batch)),)
        return batch

    def add(self, number: int, codes: Sequence[int], first_id: int, parties: Sequence[int]) -> None:
        self._settled = number
        self._tell((number, codes, first_id, parties))

    def settle(self, number: int) -> None:
        if number > self._settled:
            self._settled = number
            with suppress(SummingLost):
                self._tell((number,))

    def collect(self) -> list[tuple[int, int, bytes]]:
        try:
            answer = self._alive.ask()
        except WorkerDied:
            raise SummingLost from None
        return msgpack.decode(answer, type=list[tuple[int, int, bytes]])

    def forget(self) -> None:
        with suppress(SummingLost):
            self._tell((_FORGET,))

    def close(self) -> None:
        """End it at once."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    @property
    def _alive(self) -> Worker:
        if self._worker is None:
            raise WorkerDied
        return self._worker

    def _tell(self, note: tuple[Any, ...]) -> None:
        try:
            self._alive.tell(msgpack.encode(note))
        except WorkerDied:
            raise SummingLost from None


class _Decoded(NamedTuple):
    """What is kept of a batch until it is known whether it was stored."""

    number: int
    codes: Sequence[str]
    at: list[int]
    finer: Sequence[int] | None
    properties: Sequence[str]
    readings: Readings


class _Task:
    """What the second process does."""

    def __init__(self, metrics: Metrics) -> None:
        self._readers = {code: reader_for(metric) for code, metric in metrics.items()}
        self._ways = ways_of(metrics)
        self._packer = Packer()
        self._number = 0
        self._unsettled: deque[_Decoded] = deque()
        self._days = Days()

    def do(self, data: bytes) -> bytes | None:
        self._number += 1
        batch = decode_lines(data, 1)
        if batch is None:
            return None
        at = [moment for moment in batch.at if moment is not None]
        if len(at) == len(batch):
            batch.readings = read_all(batch.codes, batch.properties, at, self._readers)
            decoded = _Decoded(
                self._number, batch.codes, at, batch.finer, batch.properties, batch.readings
            )
            self._unsettled.append(decoded)
        return self._packer.pack(batch)

    def heed(self, note: bytes) -> None:
        number, *stored = msgpack.decode(note)
        if number == _FORGET:
            self._days.clear()
        while self._unsettled and self._unsettled[0].number <= number:
            decoded = self._unsettled.popleft()
            if stored and decoded.number == number:
                self._add(decoded, *stored)

    def _add(
        self, decoded: _Decoded, codes: Sequence[int], first_id: int, parties: Sequence[int]
    ) -> None:
        ranks = ranked(decoded.finer, range(first_id, first_id + len(codes)))
        texts = dict(zip(codes, decoded.codes, strict=True))
        ways = {code: self._ways.get(text, Way()) for code, text in texts.items()}
        readings = zip(*decoded.readings, strict=True)
        self._days.add(codes, decoded.at, ranks, parties, readings, decoded.properties, ways)

    def answer(self) -> bytes:
        days = self._days.take()
        return msgpack.encode([(*key, packed(summaries)) for key, summaries in days])
