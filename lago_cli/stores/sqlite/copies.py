"""Copies of the file: consistent, verified, and complete or not there at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from lago_cli.errors import LagoError, database, refused
from lago_cli.stores import COMPANIONS
from lago_cli.stores.base import Telling

_PAGES_AT_ONCE = 256
_WRITING_FAILED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
_ROOM = "Free some space, or choose another disk."
_MOMENT = r"-([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z)(?:_([0-9]{1,9}))?"


class Copies:
    """
    Copies of what a connection sees; others may write meanwhile.

    Each is written beside its place under another name, verified, and only then put there.
    """

    def __init__(self, connection: sqlite3.Connection, path: str, telling: Telling) -> None:
        self._connection = connection
        self._path = path
        self._telling = telling

    def to(self, target: str) -> None:
        """Raises `LagoError` (refused) where `target` exists or cannot be written."""
        if Path(target).exists():
            raise _exists(target)
        self._write([target], re.compile(re.escape(Path(target).name)))

    def into(self, folder: str, kept: int, moment: str) -> tuple[str, int]:
        """
        A copy named after `moment` in a folder, of whose like the newest ones are kept.

        The folder is made if only it is missing. What is not named like the copies of this
        database is never removed from it, and nothing is before the new copy is complete.

        Returns:
            The path of the copy, and how many earlier ones were removed.

        Raises:
            LagoError: refused where the folder cannot be written to.
        """
        place = Path(folder)
        try:
            place.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            reason = "it is no folder" if place.exists() else error.strerror
            raise refused("backup_failed", f"{folder} cannot be written to: {reason}.") from None
        stem, ending = Path(self._path).stem, Path(self._path).suffix or ".db"
        named = re.compile(re.escape(stem) + _MOMENT + re.escape(ending))
        copy = self._write(_names(str(place / f"{stem}-{moment}"), ending), named)
        others = [path for path in _in_order(place, named) if path != Path(copy)]
        removed = others[: max(len(others) - (kept - 1), 0)]
        for path in removed:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                message = f"{copy} is complete, but {path} cannot be removed: {error.strerror}."
                raise refused("backup_not_removed", message) from None
        return copy, len(removed)

    def onto(self, stream: BinaryIO) -> None:
        """To a stream, from the folder for temporary files, where it is verified first."""
        try:
            holder = tempfile.TemporaryDirectory(prefix="lago-backup-")
        except OSError as error:
            message = f"There is no folder for temporary files: {error.strerror}."
            raise database("backup_failed", message, "Name one by the variable TMPDIR.") from None
        with holder as folder:
            target = str(Path(folder) / "copy.db")
            try:
                self.to(target)
            except LagoError as error:
                if error.code != "backup_failed":
                    raise
                hint = "It wants room for a copy there. Name another folder by the variable TMPDIR."
                raise database(error.code, error.message, hint) from None
            with open(target, "rb") as copy:  # noqa: PTH123
                Path(target).unlink()  # nothing of it stays, however this ends
                self._telling("Sending the copy", None)
                shutil.copyfileobj(copy, stream, 1024 * 1024)

    def _write(self, names: Iterable[str], named: re.Pattern[str]) -> str:
        """Make a copy, and give it the first of the names that is free."""
        names = iter(names)
        name = next(names)
        unfinished = f"{name}.partial-{os.getpid()}"
        _remove_leftovers(Path(name).parent, named)
        try:
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(sqlite3.connect(unfinished)) as copy:
                self._fill(copy)
            _make_durable(unfinished)
            while not _is_placed(unfinished, name):
                taken, name = name, next(names, "")
                if not name:
                    raise _exists(taken)
        except OSError as error:
            raise refused("backup_failed", f"{name} cannot be written: {error.strerror}.") from None
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF not in _WRITING_FAILED:
                raise
            raise database("backup_failed", f"{name} cannot be written: {error}.", _ROOM) from None
        finally:
            for ending in ("", *COMPANIONS):
                with suppress(OSError):
                    Path(unfinished + ending).unlink()
        with suppress(OSError):  # not every system can do it with a folder
            _make_durable(str(Path(name).parent))
        return name

    def _fill(self, copy: sqlite3.Connection) -> None:
        done = 0.0

        def progressed(_status: int, remaining: int, total: int) -> None:
            nonlocal done
            done = 1 - remaining / total if total else 1

        self._telling(f"Copying {self._path}", lambda: done)
        self._connection.backup(copy, pages=_PAGES_AT_ONCE, progress=progressed)
        copy.execute("PRAGMA journal_mode = DELETE")
        self._telling("Verifying the copy", None)
        ((found,),) = copy.execute("PRAGMA quick_check(1)")
        if found != "ok":
            raise database(
                "database_corrupt",
                f"{self._path} is damaged, so no copy was kept: {' '.join(found.split())}.",
                "See what is wrong with it: lago db check. Earlier copies are as they were.",
            )


def _exists(target: str) -> LagoError:
    hint = "Choose another name."
    if Path(target).is_dir():
        hint = f"For dated copies in this folder: lago db backup --keep 7 {target}"
    return refused("backup_exists", f"{target} exists already.", hint)


def _names(beginning: str, ending: str) -> Iterator[str]:
    """In the order of their text: `_` comes after the dot."""
    yield beginning + ending
    for number in count(2):
        yield f"{beginning}_{number}{ending}"


def _in_order(folder: Path, named: re.Pattern[str]) -> list[Path]:
    """Copies that are named like this, the oldest first."""
    found = [
        (match[1], int(match[2] or 1), path)
        for path in folder.iterdir()
        if (match := named.fullmatch(path.name)) and path.is_file() and not path.is_symlink()
    ]
    return [path for _, _, path in sorted(found)]


def _is_placed(unfinished: str, name: str) -> bool:
    """Whether it has the name now; one that is taken, even in this moment, is not touched."""
    try:
        os.link(unfinished, name)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if Path(name).exists():
            return False
        Path(unfinished).rename(name)
    return True


def _remove_leftovers(folder: Path, named: re.Pattern[str]) -> None:
    """Unfinished copies of processes that were killed."""
    of_process = re.compile(rf"({named.pattern})\.partial-(?P<process>[0-9]{{1,9}})(-[a-z]+)?")
    with suppress(OSError):
        for path in [*folder.iterdir()]:
            match = of_process.fullmatch(path.name)
            if match and not _lives(int(match["process"])):
                path.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    """Whether another process has this number; this one has written nothing yet."""
    if process in (0, os.getpid()):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _make_durable(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
