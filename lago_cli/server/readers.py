"""Questions: a few threads, each with a store for reading that stays open between them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, local
from typing import TYPE_CHECKING, TypeVar

from lago_cli.errors import Kind, LagoError

if TYPE_CHECKING:
    import asyncio

    from lago_cli.stores.sqlite.store import SqliteStore

T = TypeVar("T")
THREADS = 4


class Readers:
    """Each question sees the file of one moment, and keeps no version of it alive after that."""

    def __init__(self, open_store: Callable[[], SqliteStore]) -> None:
        self._open = open_store
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="reader")
        self._own = local()

    async def ask(self, loop: asyncio.AbstractEventLoop, question: Callable[[SqliteStore], T]) -> T:
        """Raises whatever the question raises, or `LagoError` where the file cannot be read."""
        return await loop.run_in_executor(self._threads, self._answer, question)

    def stop(self) -> None:
        """Let running questions end, and close what their threads hold open."""
        all_there = Barrier(THREADS)  # each thread closes its own
        for _ in range(THREADS):
            self._threads.submit(self._close, all_there)
        self._threads.shutdown(wait=True)

    def _answer(self, question: Callable[[SqliteStore], T]) -> T:
        store = self._opened()
        try:
            with store.looking():
                return question(store)
        except LagoError as error:
            if error.kind is Kind.DATABASE:
                self._drop()
            raise

    def _opened(self) -> SqliteStore:
        store: SqliteStore | None = getattr(self._own, "store", None)
        if store is not None and not store.is_in_place:
            self._drop()
            store = None
        if store is None:
            store = self._own.store = self._open()
        return store

    def _close(self, all_there: Barrier) -> None:
        all_there.wait()
        if getattr(self._own, "store", None) is not None:
            self._drop()

    def _drop(self) -> None:
        store, self._own.store = self._own.store, None
        with suppress(Exception), store:
            pass
