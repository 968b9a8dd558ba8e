"""A file that is open: what opening it checks, and what becomes of its failures."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from lago_cli.stores.base import Upgrading
from lago_cli.stores.sqlite.connection import as_lago_error, connect, tidy
from lago_cli.stores.sqlite.schema import (
    SCHEMA_VERSION,
    Schema,
    check_owner,
    schema_version,
    use_write_ahead_log,
)


class OpenFile:
    """A context manager; inside it, a failure of SQLite reaches the caller as a `LagoError`."""

    def __init__(
        self,
        path: str,
        *,
        writable: bool,
        create: bool,
        busy_timeout: float,
        as_it_is: bool = False,
        upgrading: Upgrading | None = None,
    ) -> None:
        """See `stores.open_store`."""
        self.path = path
        self.created = False  # whether opening it made the file
        self._writable = writable
        self._busy_timeout = busy_timeout
        self._upgrading = upgrading
        try:
            self._connection = connect(
                path, writable=writable, create=create, busy_timeout=busy_timeout
            )
            self._schema = Schema(self._connection, path)
            try:
                self._check(writable=writable, objects=not as_it_is)
            except BaseException:
                self._close()
                raise
        except sqlite3.Error as error:
            raise as_lago_error(error, path) or error from None

    def _check(self, *, writable: bool, objects: bool) -> None:
        if not writable:  # one answer takes many statements: all see the file of one moment
            self._connection.execute("BEGIN")
        check_owner(self._connection, self.path)
        if writable:
            use_write_ahead_log(self._connection, self._busy_timeout)
            if schema_version(self._connection) < SCHEMA_VERSION:
                from lago_cli.stores.sqlite.migrations import prepare

                self.created = prepare(
                    self._connection, self._busy_timeout, self.path, self._upgrading
                )
        self._schema.check(objects=objects)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.rollback()
            self._close()
        except sqlite3.Error as failure:
            error = error or failure
        if isinstance(error, sqlite3.Error):
            self._raise_plainly(error)

    def _raise_plainly(self, error: sqlite3.Error) -> None:
        mended = as_lago_error(error, self.path)
        if mended is not None:
            raise mended from None

    @contextmanager
    def failing_plainly(self) -> Iterator[None]:
        """A failure of SQLite reaches the caller as a `LagoError`; the store stays open."""
        try:
            yield
        except sqlite3.Error as error:
            self._raise_plainly(error)
            raise

    @contextmanager
    def looking(self) -> Iterator[None]:
        """
        One look at the file as it is now, of a store for reading that stays open.

        In between it keeps no version of the file alive, which would make its log grow.
        """
        with self.failing_plainly():
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN")
            try:
                self._schema.check_again()
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")

    @property
    def is_in_place(self) -> bool:
        """Whether the file at its path is still the one that was opened."""
        return self._connection.is_in_place

    def _close(self) -> None:
        self._connection.close()
        if not self._writable:
            tidy(self.path)
