"""
Long answers: written by a reader's thread, sent while they are written, never whole in memory.

What is short is answered at once, with its length. Anything longer goes through a file without a
name, so that a slow client holds up neither the thread nor the version of the file it reads.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, TextIO, cast

from lago_cli.server.failures import unavailable

if TYPE_CHECKING:
    from lago_cli.server.routes import Answer
    from lago_cli.server.service import Service
    from lago_cli.stores.sqlite.store import SqliteStore

PIECE = 64 * 1024  # bytes
AT_ONCE = 1024 * 1024  # bytes of an answer that is sent whole


class GivenUp(Exception):  # noqa: N818 - nobody is left to be told
    """The client went away before its answer was written."""


class Pieces:
    """Text that one thread writes, and bytes that the event loop sends."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._held: list[bytes] = []
        self._holds = 0  # bytes that are not in the file
        self._file: IO[bytes] | None = None
        self._written = 0  # bytes of the file
        self._is_given_up = False
        self._writing: asyncio.Task[None] | None = None

    def write(self, text: str) -> int:
        """From the thread. Raises `ApiError` (503) where there is no room for it."""
        piece = text.encode(errors="backslashreplace")
        self._held.append(piece)
        self._holds += len(piece)
        if self._holds >= (AT_ONCE if self._file is None else PIECE):
            self._put()
        return len(text)

    def finish(self) -> None:
        """From the thread, where all is written: what is short stays in memory."""
        if self._file is not None:
            self._put()

    def _put(self) -> None:
        """Everything that is held into the file."""
        if self._is_given_up:
            raise GivenUp
        try:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115 - closed when it is sent
            self._file.write(b"".join(self._held))
            self._file.flush()
        except OSError:
            message = "There is no room for the answer in the folder for temporary files."
            raise unavailable("no_room", message) from None
        self._written += self._holds
        self._held, self._holds = [], 0
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._changed.set)

    async def begun(self, writing: asyncio.Task[None]) -> bytes | None:
        """
        All of it, where it is short; None where it goes on.

        Raises whatever the thread raised.
        """
        self._writing = writing
        writing.add_done_callback(lambda _: self._changed.set())
        await self._changed.wait()
        if not writing.done():
            return None
        if writing.exception() is not None:
            await self.aclose()
        writing.result()
        return b"".join(self._held) if self._file is None else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """One piece after another, as they come. Raises whatever the thread raises."""
        assert self._writing is not None
        position = 0
        while True:
            self._changed.clear()
            is_all = self._writing.done()
            while self._file is not None and position < self._written:
                length = min(PIECE, self._written - position)
                piece = os.pread(self._file.fileno(), length, position)
                position += len(piece)
                yield piece
            if is_all:
                self._writing.result()
                return
            await self._changed.wait()

    async def aclose(self) -> None:
        """Nobody wants any more of it."""
        self._is_given_up = True
        if self._writing is not None:
            await asyncio.wait((self._writing,))
            self._writing.exception()
        if self._file is not None:
            self._file.close()


async def written(
    service: Service, write: Callable[[SqliteStore, TextIO], None], answer: Answer
) -> Answer:
    """
    What a reader writes, as an answer: whole, or in pieces while it is being written.

    Raises:
        LagoError: whatever `write` raises before much was written. After that the connection
            breaks, so that nobody takes a part for the whole.
    """
    pieces = Pieces()

    def write_all(store: SqliteStore) -> None:
        write(store, cast("TextIO", pieces))
        pieces.finish()

    whole = await pieces.begun(asyncio.ensure_future(service.read(write_all)))
    return answer._replace(body=pieces if whole is None else whole)
