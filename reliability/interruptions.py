"""Ingests that are cut short at a random moment, and run again."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

from reliability.experiments import Experiment, repeated
from reliability.program import Ended, Program, event, expect, lines, values

EARLIER = 300  # events that are in the file before
PIECE, PIECES, PAUSE = 80, 35, 0.02  # of what comes through a pipe; commits are 0.1 s apart
IN_FILE = 40_000  # so many take about as long
LATEST = 1.2  # seconds after the start
WAYS: dict[str, tuple[str, ...]] = {
    "a file": (),
    "a pipe": ("-",),
    "judged one by one": ("-", "--set", "properties.source=pipe"),
    "replaced": ("-", "--on-duplicate", "replace"),
    "all or nothing": ("-", "--strict"),
}
STORED = re.compile(r"(?:(\d+) events? (?:was|were)|(Nothing was)) stored")


class Cut(NamedTuple):
    """An ingest that was cut short."""

    ended: Ended
    seen: int  # events another process saw before the signal


class Ingest:
    """One ingest of a seed: what goes in, by which way, and what is expected of it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = Random(seed)
        self.program = Program(folder)
        self.way = self.random.choice(list(WAYS))
        self.is_strict = self.way == "all or nothing"
        self.numbers = range(
            EARLIER, EARLIER + (IN_FILE if self.way == "a file" else PIECE * PIECES)
        )
        earlier = range(EARLIER)
        if self.way == "replaced":  # half of what comes is there already, with another value
            self.numbers = range(len(self.numbers))
            earlier = range(len(self.numbers) // 2)
        self.before = {f"e{number}": -1 for number in earlier}
        self.after = {**self.before, **values(self.numbers)}
        self.program.define()
        self.program.run("ingest", stdin=b"".join(event(number, -1) for number in earlier)).expect(
            0
        )
        self.input = folder / "events.ndjson"
        self.input.write_bytes(lines(self.numbers))
        self.options = [word for word in WAYS[self.way] if word != "-"]

    def cut(self, by: signal.Signals) -> Cut:
        moment = self.random.uniform(0, LATEST)
        from_file = self.way == "a file"
        words = ("ingest", *self.options, "-o", "json", *([self.input] if from_file else []))
        process = self.program.start(*words)
        feeder = threading.Thread(
            target=_feed, args=(process, iter(()) if from_file else self.pieces())
        )
        feeder.start()
        time.sleep(moment)
        seen = self.program.count()
        process.send_signal(by)
        assert process.stdout is not None
        assert process.stderr is not None
        stdout, stderr = process.stdout.read(), process.stderr.read()
        code = process.wait()
        feeder.join()
        process.stdout.close()
        process.stderr.close()
        told = f"{self.way}, {by.name} after {moment:.3f} s"
        return Cut(Ended(told, code, stdout, stderr), seen)

    def pieces(self) -> Iterator[bytes]:
        for at in range(0, len(self.numbers), PIECE):
            yield lines(self.numbers[at : at + PIECE])
            time.sleep(PAUSE)

    def expect_a_beginning(self, cut: Cut) -> int:
        """What is stored is what was there and a beginning of what came; how many of these."""
        rows = self.program.stored()
        stored = dict(rows)
        told = cut.ended.words
        expect(len(rows) == len(stored), f"{told}: an event is there twice")
        new = sum(1 for number in self.numbers if stored.get(f"e{number}") == number)
        expected = {**self.before, **values(self.numbers[:new])}
        expect(stored == expected, f"{told}: what is stored is not a beginning of the input")
        expect(len(stored) >= cut.seen, f"{told}: {cut.seen} were seen, {len(stored)} are there")
        expect(new in (0, len(self.numbers)) or not self.is_strict, f"{told}: half of it is stored")
        runs = self.program.run("ingest-runs", "list", "-o", "json").expect(0).json()
        kept = sum(run["ingested"] + run["replaced"] for run in runs if run["run"] > 1)
        expect(kept == new, f"{told}: the run says {kept} were stored, and {new} are")
        self.program.run("db", "check", "-o", "json").expect(0)
        return new

    def complete(self, new: int) -> None:
        """The next run brings what is missing, and finds what is there."""
        done = self.program.run("ingest", *self.options, "-o", "json", self.input).expect(0).json()
        expect(done["read"] == len(self.numbers), f"the next run read {done['read']}")
        brought = done["ingested"] + done["replaced"]
        told = f"the next run brought {brought}, missing were {len(self.numbers) - new}"
        is_marked = "--set" in self.options
        expect(brought == len(self.numbers) - new, told)
        expect(
            done["conflicts"] == 0 or is_marked, f"{done['conflicts']} conflicts in the next run"
        )
        self.program.expect_exactly(self.after)


def _feed(process: subprocess.Popen[bytes], pieces: Iterator[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        for piece in pieces:
            process.stdin.write(piece)
            process.stdin.flush()
    with suppress(BrokenPipeError):
        process.stdin.close()


def killed(folder: Path, seed: int) -> None:
    """SIGKILL: what was accepted is there, and no more than a run of the rest is missing."""
    ingest = Ingest(folder, seed)
    cut = ingest.cut(signal.SIGKILL)
    expect(cut.ended.code in (0, -signal.SIGKILL), f"{cut.ended.words}: {cut.ended.code}")
    ingest.complete(ingest.expect_a_beginning(cut))


def stopped(folder: Path, seed: int) -> None:
    """SIGINT and SIGTERM: a clean stop that says what was stored."""
    ingest = Ingest(folder, seed)
    cut = ingest.cut((signal.SIGINT, signal.SIGTERM)[seed % 2])
    new = ingest.expect_a_beginning(cut)
    if new or not _is_loading(cut.ended):
        cut.ended.expect(0, 130, -signal.SIGINT)
        told = f"{cut.ended.words}: it says {_said(cut.ended)}, and {new} are stored"
        expect(_said(cut.ended) == new, told)
    ingest.complete(new)


def _is_loading(ended: Ended) -> bool:
    """Whether Python was still loading the program, which did not listen to signals yet."""
    in_import = b"KeyboardInterrupt" in ended.stderr and b"import" in ended.stderr
    by_itself = ended.code in (130, -signal.SIGTERM) and not ended.stderr
    return not ended.stdout and (by_itself or in_import)


def _said(ended: Ended) -> int:
    """How many events it said were stored: in its summary, in its error, or by saying nothing."""
    if ended.stdout:  # the signal came after the answer
        summary = ended.json()
        return int(summary["ingested"] + summary["replaced"])
    hint = ended.error()["hint"]
    said = STORED.search(hint or "Nothing was stored.")  # it had not begun
    expect(said, f"{ended.words}: it does not say what was stored: {hint}")
    assert said is not None
    return int(said[1] or 0)


EXPERIMENTS = (
    Experiment(
        "kill",
        "`SIGKILL` at a random moment of an ingest from a file, a pipe, with `--set`, `--strict` or"
        " `--on-duplicate replace`: the events in the file are those before and a beginning of the"
        " input, each once; the file is sound; the next run completes it to the exact usage",
        "kills",
        200,
        repeated(killed),
    ),
    Experiment(
        "kill",
        "`SIGINT` and `SIGTERM` in the same way: exit 130, and the number of events it says were"
        " stored are stored",
        "signals",
        60,
        repeated(stopped),
    ),
)
