"""Input without measure: refused with a reason, or taken in, in little memory and time."""

from __future__ import annotations

import gzip
import re
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from reliability.experiments import Experiment, Outcome
from reliability.program import Ended, Found, Program, event, expect

MEBIBYTE = 1024 * 1024
MOST_MEMORY = 300  # MiB, that a process may really use
GOOD = event(1) + event(2)
HEAD = b'{"transaction_id":"t","code":"c","external_customer_id":"a"'


class Bomb(NamedTuple):
    name: str
    make: Callable[[int], Iterable[bytes]]  # in pieces, from its size
    options: tuple[str, ...]
    code: str | None  # of its rejection; None: it is an event like any other
    size: int  # bytes once it is unpacked, keys or levels


def _line(size: int) -> Iterator[bytes]:
    yield from (GOOD, b'{"long":"', *([b"x" * MEBIBYTE] * (size // MEBIBYTE)), b'"}\n', GOOD)


def _line_without_end(size: int) -> Iterator[bytes]:
    yield from (GOOD, *([b"x" * MEBIBYTE] * (size // MEBIBYTE)))


def _member(byte: bytes) -> bytes:
    """Gzip of 64 MiB. It must not be held unpacked: a process inherits the peak of its parent."""
    state = zlib.compressobj(9, wbits=31)
    packed = [state.compress(byte * MEBIBYTE) for _ in range(64)]
    return b"".join((*packed, state.flush()))


def _packed(size: int) -> Iterator[bytes]:
    """A line of nothing but blanks."""
    member = _member(b" ")
    yield from (gzip.compress(GOOD), *([member] * max(size // (64 * MEBIBYTE), 1)))
    yield gzip.compress(b"\n" + GOOD)


def _packed_twice_over(size: int) -> Iterator[bytes]:
    member = _member(b"x")
    yield from (gzip.compress(GOOD), *([member] * max(size // (64 * MEBIBYTE), 1)))
    yield gzip.compress(b"\n" + GOOD)


def _keys(count: int) -> Iterator[bytes]:
    for first in range(0, count, 10_000):
        yield b"".join(b',"k%d":1' % number for number in range(first, first + 10_000))


def _many_keys(size: int) -> Iterator[bytes]:
    yield from (GOOD, HEAD, b',"properties":{"n":1', *_keys(size), b"}}\n", GOOD)


def _many_members(size: int) -> Iterator[bytes]:
    yield from (GOOD, HEAD, *_keys(size), b"}\n", GOOD)


def _deep(size: int) -> Iterator[bytes]:
    opened = b"[" * size, b"]" * size
    yield from (GOOD, HEAD, b',"properties":{"n":', *opened, b"}}\n", GOOD)


def _deep_objects(size: int) -> Iterator[bytes]:
    yield from (GOOD, HEAD, b',"properties":', b'{"n":' * size, b"1", b"}" * size, b"}\n", GOOD)


def _never_closed(size: int) -> Iterator[bytes]:
    yield from (GOOD, b"[" * size)


def _csv_row(size: int) -> Iterator[bytes]:
    head = b"transaction_id,code,external_customer_id,properties.n\n"
    yield from (head, b"t1,c,a,1\n", b't,c,a,"')
    yield from [b'x""' * (MEBIBYTE // 3)] * (size // MEBIBYTE)


def _csv_columns(size: int) -> Iterator[bytes]:
    yield from (b"transaction_id,", b",".join(b"c%d" % n for n in range(size // 8)), b"\n1,2\n")


def _records_inside(size: int) -> Iterator[bytes]:
    """One object on one line, of which no more than a record is to be held."""
    yield b'{"Records":['
    for number in range(1, size // 2048):
        yield event(number).strip()[:-1] + b',"more":"' + b"x" * 1900 + b'"},'
    yield event(0).strip() + b'],"next":null}\n'


GIGA = 1024 * MEBIBYTE
BOMBS = (
    Bomb("a line of 2 GB", _line, (), "record_too_large", 2 * GIGA),
    Bomb("2 GB without a line end", _line_without_end, (), "record_too_large", 2 * GIGA),
    Bomb("10 GB of blanks in 10 MB of gzip", _packed, (), "record_too_large", 10 * GIGA),
    Bomb("a line of 2 GB in 2 MB of gzip", _packed_twice_over, (), "record_too_large", 2 * GIGA),
    Bomb("properties of a million keys", _many_keys, (), "too_many_keys", 1_000_000),
    Bomb("the same with --set", _many_keys, ("--set", "code=c"), "too_many_keys", 1_000_000),
    Bomb("a record of a million keys", _many_members, (), "too_many_keys", 1_000_000),
    Bomb("and that with --set", _many_members, ("--set", "code=c"), "too_many_keys", 1_000_000),
    Bomb("arrays nested 100,000 deep", _deep, (), "nested_too_deeply", 100_000),
    Bomb("objects nested 100,000 deep", _deep_objects, (), "nested_too_deeply", 100_000),
    Bomb("objects 5,000 deep", _deep_objects, ("--set", "code=c"), "nested_too_deeply", 5_000),
    Bomb("a million arrays never closed", _never_closed, (), "nested_too_deeply", 1_000_000),
    Bomb("a CSV quote open for 2 GB", _csv_row, (), "record_too_large", 2 * GIGA),
    Bomb("a document of 2 GB", _records_inside, ("--records", "Records"), None, 2 * GIGA),
    Bomb("a CSV header of a million columns", _csv_columns, (), "csv_fields", 8_000_000),
)


class _Peak(threading.Thread):
    """
    Looks at the memory of a process until it ends.

    What `wait4` tells begins with the memory of the process that forked it.
    """

    def __init__(self, pid: int) -> None:
        super().__init__()
        self._status = Path(f"/proc/{pid}/status")
        self.kibibytes = 0

    def run(self) -> None:
        with suppress(OSError):  # there is no such file but on Linux
            while found := re.search(r"VmHWM:\s*(\d+)", self._status.read_text()):
                self.kibibytes = int(found[1])
                time.sleep(0.02)


def dropped(folder: Path, bomb: Bomb, share: float = 1) -> str:
    """Feed it (or a share of it) to an ingest; what it took."""
    program = Program(folder)
    program.define()
    process = program.start("ingest", *bomb.options, "-o", "json")
    feeder = threading.Thread(target=_feed, args=(process, bomb.make(int(bomb.size * share))))
    feeder.start()
    peak = _Peak(process.pid)
    peak.start()
    assert process.stdout is not None
    assert process.stderr is not None
    stdout, stderr = process.stdout.read(), process.stderr.read()
    peak.join()
    process.wait()
    feeder.join()
    for stream in (process.stdout, process.stderr):
        stream.close()
    ended = Ended(bomb.name, process.returncode, stdout, stderr)
    summary = ended.expect(0 if bomb.code is None else 5).json()
    codes = {row["code"] for row in summary["rejections"]}
    expect(codes == ({bomb.code} if bomb.code else set()), f"{bomb.name}: {codes}")
    if "CSV" not in bomb.name:
        expect(summary["ingested"] >= 2, f"{bomb.name}: the events beside it were lost")
    mebibytes = peak.kibibytes // 1024
    expect(mebibytes < MOST_MEMORY, f"{bomb.name} took {mebibytes} MiB")
    program.run("db", "check", "-o", "json").expect(0)
    return f"{mebibytes} MiB"


def _feed(process: subprocess.Popen[bytes], pieces: Iterable[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        for piece in pieces:
            process.stdin.write(piece)
    with suppress(BrokenPipeError):
        process.stdin.close()


def all_dropped(folder: Path, trials: int) -> Outcome:
    findings, most = [], 0
    for number, bomb in enumerate(BOMBS[:trials]):
        place = folder / str(number)
        place.mkdir()
        try:
            most = max(most, int(dropped(place, bomb).split()[0]))
        except Found as found:
            findings.append(str(found))
    return Outcome(len(BOMBS[:trials]), findings, f"at most {most} MiB of memory")


EXPERIMENTS = (
    Experiment(
        "bombs",
        "Input without measure ("
        + ", ".join(bomb.name.strip() for bomb in BOMBS if not bomb.options)
        + f"): refused alone with a reason, or taken in, in less than {MOST_MEMORY} MiB",
        "inputs",
        len(BOMBS),
        all_dropped,
    ),
)
