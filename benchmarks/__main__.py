"""Measure, and compare with what was promised. `python -m benchmarks --help` tells how."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.events import METRICS
from benchmarks.processes import Figure, Run, run
from benchmarks.report import Line, as_markdown, as_text

REPOSITORY = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent
LAGO = SCRIPTS / "lago"
SQLITE_UTILS = (SCRIPTS / "sqlite-utils", "insert")
STARTS = 21
LARGE = 5  # times the events: memory must not grow with them

INGEST_LIMIT = 6  # times as fast as sqlite-utils
FLOOR_LIMIT = 1.6
MEMORY_LIMIT = 300_000_000
VERSION_LIMIT = 7  # times an empty Python
USAGE_LIMIT = 14


class Bench:
    """Measures everything in one folder, which is gone afterwards."""

    def __init__(self, folder: Path, events: int, runs: int) -> None:
        self.folder = folder
        self.count = events
        self.runs = runs
        self.lines: list[Line] = []

    def measure(self) -> None:
        events = self.generate("events.ndjson", self.count)
        self.start_up()
        self.ingest(events)
        self.time_ordered_ids()
        self.memory_of_more()

    def generate(self, name: str, count: int, *options: str) -> Path:
        say(f"making {count:,} events")
        path = self.folder / name
        self.run(PYTHON, "-m", "benchmarks.events", path, "--events", count, *options)
        return path

    def run(self, *command: object) -> Run:
        return run(command, self.folder, python_path=REPOSITORY)

    def database(self, name: str) -> Path:
        """A path at which nothing is, its metrics defined by `define`."""
        path = self.folder / name
        self.remove(path)
        return path

    def remove(self, path: Path) -> None:
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()

    def defined(self, name: str) -> Path:
        path = self.database(name)
        for code, aggregation_type, field_name in METRICS:
            field = ("--field-name", field_name) if field_name else ()
            named = ("--code", code, "--aggregation-type", aggregation_type)
            self.run(LAGO, "metrics", "create", *named, *field, "--db", path)
        return path

    def start_up(self) -> None:
        """What each command costs before it has done anything."""
        say(f"starting {STARTS} times each")
        small = self.defined("small.db")
        self.run(LAGO, "ingest", self.generate("small.ndjson", 100), "--db", small)
        commands = {
            "python": (PYTHON, "-c", "pass"),
            "version": (LAGO, "--version"),
            "usage": (LAGO, "usage", "-o", "json", "--period", "2026-11", "--db", small),
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(STARTS):
            for name, command in commands.items():
                seconds[name].append(self.run(*command).seconds)
        python, version, usage = (Figure(tuple(each)) for each in seconds.values())
        self.add("`lago --version`", version, "`python -c pass`", python, VERSION_LIMIT)
        self.add("`lago usage -o json`, 100 events", usage, "`python -c pass`", python, USAGE_LIMIT)

    def ingest(self, events: Path) -> None:
        """The whole program against another one, against SQLite alone, and once more."""
        ours, again, floor = [], [], []
        peaks = []
        for number in range(self.runs):
            say(f"ingesting, run {number + 1} of {self.runs}")
            path = self.defined("lago.db")
            done = self.run(LAGO, "ingest", events, "--db", path, "-o", "json")
            ours.append(done.seconds)
            peaks.append(done.peak_bytes)
            again.append(self.run(LAGO, "ingest", events, "--db", path, "-o", "json").seconds)
            fresh = self.database("floor.db")
            timed = self.run(PYTHON, "-m", "benchmarks.floor", path, fresh)
            floor.append(float(timed.stdout))
            self.remove(fresh)
        self.remove(self.folder / "lago.db")
        lago, replay = Figure(tuple(ours)), Figure(tuple(again))
        self.peak = max(peaks)
        self.add(
            "`sqlite-utils insert --nl --pk transaction_id --ignore`",
            self.sqlite_utils(events),
            "`lago ingest`",
            lago,
            INGEST_LIMIT,
            at_least=True,
        )
        self.add("`lago ingest`", lago, "SQLite alone", Figure(tuple(floor)), FLOOR_LIMIT)
        self.add("`lago ingest` of the same file again", replay, "the first time", lago)
        self.duckdb(events, lago)
        self.lago = lago

    def sqlite_utils(self, events: Path) -> Figure:
        """As it is asked to do the same: the same lines, each id once."""
        seconds = []
        for number in range(min(self.runs, 2)):
            say(f"inserting with sqlite-utils, run {number + 1} (a minute or more)")
            path = self.database("sqlite-utils.db")
            options = ("--nl", "--pk", "transaction_id", "--ignore")
            seconds.append(self.run(*SQLITE_UTILS, path, "events", events, *options).seconds)
            self.remove(path)
        return Figure(tuple(seconds))

    def duckdb(self, events: Path, lago: Figure) -> None:
        if find_spec("duckdb") is None:
            say("DuckDB is not installed and is left out")
            return
        seconds = []
        for number in range(self.runs):
            say(f"inserting with DuckDB, run {number + 1}")
            path = self.database("events.duckdb")
            seconds.append(self.run(PYTHON, "-m", "benchmarks.duckdb_insert", events, path).seconds)
            self.remove(path)
        self.add("`lago ingest`", lago, "DuckDB, all cores", Figure(tuple(seconds)))

    def time_ordered_ids(self) -> None:
        events = self.generate("ordered.ndjson", self.count, "--time-ordered")
        say("ingesting them")
        path = self.defined("ordered.db")
        seconds = self.run(LAGO, "ingest", events, "--db", path, "-o", "json").seconds
        self.add("`lago ingest`, time-ordered ids", Figure((seconds,)), "random ids", self.lago)
        self.remove(path)
        events.unlink()

    def memory_of_more(self) -> None:
        """Peak memory for few and for many events."""
        events = self.generate("large.ndjson", self.count * LARGE, "--seed", "2")
        say("ingesting them")
        path = self.defined("large.db")
        done = self.run(LAGO, "ingest", events, "--db", path, "-o", "json")
        few, many = f"{self.count:,} events", f"{self.count * LARGE:,} events"
        self.lines.append(Line.of_memory(few, self.peak, MEMORY_LIMIT))
        self.lines.append(Line.of_memory(many, done.peak_bytes, MEMORY_LIMIT))
        large = Figure((done.seconds / LARGE,))
        self.add(f"`lago ingest` of {many}, for each {self.count:,}", large, few, self.lago)

    def add(
        self,
        what: str,
        figure: Figure,
        against: str,
        other: Figure,
        limit: float | None = None,
        *,
        at_least: bool = False,
    ) -> None:
        line = Line.of_time(what, figure, against, other, limit, at_least=at_least)
        self.lines.append(line)


def say(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="how many to ingest")
    parser.add_argument("--runs", type=int, default=3, help="of each ingest; the median counts")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md anew")
    parser.add_argument("--folder", type=Path, help="where the files go (default: build/)")
    asked = parser.parse_args(arguments)

    parent = asked.folder or REPOSITORY / "build"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=parent))
    try:
        bench = Bench(folder, asked.events, asked.runs)
        bench.measure()
    finally:
        shutil.rmtree(folder)
    print(as_text(bench.lines, asked.events))
    if asked.write:
        path = REPOSITORY / "docs" / "benchmarks.md"
        path.write_text(as_markdown(bench.lines, asked.events, asked.runs))
        say(f"wrote {path.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
