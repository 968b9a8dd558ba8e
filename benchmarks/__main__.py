"""Measure, and compare with what was promised. `python -m benchmarks --help` tells how."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from benchmarks.events import METRICS, START, SUBSCRIPTIONS
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
DUCKDB_LIMIT = 1
AGAIN_LIMIT = 0.33
LAST_LIMIT = 1.2  # times the first part of as many events, of CPU
FEW_LIMIT = 3  # times the same into an empty file
MONTH_LIMIT = 1.3  # times the same out of a tenth of the events
GROUPED_LIMIT = 1  # times DuckDB
RARE_LIMIT = 2  # the same for questions that are asked seldom
AMONG_LIMIT = 1.5  # times the same customer among few
METRICS_LIMIT = 30  # times an empty Python
SIZE_LIMIT = 0.6  # of the input
MEMORY_LIMIT = 300_000_000
MANY_CUSTOMERS = 300_000
MANY_METRICS = 500
PREVIEW_LIMIT = 2  # times the same usage
SIMULATE_LIMIT = 3
VERSION_LIMIT = 6  # times an empty Python
USAGE_LIMIT = 12


SHUFFLE = """
import random, sys
lines = open(sys.argv[1]).readlines()
random.Random(1).shuffle(lines)
open(sys.argv[2], "w").writelines(lines)
"""


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
        self.one_among_many()
        self.many_metrics()
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
        what = "`lago ingest` of the same file again"
        self.add(what, again, "the first time", lago, AGAIN_LIMIT, of_cpu=True)
        if "duckdb" in figures:
            self.add("`lago ingest`", lago, "DuckDB, all cores", figures["duckdb"], DUCKDB_LIMIT)

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

    def one_among_many(self) -> None:
        """What one customer's month costs, among so many others and among few."""
        paths = []
        for customers in (MANY_CUSTOMERS, 100):
            events = self.folder / "customers.ndjson"
            with events.open("w") as file:
                file.writelines(lines_of_customers(MANY_CUSTOMERS, customers))
            say(f"ingesting events of {customers:,} customers")
            paths.append(self.defined(f"of-{customers}.db"))
            self.run(LAGO, "ingest", events, "--db", paths[-1])
        asked = ("--customer", "c7", "--metric", "storage")
        many, few = self.several(*((LAGO, *MONTH, *asked, "--db", path) for path in paths))
        what = f"`lago usage` of one customer among {MANY_CUSTOMERS:,}"
        self.add(what, many, "among 100, with as many events", few, AMONG_LIMIT)
        for path in paths:
            self.remove(path)

    def many_metrics(self) -> None:
        """Many metrics of one subscription, of which each has a few events."""
        path, definitions = self.folder / "metrics.db", self.folder / "metrics.json"
        kinds = ("count_agg", "sum_agg", "max_agg", "unique_count_agg")
        metrics = [
            {
                "code": f"m{n}",
                "aggregation_type": kinds[n % 4],
                "field_name": "gb" if n % 4 else None,
            }
            for n in range(MANY_METRICS)
        ]
        definitions.write_text(json.dumps({"billable_metrics": metrics}))
        self.run(LAGO, "apply", definitions, "--db", path)
        events = self.folder / "metrics.ndjson"
        with events.open("w") as file:
            file.writelines(lines_of_customers(4 * MANY_METRICS, 1, codes=MANY_METRICS))
        self.run(LAGO, "ingest", events, "--db", path)
        usage, python = self.several((LAGO, *MONTH, "--db", path), (PYTHON, "-c", "pass"))
        what = f"`lago usage` of {MANY_METRICS} metrics of one subscription"
        self.add(what, usage, "`python -c pass`", python, METRICS_LIMIT)

    def month_after_month(self) -> None:
        """What the last of many months costs that come in the order of time."""
        path, parts = self.defined("months.db"), []
        for number in range(LARGE):
            events = self.generate("month.ndjson", self.count, "--seed", number, "--month", number)
            say(f"ingesting month {number + 1} of {LARGE}")
            parts.append(Figure(self.run(LAGO, "ingest", events, "--db", path, "-o", "json").took))
        what = f"`lago ingest` of the last of {LARGE} months, {self.count:,} events each"
        self.add(what, parts[-1], "the first", parts[0], LAST_LIMIT, of_cpu=True)
        self.remove(path)

    def large_file(self) -> None:
        """Late events of one month into one file: what the last part costs, and questions."""
        path, duckdb = self.defined("large.db"), self.folder / "large.duckdb"
        parts: list[Figure] = []
        months: dict[int, Figure] = {}
        peak = size = 0
        repeated = self.folder / "repeated.ndjson"
        for number in range(1, LARGE + 1):
            events = self.generate("part.ndjson", self.count, "--seed", number)
            say(f"ingesting part {number} of {LARGE}")
            done = self.run(LAGO, "ingest", events, "--db", path, "-o", "json")
            parts.append(Figure(done.took))
            peak = max(peak, done.peak_bytes)
            size += events.stat().st_size
            if number in (3, 7):
                with events.open() as file, repeated.open("a") as half:
                    half.writelines(islice(file, 0, None, 2))
            if find_spec("duckdb"):
                self.run(PYTHON, "-m", "benchmarks.duckdb_insert", events, duckdb)
            if number in (1, LARGE):
                (months[number],) = self.several((LAGO, *MONTH, "--db", path))
        few, many = f"{self.count:,} events", f"{self.count * LARGE:,} events"
        self.lines.append(Line.of_memory(few, self.peak, MEMORY_LIMIT))
        self.lines.append(Line.of_memory(many, peak, MEMORY_LIMIT))
        what = f"`lago ingest` of the last {few} of {many}, all of one month"
        self.add(what, parts[-1], "the first", parts[0], LAST_LIMIT, of_cpu=True)
        self.lines.append(Line.of_size(many, path.stat().st_size / size, SIZE_LIMIT))
        self.shuffled_duplicates(path, repeated, many, parts[0])
        what = f"`lago usage` of a month, {many}"
        self.add(what, months[LARGE], few, months[1], MONTH_LIMIT)
        self.few_events(path, many)
        if find_spec("duckdb"):
            self.grouped(path, duckdb, many)
        self.prices(path, many)

    def prices(self, path: Path, many: str) -> None:
        """A thousand subscriptions to a plan of five charges, beside the same usage."""
        say("previews of invoices")
        definitions = self.folder / "plans.json"
        definitions.write_text(json.dumps(priced()))
        self.run(LAGO, "apply", definitions, "--db", path)
        november = ("--period", "2026-11", "-o", "json", "--db", path)
        usage, previews, simulated = self.several(
            (LAGO, "usage", "--by", "subscription", *november),
            (LAGO, "invoices", "preview", *november),
            (LAGO, "plans", "simulate", "plan_1", "plan_2", "plan_3", *november),
        )
        same = "the same usage"
        what = f"`lago invoices preview` of {SUBSCRIPTIONS:,} subscriptions, {many}"
        self.add(what, previews, same, usage, PREVIEW_LIMIT)
        what = f"`lago plans simulate` of three plans, {many}"
        self.add(what, simulated, same, usage, SIMULATE_LIMIT)

    def shuffled_duplicates(self, path: Path, repeated: Path, many: str, first: Figure) -> None:
        say("ingesting shuffled duplicates")
        events = self.folder / "duplicates.ndjson"
        self.run(PYTHON, "-c", SHUFFLE, repeated, events)  # apart: this process must stay small
        took = self.run(LAGO, "ingest", events, "--db", path).took
        what = f"`lago ingest` of {self.count:,} duplicates out of {many}, shuffled"
        self.add(what, Figure(took), f"the first {self.count:,} new ones", first)

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
        then = ("--as-of", "2026-12-01T00:00:00Z")
        for code, key, value, more, limit, words in (
            ("storage", "region", None, (), GROUPED_LIMIT, "grouped by a filter of the metric"),
            ("storage", "region", "eu", (), GROUPED_LIMIT, "of one value of it"),
            ("api_calls", "method", None, (), RARE_LIMIT, "grouped by any property"),
            ("storage", "region", None, then, RARE_LIMIT, "grouped, as of an earlier instant"),
        ):
            say(f"usage {words}")
            asked = (*(("--filter", f"{key}={value}") if value else ("--group-by", key)), *more)
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
        of_cpu: bool = False,
    ) -> None:
        line = Line.of_time(what, figure, against, other, limit, at_least=at_least, of_cpu=of_cpu)
        self.lines.append(line)


def priced() -> dict[str, object]:
    """Three plans over the five metrics, and all subscriptions to the first of them."""
    ranges = [
        {"from_value": 0, "to_value": 1000, "per_unit_amount": "0.01", "flat_amount": "1"},
        {"from_value": 1001, "to_value": None, "per_unit_amount": "0.005", "flat_amount": "2"},
    ]
    tiers = {"graduated_ranges": ranges}
    regions = [{"values": {"region": [name]}, "properties": tiers} for name in ("eu", "us")]
    plans = [
        {
            "code": f"plan_{number}",
            "interval": "monthly",
            "amount_cents": 1000 * number,
            "amount_currency": "EUR",
            "charges": [
                charge("api_calls", "standard", amount=f"0.0{number}"),
                {**charge("storage", "graduated", **tiers), "filters": regions},
                charge("peak_jobs", "volume", volume_ranges=ranges),
                charge("seats", "package", amount="5", package_size=10, free_units=5),
                charge("gpu_level", "standard", amount="0.2"),
            ],
        }
        for number in (1, 2, 3)
    ]
    subscriptions = [
        {
            "external_id": f"sub_{number:04}",
            "external_customer_id": f"customer_{number:04}",
            "plan_code": "plan_1",
            "started_at": "2026-10-01",
        }
        for number in range(SUBSCRIPTIONS)
    ]
    return {"plans": plans, "subscriptions": subscriptions}


def charge(code: str, model: str, **properties: object) -> dict[str, object]:
    return {"billable_metric_code": code, "charge_model": model, "properties": properties}


def lines_of_customers(events: int, customers: int, codes: int = 0) -> Iterator[str]:
    """Events of one month, of each customer as many; of `storage`, or of as many codes."""
    for number in range(events):
        code = f"m{number % codes}" if codes else "storage"
        yield (
            f'{{"transaction_id": "{customers}-{number}", "code": "{code}",'
            f' "external_customer_id": "c{number % customers}",'
            f' "external_subscription_id": "s{number % customers}",'
            f' "timestamp": {int(START) + number % 2_000_000},'
            f' "properties": {{"gb": {number % 97}}}}}\n'
        )


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
