"""
The connection to the file: opened for reading or writing, and what its errors mean.

Durability is full: what a commit returned for survives a power cut. Reading never
creates anything.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lago_cli.errors import Kind, LagoError, database, not_found
from lago_cli.stores import COMPANIONS

APPLICATION_ID = 0x4C41474F  # "LAGO", where file(1) and others look for it
PAGE_BYTES = 16384
CACHE_KIB = 96 * 1024
_READERS_CACHE_KIB = 8 * 1024  # a question reads nearly every page once, most of them in order
VERSION = "PRAGMA data_version"  # another one when another connection has committed
_POLL_SECONDS = 0.004
_NAME_ANOTHER = "Name another file with --db or $LAGO_DB."
_NO_TEXT = "Could not decode to UTF-8"  # how the sqlite3 module begins to say so, without a code
_REASONS = {
    sqlite3.SQLITE_NOTADB: ("not_a_database", "{path} is not a SQLite database.", None),
    sqlite3.SQLITE_CORRUPT: (
        "database_corrupt",
        "{path} is damaged: {error}.",
        "Restore a backup (lago db backup makes them), or try: sqlite3 {path} .recover",
    ),
    sqlite3.SQLITE_READONLY: (
        "database_read_only",
        "{path} cannot be written to.",
        "Check the permissions of the file and of its folder.",
    ),
    sqlite3.SQLITE_FULL: (
        "disk_full",
        "There is no room left to write {path}.",
        "Free some space and run the command again: what was committed is kept.",
    ),
    sqlite3.SQLITE_IOERR: (
        "database_io_error",
        "{path} cannot be read or written: {error}.",
        "Check the disk (is it full?), then: lago db check",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "database_unreadable",
        "{path} cannot be opened.",
        "Check the permissions of the file and of its folder.",
    ),
}


class Connection(sqlite3.Connection):
    """
    A connection that notices, when it commits, that its file is no longer in its place.

    SQLite goes on writing to a file that was deleted or replaced, and all of it is lost.
    """

    _watched: tuple[str, os.stat_result] | None = None
    _is_for_writing = False

    def watch(self, path: str, *, writable: bool) -> None:
        self._watched = path, os.stat(path)  # noqa: PTH116 - as SQLite takes it
        self._is_for_writing = writable

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        try:
            cursor = super().execute(sql, parameters)
        except UnicodeDecodeError:  # in what SQLite says of a damaged schema
            raise sqlite3.OperationalError(f"{_NO_TEXT} in the schema") from None
        if sql == "COMMIT" and self._is_for_writing:
            self._see_that_it_is_there()
        return cursor

    @property
    def is_in_place(self) -> bool:
        """Whether the file at its path is the one that was opened."""
        if self._watched is None:
            return True
        path, opened = self._watched
        with suppress(FileNotFoundError):
            return os.path.samestat(os.stat(path), opened)  # noqa: PTH116
        return False

    def _see_that_it_is_there(self) -> None:
        if self._watched is None or self.is_in_place:
            return
        path, _ = self._watched
        raise database(
            "database_replaced",
            f"{path} was deleted or replaced while it was in use; what was written is not in it.",
            "See which file should be there, then run the command again.",
        )


def connect(path: str, *, writable: bool, create: bool, busy_timeout: float) -> Connection:
    """
    Open `path`; a missing file is made where `create` says so.

    Raises:
        LagoError: not found, or a folder, or not to be created.
    """
    if path != ":memory:":
        _check_file(path, create=create)
    mode = "rw" if writable else "ro"
    connection = _open(path, mode, busy_timeout)
    if not writable:
        try:
            connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError as error:
            if not _wants_a_writable_folder(path, error):
                raise
            connection.close()
            connection = _open(path, "ro&immutable=1", busy_timeout)
    if path != ":memory:":
        connection.watch(path, writable=writable)
    connection.execute("PRAGMA foreign_keys = ON")
    cache = CACHE_KIB if writable else _READERS_CACHE_KIB
    connection.execute(f"PRAGMA cache_size = -{cache}")
    return connection


def _open(path: str, mode: str, busy_timeout: float) -> Connection:
    uri = (
        path
        if path == ":memory:"
        else f"file:{quote(os.fsencode(Path(path).absolute()))}?mode={mode}"
    )
    return sqlite3.connect(
        uri,
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
        cached_statements=256,
        factory=Connection,
    )


def tidy(path: str) -> None:
    """
    Remove the empty write-ahead log that reading leaves behind.

    The last to close a file removes it, if it may write; a reader may not.
    """
    log = Path(path + "-wal")
    with suppress(OSError, sqlite3.Error):
        if path != ":memory:" and log.stat().st_size == 0:
            with closing(_open(path, "rw", 0)) as connection:
                connection.execute("SELECT 1 FROM sqlite_schema").fetchone()


def _check_file(path: str, *, create: bool) -> None:
    file = Path(path)
    for ending in COMPANIONS:
        whole = path.removesuffix(ending)
        if whole != path and Path(whole).exists():
            raise _unfit(path, f"is a part of the database {whole}")
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            mode = file.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            raise _unfit(path, f"cannot be opened: {error.strerror}") from None
        if stat.S_ISDIR(mode):
            raise _unfit(path, "is a folder, not a database file")
        if not stat.S_ISREG(mode):  # opening a pipe would wait for its other end
            raise _unfit(path, "is no regular file, and a database must be one")
        return
    if not create:
        raise not_found(
            "database", path, "Name it with --db or $LAGO_DB; commands that write create it."
        )
    try:  # readable by its owner only: usage data names customers
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise database(
            "database_unreadable",
            f"{path} cannot be created: {error.strerror}.",
            "Check that the folder exists and may be written to.",
        ) from None


def _unfit(path: str, reason: str) -> LagoError:
    return database("database_unreadable", f"{path} {reason}.", _NAME_ANOTHER)


def _wants_a_writable_folder(path: str, error: sqlite3.OperationalError) -> bool:
    """A write-ahead log needs a writable folder, unless there is nothing left in one."""
    codes = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in codes and not Path(path + "-wal").exists()


def begin_immediate(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Take the write lock, waiting up to `busy_timeout` seconds."""
    insist(connection, "BEGIN IMMEDIATE", busy_timeout)


def insist(connection: sqlite3.Connection, statement: str, busy_timeout: float) -> None:
    """
    Try a statement that needs a lock for up to `busy_timeout` seconds.

    SQLite's own waiting sleeps up to 100 ms at a time and so loses every race against a
    writer that comes back at once; polling often gives each of many writers its turn.
    """
    deadline = time.monotonic() + busy_timeout
    connection.execute("PRAGMA busy_timeout = 1")
    try:
        while True:
            try:
                connection.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() >= deadline:
                    raise
                time.sleep(_POLL_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")


def let_others_write() -> None:
    """Pause between two write transactions for longer than others take to look again."""
    time.sleep(2 * _POLL_SECONDS)


def _is_busy(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is damaged, as far as SQLite has noticed; text that is no text is, too."""
    code = getattr(error, "sqlite_errorcode", None)
    return (
        str(error).startswith(_NO_TEXT) if code is None else code & 0xFF == sqlite3.SQLITE_CORRUPT
    )


def as_lago_error(error: sqlite3.Error, path: str) -> LagoError | None:
    """What a person should hear of a failure of SQLite; None where it is our bug."""
    if _is_busy(error):
        return LagoError(
            Kind.LOCKED,
            "database_locked",
            f"{path} stayed locked by another process.",
            "Wait for it, or allow more time with --busy-timeout SECONDS.",
        )
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if is_damage(error):
        code = sqlite3.SQLITE_CORRUPT
    if code not in _REASONS:
        return None
    name, message, hint = _REASONS[code]
    return database(
        name,
        message.format(path=path, error=str(error).rstrip(".")),
        hint and hint.format(path=path),
    )
