"""
Compressed input, told by its first bytes and undone in bounded steps.

Each format is seen through one shape, that of `bz2.BZ2Decompressor`: `decompress(data,
max_length)`, `needs_input`, `eof` and `unused_data`. A decompressor undoes one member
(gzip, bzip2), stream (xz) or frame (zstd); several in a row are one input.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lago_cli.readers.base import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK_BYTES = 256 * 1024
SLICE_BYTES = 16 * 1024  # of compressed data, so that many tiny members cost no more than few
STEP_BYTES = 16 * 1024  # what a damaged bzip2 or xz stream loses of its last good bytes, at most
WINDOW_LOG = 27  # zstd: 128 MiB, what `zstd --long` writes and `zstd -d` accepts
XZ_MEMORY = 512 * 1024 * 1024


class Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Gzip:
    """`zlib` in the common shape; when the data is damaged, nothing before is lost."""

    def __init__(self) -> None:
        self._zlib = importlib.import_module("zlib")
        self._state = self._zlib.decompressobj(wbits=31)
        self._rest = b""
        self._step = SLICE_BYTES  # a power of four
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return bool(self._state.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._state.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._rest += data
        part, before = self._rest[: self._step], self._state.copy()
        try:
            out: bytes = self._state.decompress(part, max_length)
        except self._zlib.error:
            if self._step == 1:
                raise
            self._state, self._step = before, self._step // 4  # up to the very byte that fails
            return self.decompress(b"", max_length)
        self._rest = self._state.unconsumed_tail + self._rest[self._step :]
        self.needs_input = not self._rest and len(out) < max_length
        return out


class Zstandard:
    """The `zstandard` package in the common shape, fed so that output stays bounded."""

    SLICE_BYTES = 1024  # at most 256 blocks of 128 KiB come out of so little

    def __init__(self) -> None:
        zstandard = importlib.import_module("zstandard")
        undo = zstandard.ZstdDecompressor(max_window_size=1 << WINDOW_LOG)
        self._state = undo.decompressobj()
        self._rest = b""
        self._at = 0

    @property
    def needs_input(self) -> bool:
        return not self.eof and self._at >= len(self._rest)

    @property
    def eof(self) -> bool:
        return bool(self._state.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._state.unused_data) + self._rest[self._at :]

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._rest = self._rest[self._at :] + data
        self._at = 0
        out = bytearray()
        while len(out) < max_length and not self.needs_input and not self.eof:
            step = self._rest[self._at : self._at + self.SLICE_BYTES]
            try:
                out += self._state.decompress(step)
            except Exception:
                if not out:
                    raise
                break  # what came before goes out first; the same slice will fail again
            self._at += len(step)
        return bytes(out)


def _bzip2() -> Decompressor:
    state: Decompressor = importlib.import_module("bz2").BZ2Decompressor()
    return state


def _xz() -> Decompressor:
    lzma = importlib.import_module("lzma")
    state: Decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
    return state


class Compression(NamedTuple):
    name: str
    magics: tuple[bytes, ...]
    start: Callable[[], Decompressor]
    step: int


COMPRESSIONS = (
    Compression("gzip", (b"\x1f\x8b",), Gzip, BLOCK_BYTES),
    Compression(
        "bzip2",
        tuple(b"BZh%d%s" % (n, m) for n in range(1, 10) for m in (b"1AY&SY", b"\x17rE8P\x90")),
        _bzip2,
        STEP_BYTES,
    ),
    Compression("xz", (b"\xfd7zXZ\x00",), _xz, STEP_BYTES),
    Compression(
        "zstd",
        (b"\x28\xb5\x2f\xfd", *(b"%c\x2a\x4d\x18" % n for n in range(0x50, 0x60))),
        Zstandard,
        BLOCK_BYTES,
    ),
)
MAGICS = {magic: compression for compression in COMPRESSIONS for magic in compression.magics}


def is_undecided(head: bytes) -> bool:
    """Whether more bytes could still turn `head` into the magic of a compression."""
    return any(len(head) < len(magic) and magic.startswith(head) for magic in MAGICS)


def compression_of(head: bytes) -> Compression | None:
    return next((MAGICS[magic] for magic in MAGICS if head.startswith(magic)), None)


def decompressed(compression: Compression, raw: Iterator[bytes]) -> Iterator[bytes]:
    """
    Undo all members of `raw`, one after the other; zero bytes between them are padding.

    Never waits for more input while there is output. Raises `Unreadable`
    (`truncated_input`, `corrupt_input`) after everything readable before.
    """
    raw = _slices(raw)
    rest = b""
    while True:
        rest = rest.lstrip(b"\0")
        if not rest:
            rest = next(raw, b"")
            if not rest:
                return
            continue
        member = compression.start()
        yield from _member(compression, member, rest, raw)
        rest = member.unused_data


def _slices(raw: Iterator[bytes]) -> Iterator[bytes]:
    for block in raw:
        for at in range(0, len(block), SLICE_BYTES):
            yield block[at : at + SLICE_BYTES]


def _member(
    compression: Compression, member: Decompressor, data: bytes, raw: Iterator[bytes]
) -> Iterator[bytes]:
    """Undo one member that begins with `data`."""
    out: list[bytes] = []
    size = 0
    fault: Unreadable | None = None
    while not member.eof:
        waits = member.needs_input and not data
        if size >= BLOCK_BYTES or (waits and size):
            yield b"".join(out)
            out, size = [], 0
        if waits and not (data := next(raw, b"")):
            message = f"The {compression.name} data is cut off: it ends before its end mark."
            fault = Unreadable("truncated_input", message)
            break
        try:
            out.append(member.decompress(data, compression.step))
        except Exception as error:  # each library has exceptions of its own
            message = f"The {compression.name} data is damaged: {error}."
            fault = Unreadable("corrupt_input", message)
            break
        data = b""
        size += len(out[-1])
    if size:
        yield b"".join(out)
    if fault:
        raise fault
