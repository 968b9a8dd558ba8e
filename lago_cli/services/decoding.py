"""
From blocks of lines to batches of events, ahead of the one who stores them.

A small input, or one that trickles, is decoded on the spot. Of a large one the blocks are
decoded by a second process, while this one is busy storing; they come out in their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping

from lago_cli.domain.batches import EventBatch, decode_lines
from lago_cli.domain.measurements import read_all, reader_for
from lago_cli.domain.metrics import Metric
from lago_cli.domain.packing import Packer, Unpacker
from lago_cli.readers.base import Block
from lago_cli.services import worker
from lago_cli.services.worker import Worker, WorkerDied

ENOUGH_BYTES = 1024 * 1024  # before them a second process is not worth its start
_WORTH_GIVING = 64 * 1024  # bytes: smaller blocks are those of a moment, which nobody keeps waiting

Metrics = Mapping[str, Metric]

Decoded = tuple[Block, EventBatch | None]
"""A block and its events, None where it wants a look at each line."""


class Decoding:
    """Decodes blocks; `metrics` tells what their events are read for by now."""

    def __init__(self, metrics: Callable[[], Metrics]) -> None:
        self._metrics = metrics
        self._seen = 0
        self._ahead: deque[Block] = deque()
        self._second: _DecodingAhead | None = None
        self._may_start = worker.is_worthwhile()

    def add(self, block: Block) -> Iterator[Decoded]:
        """Take one block more, and yield what is done by now."""
        self._seen += len(block.data)
        if not _WORTH_GIVING <= len(block.data) <= worker.MAX_INPUT or self._seen < ENOUGH_BYTES:
            yield from self.rest()
            yield block, decode_lines(block.data, block.line)
            return
        if self._second is not None and self._second.metrics is not self._metrics():
            yield from self.rest()
            self.close()
        self._ahead.append(block)
        self._give(block)
        while self._ahead and (self._second is None or self._second.has_something):
            yield self._next()

    def rest(self) -> Iterator[Decoded]:
        """Everything that was added and has not come out yet."""
        while self._ahead:
            yield self._next()

    def close(self) -> None:
        """End the second process."""
        if self._second is not None:
            self._second.close()
            self._second = None

    def _next(self) -> Decoded:
        block = self._ahead.popleft()
        if self._second is None:
            return block, decode_lines(block.data, block.line)
        try:
            return block, self._second.take(block.line)
        except WorkerDied:
            self._go_on_alone()
            return block, decode_lines(block.data, block.line)

    def _give(self, block: Block) -> None:
        try:
            if self._second is None and self._may_start:
                self._second = _DecodingAhead(self._metrics())
            if self._second is not None:
                self._second.give(block.data)
        except (OSError, WorkerDied):  # no room for another process, or somebody killed it
            self._go_on_alone()

    def _go_on_alone(self) -> None:
        self._may_start = False
        self.close()


class _DecodingAhead:
    """The second process, which decodes blocks and reads their events for some metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        readers = {code: reader_for(metric) for code, metric in metrics.items()}
        packer = Packer()

        def decode(data: bytes) -> bytes | None:
            batch = decode_lines(data, 1)
            if batch is None:
                return None
            at = [moment for moment in batch.at if moment is not None]
            if len(at) == len(batch):
                batch.measurements = read_all(batch.codes, batch.properties, at, readers)
            return packer.pack(batch)

        self._worker = Worker(decode)
        self._unpacker = Unpacker()

    @property
    def has_something(self) -> bool:
        """Whether a batch is to be taken."""
        return self._worker.has_something

    def give(self, data: bytes) -> None:
        """One block more. Raises `WorkerDied`, as `take` does."""
        self._worker.give(data)

    def take(self, first_line: int) -> EventBatch | None:
        """The batch of the earliest block given; None where it wants a look at each line."""
        result = self._worker.take()
        if result is None:
            return None
        batch = self._unpacker.unpack(result, first_line)
        if batch.measurements is not None:
            batch.read_for = self.metrics
        return batch

    def close(self) -> None:
        """End it at once."""
        self._worker.close()
