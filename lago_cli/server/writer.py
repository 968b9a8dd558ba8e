"""
The one writer: whatever waits goes in together, in one transaction, and is answered after it.

A thread takes all requests that have come while it was busy, up to `AT_ONCE` events, judges
each as a whole, commits, and only then lets them be answered. No timer: the time that the last
commit took is the window. Definitions and corrections go through the same thread, between two
such groups.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lago_cli.errors import Kind, LagoError, database
from lago_cli.server.failures import ApiError, overloaded, unavailable
from lago_cli.server.gathering import Gathering, Verdict

if TYPE_CHECKING:
    from lago_cli.domain.batches import EventBatch
    from lago_cli.server.gauges import Gauges
    from lago_cli.stores.sqlite.store import SqliteStore

T = TypeVar("T")
AT_ONCE = 1_000  # events of one group; a single request may have more
MOST_WAITING = 10_000  # events: more than are stored in the time that a client waits
LONGEST_WAIT = 2.0  # seconds
MOST_WORKS = 64  # of other requests that wait


class Accepted(NamedTuple):
    """What became of a request."""

    verdict: Verdict
    received_at: int


@dataclass(slots=True)
class _Ask:
    """A request that waits: either events or something to do with the store."""

    future: asyncio.Future[Any]
    batch: EventBatch | None = None
    work: Callable[[SqliteStore], Any] | None = None
    since: float = field(default_factory=monotonic)

    @property
    def size(self) -> int:
        return len(self.batch) if self.batch is not None else 1


class Writer:
    """
    The thread that writes, and the queue in front of it.

    `start`, `append`, `run` and `stop` are called on the event loop.
    """

    def __init__(
        self,
        open_store: Callable[[], SqliteStore],
        gathering: Gathering,
        gauges: Gauges,
        now: Callable[[], int],
    ) -> None:
        self._open = open_store
        self._gathering = gathering
        self._gauges = gauges
        self._now = now
        self._queue: SimpleQueue[_Ask | None] = SimpleQueue()
        self._waiting: deque[_Ask] = deque()
        self._events = 0  # that wait
        self._works = 0
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = Thread(target=self._write, name="writer", daemon=True)
        self._store: SqliteStore | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread.start()

    async def append(self, batch: EventBatch) -> Accepted:
        """
        Keep the events of one request, or none of them; returns after the commit.

        Raises:
            ApiError: 429, where too much waits. Nothing was taken.
            LagoError: locked, or the database cannot be written. Nothing was taken.
        """
        oldest = self._waiting[0].since if self._waiting else None
        is_late = oldest is not None and monotonic() - oldest > LONGEST_WAIT
        if self._waiting and (is_late or self._events + len(batch) > MOST_WAITING):
            self._gauges.turned_away += 1
            raise overloaded()
        self._events += len(batch)
        accepted: Accepted = await self._asked(_Ask(self._future(), batch))
        return accepted

    async def run(self, work: Callable[[SqliteStore], T]) -> T:
        """
        Do something with the store, outside any transaction: it opens its own.

        Raises:
            ApiError: 429, where too much waits.
            Exception: whatever `work` raises.
        """
        if self._works >= MOST_WORKS:
            self._gauges.turned_away += 1
            raise overloaded()
        self._works += 1
        done: T = await self._asked(_Ask(self._future(), work=work))
        return done

    @property
    def waiting(self) -> int:
        """How many events have not been answered."""
        return self._events

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    async def stop(self) -> None:
        """Store everything that waits, close the account, and end the thread."""
        self._stopping = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _future(self) -> asyncio.Future[Any]:
        assert self._loop is not None
        return self._loop.create_future()

    async def _asked(self, ask: _Ask) -> Any:
        if self._stopping or not self.is_alive:
            self._forget(ask)
            raise unavailable("shutting_down", "The server is about to stop.")
        self._waiting.append(ask)
        self._queue.put(ask)
        # whoever asked may hang up: what was queued is done all the same
        return await asyncio.shield(ask.future)

    def _forget(self, ask: _Ask) -> None:
        if ask.batch is None:
            self._works -= 1
        else:
            self._events -= ask.size

    def _answered(self, answers: Sequence[tuple[_Ask, Any]]) -> None:
        """On the event loop: these are done, in the order in which they came."""
        for ask, answer in answers:
            self._waiting.popleft()
            self._forget(ask)
            if ask.future.done():
                continue
            if isinstance(answer, BaseException):
                ask.future.set_exception(answer)
                ask.future.exception()  # nobody may be left to hear it
            else:
                ask.future.set_result(answer)

    def _abandon(self) -> None:
        """On the event loop: the thread has ended, whoever still waits is told."""
        self._stopping = True
        gone = unavailable("writer_stopped", "Nothing can be stored any more: start it again.")
        self._answered([(ask, gone) for ask in tuple(self._waiting)])

    # The thread ---------------------------------------------------------------------------

    def _write(self) -> None:
        """Until the end. Whatever ends it, nobody is left waiting."""
        try:
            self._take_turns()
        except BaseException as error:
            self._gauges.failed(error)
        finally:
            self._close()
            self._on_loop(self._abandon)

    def _take_turns(self) -> None:
        following: _Ask | None = None
        ended = False
        while not ended:
            first = following or self._queue.get()
            following = None
            if first is None:
                break
            if first.work is not None:
                self._tell([(first, self._done(first.work))])
                continue
            group, events = [first], first.size
            while events < AT_ONCE and following is None:
                try:
                    ask = self._queue.get_nowait()
                except Empty:
                    break
                if ask is None:
                    ended = True
                    break
                if ask.work is not None or events + ask.size > AT_ONCE:
                    following = ask
                else:
                    group.append(ask)
                    events += ask.size
            self._tell(list(zip(group, self._stored(group), strict=True)))

    def _tell(self, answers: list[tuple[_Ask, Any]]) -> None:
        self._on_loop(self._answered, answers)

    def _on_loop(self, function: Callable[..., object], *values: Any) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # it is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *values)

    def _stored(self, group: Sequence[_Ask]) -> Sequence[Any]:
        """
        An answer for each request; the same failure for all where the commit failed.

        A bug that one of them brings about is not the others' concern: then each goes alone.
        """
        batches = [ask.batch for ask in group if ask.batch is not None]
        since = monotonic()
        try:
            received_at = self._now()
            store = self._opened()
            with store.failing_plainly():
                try:
                    verdicts = self._gathering.take_in(store, batches, received_at)
                except BaseException:
                    store.rollback()
                    raise
        except Exception as error:
            self._recover(error)
            if len(group) > 1 and not isinstance(error, LagoError | ApiError):
                return [answer for ask in group for answer in self._stored([ask])]
            return [error] * len(group)
        self._gauges.committed(monotonic() - since)
        return [Accepted(verdict, received_at) for verdict in verdicts]

    def _done(self, work: Callable[[SqliteStore], Any]) -> Any:
        try:
            store = self._opened()
            with store.failing_plainly():
                return work(store)
        except Exception as error:
            self._recover(error)
            return error

    def _opened(self) -> SqliteStore:
        """Raises `LagoError` where another file has come into the place of the one served."""
        if self._store is None:
            self._store = self._open()
        elif not self._store.is_in_place:
            raise database(
                "database_replaced", "The file that was served is no longer in its place."
            )
        return self._store

    def _recover(self, error: Exception) -> None:
        """After a failure of the file, or a bug, nothing that the store remembers is trusted."""
        if isinstance(error, LagoError | ApiError) and not _is_of_the_file(error):
            return
        self._gauges.failed(error)
        self._gathering.forget()
        store, self._store = self._store, None
        if store is not None:
            with suppress(Exception), store:
                pass

    def _close(self) -> None:
        if self._store is None:
            return
        try:
            with self._store:
                self._gathering.finish(self._store, self._now())
        except Exception as error:  # the account stays open, as after a kill
            self._gauges.failed(error)


def _is_of_the_file(error: LagoError | ApiError) -> bool:
    return isinstance(error, LagoError) and error.kind is Kind.DATABASE
