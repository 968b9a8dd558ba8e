"""
Where bytes come from: a file, a pipe or standard input, plain or compressed.

Everything streams. From a pipe, what is there is handed on at once; nobody waits for
a block to fill.
"""

from __future__ import annotations

import os
import select
import stat
from typing import TYPE_CHECKING, BinaryIO, cast

from lago_cli.errors import LagoError, not_found, wrong_usage
from lago_cli.readers.base import Unreadable
from lago_cli.readers.decompress import (
    BLOCK_BYTES,
    compression_of,
    decompressed,
    is_undecided,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

IDLE_SECONDS = 0.2
MOMENT_SECONDS = 0.005


class Source:
    """
    One input. A context manager: leaving it closes the file (standard input stays open).

    `position` counts the raw bytes read so far, out of `size` where that is known.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        size: int | None,
        on_idle: Callable[[], None] | None = None,
        *,
        owned: bool = True,
    ) -> None:
        self.name = name
        self.size = size
        self.position = 0
        self._stream = stream
        self._owned = owned
        self._on_idle = on_idle
        self._waits = None if size is not None else _descriptor(stream)

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._owned:
            self._stream.close()

    def blocks(self) -> Iterator[bytes]:
        """
        Decompressed bytes, about 256 KiB at a time, none of them empty.

        Raises `Unreadable` (`truncated_input`, `corrupt_input`, `unreadable_input`), after
        everything readable before.
        """
        raw = self._raw()
        head = b""
        for block in raw:
            head += block
            if not is_undecided(head):
                break
        compression = compression_of(head)
        whole = _chain(head, raw)
        yield from decompressed(compression, whole) if compression else whole

    def _raw(self) -> Iterator[bytes]:
        # `read1` takes what is there; a plain `read` would wait until the block is full.
        read = getattr(self._stream, "read1", None) or self._stream.read
        while True:
            self._wait()
            block = self._read_some(read)
            if not block:
                return
            yield block

    def _read_some(self, read: Callable[[int], bytes]) -> bytes:
        """
        What is there, up to the next multiple of `BLOCK_BYTES` in the input.

        So input that comes again is cut as before, unless it pauses at another place.
        """
        found: list[bytes] = []
        missing = BLOCK_BYTES - self.position % BLOCK_BYTES
        try:
            while missing and (not found or self._has_more()):
                block = read(missing)
                if not block:
                    break
                found.append(block)
                missing -= len(block)
                self.position += len(block)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Unreadable("unreadable_input", f"Reading failed: {reason}.") from None
        return b"".join(found)

    def _has_more(self) -> bool:
        """Whether a pipe has something to read nearly at once."""
        if self._waits is None:
            return False
        return bool(select.select([self._waits], [], [], MOMENT_SECONDS)[0])

    def _wait(self) -> None:
        """Return when there is something to read; before a long wait, say so to `on_idle`."""
        if self._waits is None:
            return
        try:
            ready = select.select([self._waits], [], [], IDLE_SECONDS)[0]
        except (OSError, ValueError):  # no pipe on Windows, no descriptor beyond 1023
            self._waits = None
            return
        if ready:
            return
        if self._on_idle:
            self._on_idle()
        select.select([self._waits], [], [])  # a pipe set to non-blocking would say "no data"


def open_source(path: str, stdin: BinaryIO, on_idle: Callable[[], None] | None = None) -> Source:
    """
    Open `path` for reading; "-" is `stdin`.

    `on_idle` is called when a pipe has been silent for a moment, before waiting on.
    Raises `file_not_found`, `is_a_directory`, `file_not_readable`.
    """
    if path == "-":
        return Source(stdin, name_of(path), None, on_idle, owned=False)
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):  # noqa: PTH116 - Path("") would be "."
            raise _directory(path)
        stream = cast("BinaryIO", open(path, "rb", buffering=0))  # noqa: PTH123, SIM115
        status = os.fstat(stream.fileno())
    except (OSError, ValueError) as error:
        raise _refusal(path, error) from None
    size = status.st_size if stat.S_ISREG(status.st_mode) else None
    return Source(stream, name_of(path), size, on_idle)


def name_of(path: str) -> str:
    """What an input is called: text that can be stored, whatever bytes its path has."""
    if path == "-":
        return "<stdin>"
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def check_sources(paths: Iterable[str]) -> None:
    """
    See that each path can be opened, without opening it (a pipe can be opened only once).

    Raises what `open_source` would raise.
    """
    for path in paths:
        if path == "-":
            continue
        try:
            status = os.stat(path)  # noqa: PTH116 - Path("") would be "."
        except (OSError, ValueError) as error:
            raise _refusal(path, error) from None
        if stat.S_ISDIR(status.st_mode):
            raise _directory(path)
        if not os.access(path, os.R_OK):
            raise _refusal(path, PermissionError(13, "Permission denied"))


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def _descriptor(stream: BinaryIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, AttributeError):
        return None


def _directory(path: str) -> LagoError:
    hint = f"Name its files: {path.rstrip('/')}/*"
    return wrong_usage("is_a_directory", f'"{path}" is a directory, not a file.', hint)


def _refusal(path: str, error: OSError | ValueError) -> LagoError:
    """What a person is told when a file cannot be opened."""
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return not_found("file", path)
    if isinstance(error, IsADirectoryError):
        return _directory(path)
    reason = error.strerror or str(error)
    return wrong_usage("file_not_readable", f'The file "{path}" cannot be read: {reason}.')
