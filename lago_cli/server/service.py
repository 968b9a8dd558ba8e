"""What a running server is made of: its options, the one writer, and the readers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from lago_cli.errors import Kind, LagoError, database
from lago_cli.server.exchange import Room
from lago_cli.server.failures import ApiError
from lago_cli.server.gathering import Gathering, OnDuplicate
from lago_cli.server.gauges import Gauges
from lago_cli.server.readers import Readers
from lago_cli.server.sessions import Sessions
from lago_cli.server.writer import Writer
from lago_cli.stores import open_store

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.store import SqliteStore

T = TypeVar("T")
_BACK = "Put the file back, or start the server again to serve what is there now."
BODY_LIMIT = 10 * 1024 * 1024  # bytes
ROOM = 256 * 1024 * 1024  # bytes of all bodies that are held at once


@dataclass(frozen=True, slots=True)
class Options:
    """What `lago serve` was asked for."""

    db: str
    now: Callable[[], int]  # microseconds since 1970
    host: str = "127.0.0.1"
    key: str | None = None
    read_only: bool = False
    on_duplicate: OnDuplicate = "error"
    cors_origins: Sequence[str] = ()
    allowed_hosts: Sequence[str] = ()
    busy_timeout: int | float = 30
    body_limit: int = BODY_LIMIT


@dataclass(slots=True)
class Service:
    """Start it on the event loop that it lives on; `stop` lets everything accepted be stored."""

    options: Options
    gauges: Gauges = field(default_factory=Gauges)
    room: Room = field(default_factory=lambda: Room(ROOM))
    sessions: Sessions = field(init=False)
    gathering: Gathering = field(init=False)
    writer: Writer = field(init=False)
    readers: Readers = field(init=False)
    ready: bool = False
    _file: tuple[int, int] | None = None  # device and number of the one that is served
    _loop: asyncio.AbstractEventLoop | None = None

    def __post_init__(self) -> None:
        options = self.options
        self.sessions = Sessions(options.key)
        self.gathering = Gathering("lago serve", options.on_duplicate, self.gauges)
        self.writer = Writer(
            lambda: self._open(writable=True), self.gathering, self.gauges, options.now
        )
        self.readers = Readers(lambda: self._open(writable=False))
        self.gauges.waiting = lambda: self.writer.waiting

    async def start(self) -> None:
        """Raises `LagoError` where the file cannot be opened."""
        self._loop = asyncio.get_running_loop()
        if not self.options.read_only:
            self.writer.start(self._loop)
            await self.writer.run(_nothing)
        await self.look()
        self.ready = True

    async def stop(self) -> None:
        self.ready = False
        await asyncio.to_thread(self.readers.stop)
        if not self.options.read_only:  # the last to close a file leaves no log beside it
            await self.writer.stop()

    async def look(self) -> None:
        """See that the file can be asked. Raises `LagoError` where it cannot."""
        await self.read(_nothing)

    async def read(self, question: Callable[[SqliteStore], T]) -> T:
        """Ask the file as it is now. Raises whatever the question raises."""
        assert self._loop is not None
        return await self.readers.ask(self._loop, question)

    async def write(self, work: Callable[[SqliteStore], T]) -> T:
        """
        Change the file, between two groups of events.

        Raises:
            ApiError: 403 with `--read-only`.
            Exception: whatever `work` raises.
        """
        self.refuse_to_write()
        return await self.writer.run(work)

    def refuse_to_write(self) -> None:
        """Raises `ApiError` (403) with `--read-only`."""
        if self.options.read_only:
            message = "This server only answers questions: it was started with --read-only."
            raise ApiError(403, "read_only", message=message)

    def _open(self, *, writable: bool) -> SqliteStore:
        """Raises `LagoError` where it is no longer the file that was served at first."""
        options = self.options
        try:
            store = open_store(
                options.db, writable=writable, create=False, busy_timeout=options.busy_timeout
            )
        except LagoError as error:
            if self._file is None or error.kind is not Kind.NOT_FOUND:
                raise
            raise database("database_missing", f"{options.db} is gone.", _BACK) from None
        found = os.stat(options.db)  # noqa: PTH116 - as SQLite takes it
        self._file = self._file or (found.st_dev, found.st_ino)
        if self._file != (found.st_dev, found.st_ino) or not store.is_in_place:
            with suppress(LagoError), store:
                pass
            raise database("database_replaced", f"{options.db} is another file now.", _BACK)
        return store


def _nothing(_store: SqliteStore) -> None:
    pass
