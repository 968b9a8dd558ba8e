"""Where bytes come from: files, pipes, compression told by content, and how each can fail."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import threading
import time
import zlib

import pytest
import zstandard

from lago_cli.errors import Kind, LagoError
from lago_cli.readers.base import Unreadable
from lago_cli.readers.source import Source, check_sources, open_source

TEXT = b"".join(b'{"transaction_id":"tx_%d"}\n' % n for n in range(40_000))

COMPRESS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}
by_compression = pytest.mark.parametrize("name", COMPRESS)


def source_of(data: bytes) -> Source:
    return open_source("-", io.BytesIO(data))


def in_steps(data: bytes, size: int) -> Source:
    """A source that hands out a few bytes at a time, as a slow pipe does."""

    class Dribble(io.BytesIO):
        def read1(self, _size: int | None = -1, /) -> bytes:
            return self.read(size)

    return open_source("-", Dribble(data))


def readable(source: Source) -> tuple[bytes, str | None]:
    """All that can be read, and the code of what then stops it."""
    got: list[bytes] = []
    try:
        for block in source.blocks():
            assert block
            got.append(block)
    except Unreadable as reason:
        return b"".join(got), reason.code
    return b"".join(got), None


def test_a_file_tells_its_name_size_and_position(tmp_path):
    path = tmp_path / "events.ndjson"
    path.write_bytes(TEXT)

    with open_source(str(path), io.BytesIO()) as source:
        assert (source.name, source.size, source.position) == (str(path), len(TEXT), 0)
        assert readable(source) == (TEXT, None)
        assert source.position == len(TEXT)


def test_a_compressed_file_counts_its_raw_bytes(tmp_path):
    path = tmp_path / "events"
    path.write_bytes(gzip.compress(TEXT))

    with open_source(str(path), io.BytesIO()) as source:
        assert readable(source) == (TEXT, None)
        assert source.position == source.size == path.stat().st_size


def test_standard_input_has_a_name_and_no_size_and_stays_open():
    stdin = io.BytesIO(TEXT)
    with open_source("-", stdin) as source:
        assert (source.name, source.size) == ("<stdin>", None)
        assert readable(source) == (TEXT, None)

    assert not stdin.closed


@by_compression
def test_compression_is_told_by_content(name, tmp_path):
    path = tmp_path / "misleading.csv"
    path.write_bytes(COMPRESS[name](TEXT))

    with open_source(str(path), io.BytesIO()) as source:
        assert readable(source) == (TEXT, None)


@by_compression
def test_magic_bytes_may_come_one_by_one(name):
    data = COMPRESS[name](TEXT[:1000])

    assert readable(in_steps(data, 1)) == (TEXT[:1000], None)


@by_compression
@pytest.mark.parametrize("padding", [b"", b"\0" * 512], ids=["adjacent", "padded with zeros"])
def test_several_members_are_one_input(name, padding):
    half = len(TEXT) // 2
    compress = COMPRESS[name]
    data = compress(TEXT[:half]) + padding + compress(b"") + compress(TEXT[half:]) + padding

    assert readable(source_of(data)) == (TEXT, None)


def test_a_skippable_zstd_frame_is_skipped():
    frame = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    data = frame + zstandard.compress(TEXT) + frame

    assert readable(source_of(data)) == (TEXT, None)


@by_compression
@pytest.mark.parametrize("lost", [1, 100])
def test_a_truncated_stream_gives_what_it_has_and_says_so(name, lost):
    got, code = readable(source_of(COMPRESS[name](TEXT)[:-lost]))

    assert TEXT.startswith(got)
    assert code == "truncated_input"


def test_only_the_check_sum_is_lost_and_no_event():
    got, code = readable(source_of(gzip.compress(TEXT)[:-8]))

    assert (got, code) == (TEXT, "truncated_input")


def test_a_wrong_check_sum_is_found_after_everything_was_read():
    data = bytearray(gzip.compress(TEXT))
    data[-5] ^= 1

    assert readable(source_of(bytes(data))) == (TEXT, "corrupt_input")


def test_damage_in_gzip_data_loses_nothing_before_it():
    packer = zlib.compressobj(wbits=31)
    good = packer.compress(TEXT) + packer.flush(zlib.Z_FULL_FLUSH)
    invalid_block = b"\x07" + b"\xff" * 100

    assert readable(source_of(good + invalid_block)) == (TEXT, "corrupt_input")


@by_compression
def test_damage_is_reported_whatever_the_compression(name):
    whole = COMPRESS[name](TEXT)
    got, code = readable(source_of(whole + b"\xffno such member" * 10))

    assert (got, code) == (TEXT, "corrupt_input")


@by_compression
def test_a_bomb_comes_out_in_small_blocks(name):
    data = COMPRESS[name](bytes(64 * 1024 * 1024))
    sizes = [len(block) for block in source_of(data).blocks()]

    assert sum(sizes) == 64 * 1024 * 1024
    assert max(sizes) < 40 * 1024 * 1024 if name == "zstd" else max(sizes) <= 512 * 1024


def test_a_zstd_window_beyond_the_bound_is_refused():
    wide = zstandard.ZstdCompressionParameters(window_log=30)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    data = packer.compress(TEXT) + packer.flush()

    assert readable(source_of(data)) == (b"", "corrupt_input")


@pytest.mark.parametrize("text", [b"", b"\x1f", b"B", b"BZh", b"BZh9 is a column", b"\xfd7z", b"("])
def test_what_only_begins_like_a_magic_is_text(text):
    assert readable(in_steps(text, 1)) == (text, None)


def test_an_error_of_the_device_is_reported_after_what_came_before():
    class Failing(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return self.read(10)

    assert readable(open_source("-", Failing(TEXT))) == (TEXT[:10], "unreadable_input")


def test_a_pipe_hands_on_what_is_there_and_says_when_it_is_silent():
    read_end, write_end = os.pipe()
    calls: list[str] = []
    with open(read_end, "rb") as stdin, open(write_end, "wb", buffering=0) as writer:  # noqa: PTH123
        writer.write(b"first\n")
        source = open_source("-", stdin, on_idle=lambda: calls.append("idle"))
        blocks = source.blocks()

        assert next(blocks) == b"first\n"
        assert calls == []

        def write_later() -> None:
            time.sleep(0.5)
            writer.write(b"second\n")
            writer.close()

        thread = threading.Thread(target=write_later)
        thread.start()

        assert list(blocks) == [b"second\n"]
        assert calls == ["idle"]
        thread.join()


def test_a_named_pipe_is_read_like_a_pipe(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    check_sources([str(path)])
    thread = threading.Thread(target=lambda: path.write_bytes(b"hello\n"))
    thread.start()

    with open_source(str(path), io.BytesIO()) as source:
        assert source.size is None
        assert readable(source) == (b"hello\n", None)
    thread.join()


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        pytest.param("missing", Kind.NOT_FOUND, "file_not_found", id="no such file"),
        pytest.param("file/below", Kind.NOT_FOUND, "file_not_found", id="below a file"),
        pytest.param("nul\0byte", Kind.NOT_FOUND, "file_not_found", id="an impossible name"),
        pytest.param("folder", Kind.USAGE, "is_a_directory", id="a directory"),
    ],
)
@pytest.mark.parametrize("check", [True, False], ids=["checked", "opened"])
def test_a_path_that_cannot_be_read_is_refused(name, kind, code, check, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    path = f"{tmp_path}/{name}"
    with pytest.raises(LagoError) as refusal:
        check_sources(["-", path]) if check else open_source(path, io.BytesIO())

    assert (refusal.value.kind, refusal.value.code) == (kind, code)


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(LagoError) as refusal:
        check_sources([str(path)])

    assert (refusal.value.kind, refusal.value.code) == (Kind.USAGE, "file_not_readable")
