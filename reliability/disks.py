"""A disk that is full, an output that takes nothing, a file that is taken away."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from reliability.experiments import Experiment, Outcome, repeated
from reliability.program import Ended, Found, Program, event, expect, file_limit, lines, values

EARLIER = 300
COMING = range(EARLIER, EARLIER + 4_000)
NO_ROOM = ("disk_full", "database_io_error")
FULL = "/dev/full"
OUTPUTS = ("table", "json", "ndjson", "yaml", "csv", "xlsx", "markdown")
ANSWERS: tuple[tuple[str, ...], ...] = (
    ("usage", "--period", "all"),
    ("events", "list"),
    ("events", "export"),
    ("events", "get", "e1"),
    ("metrics", "list"),
    ("metrics", "get", "c"),
    ("ingest-runs", "list"),
    ("db", "info"),
    ("db", "check"),
    ("ingest", "-"),
    ("--help",),
    ("usage", "--help"),
)


def filled(folder: Path) -> Program:
    program = Program(folder)
    program.define()
    program.run("ingest", stdin=lines(range(EARLIER))).expect(0)
    return program


def cut_off(program: Program, random: Random, **given: Any) -> None:
    """Ingest without room enough; then see that all is there that should be."""
    options = random.choice(((), ("--set", "code=c"), ("--strict",)))
    ended = program.run("ingest", *options, "-o", "json", stdin=lines(COMING), **given).expect(0, 7)
    if ended.code == 7:
        expect(ended.error()["code"] in NO_ROOM, f"it says {ended.error()}")


def completed(program: Program) -> None:
    """With room again, nothing is missing of what was there, and the next run completes it."""
    stored = dict(program.stored())
    expect(len(stored) in (EARLIER, EARLIER + len(COMING)), f"{len(stored)} events are stored")
    program.expect_exactly(stored)
    done = program.run("ingest", "-o", "json", stdin=lines(COMING)).expect(0).json()
    expect(done["ingested"] == EARLIER + len(COMING) - len(stored), f"the next run: {done}")
    program.expect_exactly(values(range(COMING.stop)))


def without_room(folder: Path, seed: int) -> None:
    """No file may grow beyond a random size."""
    random = Random(seed)
    program = filled(folder)
    size = random.randrange(1_500_000)
    cut_off(program, random, preexec_fn=file_limit(size))
    completed(program)


@contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[None]:
    words = ("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    subprocess.run(words, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(("umount", str(folder)), check=True)


def may_mount(folder: Path) -> bool:
    try:
        with _small_disk(folder, 1_000_000):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def on_a_small_disk(folder: Path, seed: int) -> None:
    """A file system that is really full; then it grows."""
    random = Random(seed)
    with _small_disk(folder, random.randrange(700_000, 2_500_000)):
        program = filled(folder)
        cut_off(program, random)
        remount = ("mount", "-o", "remount,size=50000000", str(folder))
        subprocess.run(remount, check=True)
        completed(program)


def small_disks(folder: Path, trials: int) -> Outcome:
    if not may_mount(folder):
        return Outcome(0, [], "left out: it may not mount a file system here")
    return repeated(on_a_small_disk)(folder, trials)


def unwritable(folder: Path, trials: int) -> Outcome:
    """Every answer in every format to an output without room."""
    program = filled(folder)
    findings: list[str] = []
    made = 0
    for words in ANSWERS:
        outputs = (
            ("table", "json", "ndjson", "yaml", "csv", "markdown")
            if words[-1][:2] != "--"
            else ("",)
        )
        for output in outputs:
            for stream in ("stdout", "stderr"):
                if made < trials:
                    made += 1
                    try:
                        _unwritten(program, words, output, stream)
                    except Found as found:
                        findings.append(str(found))
    return Outcome(made, findings)


def _unwritten(program: Program, words: tuple[str, ...], output: str, stream: str) -> None:
    shown = (*words, *(("-o", output) if output else ()))
    with Path(FULL).open("wb") as full:
        given: dict[str, Any] = {stream: full}
        ended = program.run(*shown, stdin=event(1) + event(1, -1), **given)
    said = ended._replace(words=f"{ended.words} with {stream} to {FULL}")
    said.expect(*((7,) if stream == "stdout" else (0,)))


def taken_away(folder: Path, seed: int) -> None:
    """The file is deleted, or another is put in its place, while an ingest writes to it."""
    random = Random(seed)
    program = filled(folder)
    other = folder / "other.db"
    program.run("db", "backup", other).expect(0)
    process = program.start("ingest", "-o", "json")
    assert process.stdin is not None
    process.stdin.write(lines(COMING[:100]))
    process.stdin.flush()
    _wait_until(lambda: program.count() == EARLIER + 100)
    if random.random() < 0.5:
        what = "deleted"
        for leftover in folder.glob("lago.db*"):
            leftover.unlink()
    else:
        what = "replaced"
        for leftover in folder.glob("lago.db-*"):
            leftover.unlink()
        other.replace(program.file)
    stdout, stderr = process.communicate(lines(COMING[100:]))
    ended = Ended(f"lago ingest into a file that was {what}", process.returncode, stdout, stderr)
    ended.expect(7)
    expect(ended.error()["code"] == "database_replaced", f"it says {ended.error()}")
    expect(program.file.exists() is (what == "replaced"), "it made the file anew")
    if what == "replaced":
        program.expect_exactly(values(range(EARLIER)))
        program.run("ingest", "-q", stdin=lines(COMING)).expect(0)
        program.expect_exactly(values(range(COMING.stop)))


def _wait_until(holds: Any) -> None:
    until = time.monotonic() + 30
    while not holds():
        expect(time.monotonic() < until, "it did not happen in time")
        time.sleep(0.02)


def owned(folder: Path, seed: int) -> None:
    """Whatever is made is readable by its owner only, also where the umask would allow more."""
    program = Program(folder)
    given: dict[str, Any] = {"umask": (0o000, 0o022, 0o077)[seed % 3]}
    process = program.start("ingest", "-q", **given)
    assert process.stdin is not None
    process.stdin.write(lines(range(100)))
    process.stdin.flush()
    _wait_until(lambda: program.count() == 100)
    program.run("db", "backup", "copy.db", **given).expect(0)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.glob("*.db*")}
    process.communicate()
    expect(len(modes) >= 3, f"only {sorted(modes)} were there")
    wrong = {name: oct(mode) for name, mode in modes.items() if mode != 0o600}
    expect(not wrong, f"others may read {wrong}")


def every_output() -> int:
    return 10 * (len(ANSWERS) - 2) + 2 * 2


EXPERIMENTS = (
    Experiment(
        "disk",
        "A limit on the size of files, of random size, in an ingest: exit 7 with a reason; what"
        " was there is there; with room again the next run completes it",
        "limits",
        40,
        repeated(without_room),
    ),
    Experiment(
        "disk",
        "The same on a file system of random size that is really full",
        "disks",
        20,
        small_disks,
    ),
    Experiment(
        "disk",
        "Every answer in every format, its output or its messages to `/dev/full`: exit 7 where the"
        " answer is lost, no traceback",
        "outputs",
        every_output(),
        unwritable,
    ),
    Experiment(
        "disk",
        "The file is deleted, or another is put in its place, while an ingest writes to it: exit 7,"
        " and the other file is left as it is",
        "files",
        10,
        repeated(taken_away),
    ),
    Experiment(
        "disk",
        "The file, its log and copies of it are readable by their owner only, under any umask",
        "files",
        6,
        repeated(owned),
    ),
)
