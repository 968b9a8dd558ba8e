"""
From blocks of lines to batches of events, ahead of the one who stores them.

A small input, or one that trickles, is decoded on the spot. Of a large one the blocks are
decoded by a second process, while this one is busy storing; they come out in their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping

from lago_cli.domain.batches import EventBatch, decode_lines
from lago_cli.domain.packing import Packer, Unpacker
from lago_cli.domain.readings import Reader, read_all
from lago_cli.readers.base import Block
from lago_cli.services import worker
from lago_cli.services.worker import Work, Worker, WorkerDied

ENOUGH_BYTES = 1024 * 1024  # before them a second process is not worth its start
_WORTH_GIVING = 64 * 1024  # bytes: smaller blocks are those of a moment, which nobody keeps waiting

Readers = Mapping[str, Reader]
Decoded = tuple[Block, EventBatch | None]
"""A block and its events, None where it wants a look at each line."""


class Decoding:
    """Decodes blocks; `readers` tells how to read their events by now."""

    def __init__(self, readers: Callable[[], Readers]) -> None:
        self._readers = readers
        self._seen = 0
        self._ahead: deque[Block] = deque()
        self._worker: Worker | None = None
        self._may_start = worker.is_worthwhile()
        self._read_by: Readers = {}
        self._unpacker = Unpacker()

    def add(self, block: Block) -> Iterator[Decoded]:
        """Take one block more, and yield what is done by now."""
        self._seen += len(block.data)
        if not _WORTH_GIVING <= len(block.data) <= worker.MAX_INPUT or self._seen < ENOUGH_BYTES:
            yield from self.rest()
            yield block, decode_lines(block.data, block.line)
            return
        if self._read_by is not self._readers():
            yield from self.rest()
            self.close()
        self._ahead.append(block)
        self._give(block)
        while self._ahead and (self._worker is None or self._worker.has_something):
            yield self._next()

    def rest(self) -> Iterator[Decoded]:
        """Everything that was added and has not come out yet."""
        while self._ahead:
            yield self._next()

    def close(self) -> None:
        """End the second process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _next(self) -> Decoded:
        block = self._ahead.popleft()
        if self._worker is None:
            return block, decode_lines(block.data, block.line)
        try:
            packed = self._worker.take()
        except WorkerDied:
            self._go_on_alone()
            return block, decode_lines(block.data, block.line)
        if packed is None:
            return block, None
        batch = self._unpacker.unpack(packed, block.line)
        batch.readers = self._read_by
        return block, batch

    def _give(self, block: Block) -> None:
        try:
            if self._worker is None and self._may_start:
                self._read_by = self._readers()
                self._unpacker = Unpacker()
                self._worker = Worker(_work(self._read_by))
            if self._worker is not None:
                self._worker.give(block.data)
        except (OSError, WorkerDied):  # no room for another process, or somebody killed it
            self._go_on_alone()

    def _go_on_alone(self) -> None:
        self._may_start = False
        self.close()


def _work(readers: Readers) -> Work:
    """What the second process does: it decodes a block, and reads its events."""
    packer = Packer()

    def work(data: bytes) -> bytes | None:
        batch = decode_lines(data, 1)
        if batch is None:
            return None
        at = [moment for moment in batch.at if moment is not None]
        if len(at) == len(batch):
            batch.readings = read_all(batch.codes, batch.properties, at, readers)
        return packer.pack(batch)

    return work
