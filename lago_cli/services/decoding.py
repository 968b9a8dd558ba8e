"""
From blocks of lines to batches of events, ahead of the one who stores them.

A small input, or one that trickles, is decoded on the spot. Of a large one the blocks are
decoded by a second process, while this one is busy storing; they come out in their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from lago_cli.domain.batches import EventBatch, decode_lines
from lago_cli.readers.base import Block
from lago_cli.services import worker
from lago_cli.services.second import Metrics, SecondProcess
from lago_cli.services.worker import WorkerDied

ENOUGH_BYTES = 1024 * 1024  # before them a second process is not worth its start
_WORTH_GIVING = 64 * 1024  # bytes: smaller blocks are those of a moment, which nobody keeps waiting

Decoded = tuple[Block, EventBatch | None]
"""A block and its events, None where it wants a look at each line."""


class Decoding:
    """Decodes blocks; `metrics` tells what their events are read for by now."""

    def __init__(self, metrics: Callable[[], Metrics]) -> None:
        self._metrics = metrics
        self._seen = 0
        self._ahead: deque[Block] = deque()
        self._second: SecondProcess | None = None
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
                self._second = SecondProcess(self._metrics())
            if self._second is not None:
                self._second.give(block.data)
        except (OSError, WorkerDied):  # no room for another process, or somebody killed it
            self._go_on_alone()

    def _go_on_alone(self) -> None:
        self._may_start = False
        self.close()
