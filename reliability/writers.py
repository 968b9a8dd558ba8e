"""Many processes on one file at once: overlapping input, questions, checks and copies."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from reliability.experiments import Experiment, Outcome, repeated
from reliability.program import WHOLE, Found, Program, expect, lines, values

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITERS = READERS = 8
EVENTS = 40_000  # that all writers choose from; every one of them comes many times
SECONDS = 60


class Crowd:
    """Writers and readers of one file, each starting one process after the other."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.program = Program(folder)
        self.seed = seed
        self.findings: list[str] = []
        self.runs = 0
        self.given: set[int] = set()
        self.brought = self.repeated = 0
        self._guard = threading.Lock()
        self._until = 0.0
        self.program.define()

    def busy(self, seconds: float, writers: int, readers: int) -> None:
        self._until = time.monotonic() + seconds
        roles = [self.write] * writers + [self.read] * readers
        threads = [
            threading.Thread(target=self._keep_at_it, args=(role, number))
            for number, role in enumerate(roles)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _keep_at_it(self, role: Callable[[Random, int], Iterator[None]], number: int) -> None:
        try:
            for _ in role(Random(f"{self.seed} {number}"), number):
                with self._guard:
                    self.runs += 1
                if time.monotonic() > self._until:
                    return
        except Found as found:
            self.findings.append(str(found))

    def write(self, random: Random, number: int) -> Iterator[None]:
        """One run after the other of a piece of the events that others bring too."""
        path = self.program.folder / f"{number}.ndjson"
        while True:
            first = random.randrange(EVENTS)
            numbers = [n % EVENTS for n in range(first, first + random.choice((1, 50, 2_000)))]
            path.write_bytes(lines(numbers))
            options = random.choice(((), ("--strict",), ("--set", "code=c")))
            source = random.choice((path, "-"))
            stdin = lines(numbers) if source == "-" else b""
            run = self.program.run("ingest", source, *options, "-o", "json", stdin=stdin)
            found = run.expect(0).json()
            expect(found["read"] == len(numbers), f"a run read {found['read']}: {found}")
            with self._guard:
                self.given.update(numbers)
                self.brought += found["ingested"]
                self.repeated += found["duplicates"]
            yield
            if random.random() < 0.05:  # every reading is made anew
                self.program.run("metrics", "update", "c", "--name", f"by {number}").expect(0)
                yield

    def read(self, random: Random, number: int) -> Iterator[None]:
        """One question after the other; what was seen once is always seen from then on."""
        copy = self.program.folder / f"{number}.db"
        seen = 0
        while True:
            asked = random.choice(("usage", "list", "check", "info", "backup"))
            if asked == "usage":
                rows = self.program.run(*WHOLE).expect(0).json()
                count = sum(row["events_count"] for row in rows)
                expect(count >= seen, f"usage of {count} events after {seen} were seen")
                seen = count
            elif asked == "backup":
                self.program.run("db", "backup", copy).expect(0)
                seen = max(seen, self._look_into(copy, seen))
                copy.unlink()
            else:
                words = {
                    "list": ("events", "list", "--limit", 50),
                    "check": ("db", "check"),
                    "info": ("db", "info"),
                }[asked]
                self.program.run(*words, "-o", "json").expect(0)
            yield

    def _look_into(self, copy: Path, seen: int) -> int:
        """A copy is sound, and its usage is what its events say."""
        self.program.run("db", "check", "--db", copy, "-o", "json").expect(0)
        inside = Program(self.program.folder)
        inside.file = copy
        stored = inside.stored()
        rows = self.program.run(*WHOLE, "--db", copy).expect(0).json()
        units = sum(int(row["units"]) for row in rows)
        expect(len(stored) == len(dict(stored)), "an event stands twice in a copy")
        expect(units == sum(n for _, n in stored), "the usage of a copy is not of its events")
        expect(len(stored) >= seen, f"a copy holds {len(stored)} events after {seen} were seen")
        return len(stored)

    def expect_the_exact_result(self) -> None:
        self.program.expect_exactly(values(self.given))
        told = f"{self.brought} were said to be brought, {len(self.given)} are there"
        expect(self.brought == len(self.given), told)


def contend(
    folder: Path, seconds: float, *, writers: int = WRITERS, readers: int = READERS, seed: int = 0
) -> Crowd:
    """Let them at it, and look at the result."""
    crowd = Crowd(folder, seed)
    crowd.busy(seconds, writers, readers)
    try:
        crowd.expect_the_exact_result()
    except Found as found:
        crowd.findings.append(str(found))
    return crowd


def contended(folder: Path, seconds: int) -> Outcome:
    crowd = contend(folder, seconds)
    remark = f"{crowd.runs:,} processes, {crowd.brought + crowd.repeated:,} events read"
    return Outcome(seconds, crowd.findings, remark)


@contextmanager
def _held(program: Program) -> Iterator[None]:
    """A run that holds the lock until it is let go."""
    process = program.start("ingest", "--strict", "-q")
    assert process.stdin is not None
    process.stdin.write(lines(range(5)))
    process.stdin.flush()
    _wait_for_the_lock(program)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        with closing(process.stdin), suppress(BrokenPipeError):
            process.communicate()


def _wait_for_the_lock(program: Program) -> None:
    until = time.monotonic() + 30
    words = ("db", "vacuum", "-q", "--busy-timeout", 0)
    while program.run(*words).code != 8:
        expect(time.monotonic() < until, "the lock is never held")


def waited(folder: Path, seed: int) -> None:
    """A writer waits as long as it was told to, and ends with 8."""
    program = Program(folder)
    program.define()
    seconds = Random(seed).uniform(0, 1.5)
    with _held(program):
        started = time.monotonic()
        ended = program.run(
            "ingest", "-o", "json", "--busy-timeout", f"{seconds:.3f}", stdin=lines([9])
        ).expect(8)
        took = time.monotonic() - started
    expect(ended.error()["code"] == "database_locked", f"it says {ended.error()}")
    expect(seconds <= took < seconds + 5, f"it waited {took:.1f} s, told were {seconds:.1f} s")


EXPERIMENTS = (
    Experiment(
        "writers",
        "Eight writers with overlapping input and eight readers (usage, lists, checks, backups)"
        " start process after process on one file: none fails, no reader sees less than before,"
        " every copy is sound, and the result is exact",
        "seconds",
        SECONDS,
        contended,
    ),
    Experiment(
        "writers",
        "A writer beside one that holds the lock waits as long as `--busy-timeout` says, and"
        " ends with 8",
        "waits",
        10,
        repeated(waited),
    ),
)
