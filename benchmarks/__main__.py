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
from benchmarks.processes import Figure, Run, Took, run
from benchmarks.report import Line, as_markdown, as_text

REPOSITORY = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent
LAGO = SCRIPTS / "lago"
SQLITE_UTILS = (SCRIPTS / "sqlite-utils", "insert")
STARTS = 21
SLOW_RUNS = 2  # of what takes a minute
LARGE = 10  # times the events
QUERIES = 5
MONTH = ("usage", "--period", "2026-11", "-o", "json")

INGEST_LIMIT = 8  # times as fast as sqlite-utils
FLOOR_LIMIT = 1.25
AGAIN_LIMIT = 1
LAST_LIMIT = 1.5  # times the first part of as many events
FEW_LIMIT = 3  # times the same into an empty file
MONTH_LIMIT = 1.5  # times the same out of a tenth of the events
GROUPED_LIMIT = 1  # times DuckDB
MEMORY_LIMIT = 300_000_000
VERSION_LIMIT = 6  # times an empty Python
USAGE_LIMIT = 12


class Bench:
    """Measures everything in one folder, which is gone afterwards."""

    def __init__(self, folder: Path, events: int, runs: int) -> None:
        self.folder = folder
        self.count = events
        self.runs = runs
        self.lines: list[Line] = []
        self.peak = 0

    def measure(self) -> None:
        events = self.generate("events.ndjson", self.count)
        self.start_up()
        self.ingest(events)
        self.time_ordered_ids()
        self.month_after_month()
        self.large_file()

    def generate(self, name: str, count: int, *options: str) -> Path:
        say(f"making {count:,} events")
        path = self.folder / name
        self.run(PYTHON, "-m", "benchmarks.events", path, "--events", count, *options)
        return path

    def run(self, *command: object) -> Run:
        return run(command, self.folder, python_path=REPOSITORY)

    def remove(self, path: Path) -> None:
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()

    def defined(self, name: str) -> Path:
        """A fresh file in which the metrics are defined."""
        path = self.folder / name
        self.remove(path)
        for code, aggregation_type, field_name, filter_ in METRICS:
            more = ("--field-name", field_name) if field_name else ()
            more += ("--filter", filter_) if filter_ else ()
            named = ("--code", code, "--aggregation-type", aggregation_type)
            self.run(LAGO, "metrics", "create", *named, *more, "--db", path)
        return path

    def start_up(self) -> None:
        """What each command costs before it has done anything."""
        small = self.defined("small.db")
        self.run(LAGO, "ingest", self.generate("small.ndjson", 100), "--db", small)
        say(f"starting {STARTS} times each")
        commands = (
            (PYTHON, "-c", "pass"),
            (LAGO, "--version"),
            (LAGO, "usage", "-o", "json", "--period", "2026-11", "--db", small),
        )
        rounds = [[self.run(*command).took for command in commands] for _ in range(STARTS)]
        python, version, usage = (Figure(*runs) for runs in zip(*rounds, strict=True))
        empty = "`python -c pass`"
        self.add("`lago --version`", version, empty, python, VERSION_LIMIT)
        self.add("`lago usage -o json`, 100 events", usage, empty, python, USAGE_LIMIT)

    def ingest(self, events: Path) -> None:
        """The whole program against others and SQLite alone, in turn; and the file once more."""
        contestants = {
            "lago": self.lago,
            "floor": self.floor,
            "again": self.lago,
            "sqlite-utils": self.sqlite_utils,
            "duckdb": self.duckdb,
        }
        if find_spec("duckdb") is None:
            say("DuckDB is not installed and is left out")
            del contestants["duckdb"]
        runs: dict[str, list[Took]] = {name: [] for name in contestants}
        for number in range(self.runs):
            self.defined("lago.db")
            for name, start in contestants.items():
                if name == "sqlite-utils" and number >= SLOW_RUNS:
                    continue
                say(f"round {number + 1} of {self.runs}: {name}")
                runs[name].append(start(events))
        self.remove(self.folder / "lago.db")
        figures = {name: Figure(*taken) for name, taken in runs.items()}
        lago = self.ingested = figures["lago"]
        other = "`sqlite-utils insert --nl --pk transaction_id --ignore`"
        slow = figures["sqlite-utils"]
        self.add(other, slow, "`lago ingest`", lago, INGEST_LIMIT, at_least=True)
        self.add("`lago ingest`", lago, "SQLite alone", figures["floor"], FLOOR_LIMIT)
        again = figures["again"]
        self.add("`lago ingest` of the same file again", again, "the first time", lago, AGAIN_LIMIT)
        if "duckdb" in figures:
            self.add("`lago ingest`", lago, "DuckDB, all cores", figures["duckdb"])

    def lago(self, events: Path) -> Took:
        done = self.run(LAGO, "ingest", events, "--db", self.folder / "lago.db", "-o", "json")
        self.peak = max(self.peak, done.peak_bytes)
        return done.took

    def floor(self, _events: Path) -> Took:
        fresh = self.folder / "floor.db"
        timed = self.run(PYTHON, "-m", "benchmarks.floor", self.folder / "lago.db", fresh)
        self.remove(fresh)
        return Took(*map(float, timed.stdout.split()))

    def sqlite_utils(self, events: Path) -> Took:
        path = self.folder / "sqlite-utils.db"
        options = ("--nl", "--pk", "transaction_id", "--ignore")
        took = self.run(*SQLITE_UTILS, path, "events", events, *options).took
        self.remove(path)
        return took

    def duckdb(self, events: Path) -> Took:
        path = self.folder / "events.duckdb"
        took = self.run(PYTHON, "-m", "benchmarks.duckdb_insert", events, path).took
        self.remove(path)
        return took

    def time_ordered_ids(self) -> None:
        events = self.generate("ordered.ndjson", self.count, "--time-ordered")
        say("ingesting them")
        path = self.defined("ordered.db")
        took = self.run(LAGO, "ingest", events, "--db", path, "-o", "json").took
        self.add("`lago ingest`, time-ordered ids", Figure(took), "random ids", self.ingested)
        self.remove(path)
        events.unlink()

    def month_after_month(self) -> None:
        """What the last of many months costs that come in the order of time."""
        path, parts = self.defined("months.db"), []
        for number in range(LARGE):
            events = self.generate("month.ndjson", self.count, "--seed", number, "--month", number)
            say(f"ingesting month {number + 1} of {LARGE}")
            parts.append(Figure(self.run(LAGO, "ingest", events, "--db", path, "-o", "json").took))
        what = f"`lago ingest` of the last of {LARGE} months, {self.count:,} events each"
        self.add(what, parts[-1], "the first", parts[0], LAST_LIMIT)
        self.remove(path)

    def large_file(self) -> None:
        """Late events of one month into one file: what the last part costs, and questions."""
        path, duckdb = self.defined("large.db"), self.folder / "large.duckdb"
        parts: list[Figure] = []
        months: dict[int, Figure] = {}
        peak = 0
        for number in range(1, LARGE + 1):
            events = self.generate("part.ndjson", self.count, "--seed", number)
            say(f"ingesting part {number} of {LARGE}")
            done = self.run(LAGO, "ingest", events, "--db", path, "-o", "json")
            parts.append(Figure(done.took))
            peak = max(peak, done.peak_bytes)
            if find_spec("duckdb"):
                self.run(PYTHON, "-m", "benchmarks.duckdb_insert", events, duckdb)
            if number in (1, LARGE):
                (months[number],) = self.several((LAGO, *MONTH, "--db", path))
        few, many = f"{self.count:,} events", f"{self.count * LARGE:,} events"
        self.lines.append(Line.of_memory(few, self.peak, MEMORY_LIMIT))
        self.lines.append(Line.of_memory(many, peak, MEMORY_LIMIT))
        what = f"`lago ingest` of the last {few} of {many}, all of one month"
        self.add(what, parts[-1], "the first", parts[0], LAST_LIMIT)
        what = f"`lago usage` of a month, {many}"
        self.add(what, months[LARGE], few, months[1], MONTH_LIMIT)
        self.few_events(path, many)
        if find_spec("duckdb"):
            self.grouped(path, duckdb, many)

    def several(self, *commands: Sequence[object]) -> list[Figure]:
        """Each some times, in turn."""
        rounds = [[self.run(*command).took for command in commands] for _ in range(QUERIES)]
        return [Figure(*runs) for runs in zip(*rounds, strict=True)]

    def few_events(self, path: Path, many: str) -> None:
        say("ingesting 100 events")
        into: tuple[list[Took], list[Took]] = ([], [])
        for number in range(QUERIES):
            events = self.generate("few.ndjson", 100, "--seed", 100 + number)
            for runs, target in zip(into, (path, self.defined("few.db")), strict=True):
                runs.append(self.run(LAGO, "ingest", events, "--db", target).took)
        large, empty = (Figure(*runs) for runs in into)
        self.add(f"100 events into {many}", large, "into an empty file", empty, FEW_LIMIT)

    def grouped(self, path: Path, duckdb: Path, many: str) -> None:
        """By a property that the metric declares, and by one that it does not."""
        for code, key, value, limit, words in (
            ("storage", "region", None, GROUPED_LIMIT, "grouped by a filter of the metric"),
            ("storage", "region", "eu", GROUPED_LIMIT, "of one value of it"),
            ("api_calls", "method", None, GROUPED_LIMIT, "grouped by any property"),
        ):
            say(f"usage {words}")
            asked = ("--filter", f"{key}={value}") if value else ("--group-by", key)
            theirs = (PYTHON, "-m", "benchmarks.duckdb_usage", duckdb, code, key)
            mine, other = self.several(
                (LAGO, *MONTH, "--by", "subscription", "--metric", code, *asked, "--db", path),
                (*theirs, value) if value else theirs,
            )
            what = f"`lago usage` {words}, {many}"
            self.add(what, mine, "DuckDB, raw JSON, all cores", other, limit)

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
