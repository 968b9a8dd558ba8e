"""What was measured, beside what was promised."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import Figure

HEADER = ("measured", "median", "against", "median", "ratio", "of CPU", "promised", "")
PROMISE_AT = 20  # characters of a bar
LONGEST_BAR = 60
INTRODUCTION = """\
# Benchmarks

Written by `make bench BENCH_OPTIONS=--write`. Seconds depend on the machine; the ratios are of
runs on the same machine, in turn, and are what is promised.
"""
EXPLANATION = """\
## How it is measured

Every figure but the floor is of a whole process, from its start to its end; its memory is the
peak that the system accounts to it; the second process of a large ingest, with up to 80 MB of its
own, is not in that figure. The median is shown and, in brackets, the lowest and the
highest. What is compared runs in turn, and the ratio is the median of the ratios of these
pairs; beside it stands the same ratio of the work of processors alone, which a busy machine
disturbs less.

- The events are made by `benchmarks/events.py`, the same ones every time: five metrics of five
  types, a thousand subscriptions, a random UUID each, about 200 bytes a line. The metrics are
  defined before the events come, so that every value is read and kept at ingest.
- *sqlite-utils* inserts the same file into a table with the id as its primary key, and ignores
  ids that it knows. It reads no values and knows no metrics. Its ratio says how many times as
  long it takes.
- *SQLite alone* is the floor: the very rows that `lago ingest` stored, decoded and in memory
  before the clock starts, go by `executemany` into a fresh file of the same schema with the same
  settings, in transactions of the same size (`benchmarks/floor.py`).
- *The last of 10 months* is the tenth of ten files that follow each other in time. The large file
  is ten files of as many events each too, but all of the same month, with other ids: late events
  throughout. *100 events* are those of that month.
- *DuckDB* answers the grouped questions out of the table that it was given, with the JSON of the
  properties as it came (`benchmarks/duckdb_usage.py`).
- *DuckDB* fills a table with the same primary key by `INSERT OR IGNORE ... read_json`, on all
  cores. It reads no values either.

## What the limits are

- *Ingest.* The process that stores is busy with rows and identities for most of the time; the
  other one decodes, reads values and sums up days, and is busy nearly as long. What is left is
  handing over what it found.
- *The last million of ten.* Ids are random, so each is looked for in more pages than the cache
  holds. Where all events are of one month they also change pages of readings that are there
  already, and now and then the recent identities are moved to the others.
- *A month.* Counts, sums, maxima and averages take as long out of many events as out of few. A
  unique count costs what it has different items, and here each of a thousand subscriptions has
  five thousand possible users: with ten times the events nearly ten times the items.
- *Groups by any property* read every event of the metric where it lies in the file. Name the
  property as a filter of the metric.
"""


class Line(NamedTuple):
    """One comparison, with what was promised of it."""

    what: str
    figure: str
    against: str
    other: str
    ratio: str
    cpu_ratio: str
    promised: str
    kept: bool | None  # None: nothing was promised

    @classmethod
    def of_time(
        cls,
        what: str,
        figure: Figure,
        against: str,
        other: Figure,
        limit: float | None,
        *,
        at_least: bool,
    ) -> Line:
        ratio = figure.ratio(other)
        kept = None
        promised = ""
        if limit is not None:
            kept = ratio >= limit if at_least else ratio <= limit
            promised = f"{'at least' if at_least else 'at most'} {limit:g}"
        ratios = (f"{ratio:.2f}", f"{figure.cpu_ratio(other):.2f}")
        return cls(what, str(figure), against, str(other), *ratios, promised, kept)

    @classmethod
    def of_memory(cls, what: str, peak: int, limit: int) -> Line:
        megabytes, promised = (f"{each / 1e6:.0f} MB" for each in (peak, limit))
        return cls(f"memory, {what}", megabytes, "", "", "", "", f"under {promised}", peak < limit)

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = {None: "", True: "kept", False: "FALLS SHORT"}[self.kept]
        return (*self[:7], verdict)


def as_text(lines: list[Line], events: int) -> str:
    rows = [HEADER, *(tuple(cell.replace("`", "") for cell in line.cells) for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return f"{machine()}; {events:,} events\n\n{table}\n\n{summary(lines)}"


def as_markdown(lines: list[Line], events: int, runs: int) -> str:
    rows = ["| " + " | ".join(cells) + " |" for cells in (HEADER, *(line.cells for line in lines))]
    rows.insert(1, "|---|---|---|---|--:|--:|---|---|")
    table = "\n".join(rows)
    measured = f"{events:,} events, {runs} runs of each ingest. {machine()}."
    parts = (INTRODUCTION, measured, table, summary(lines), plot(lines), EXPLANATION)
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def plot(lines: list[Line]) -> str:
    """Every ratio as a bar; what is promised of it lies where all the rules stand."""
    promises = [line for line in lines if line.ratio and line.promised]
    width = max(len(_named(line)) for line in promises)
    rows = []
    for line in promises:
        *_, number = line.promised.split()
        length = min(round(PROMISE_AT * float(line.ratio) / float(number)), LONGEST_BAR)
        bar = "█" * length
        bar = bar.ljust(PROMISE_AT) + "│" if length <= PROMISE_AT else bar
        if length > PROMISE_AT:
            bar = f"{bar[:PROMISE_AT]}│{bar[PROMISE_AT:]}"
        rows.append(f"{_named(line).ljust(width)}  {bar} {line.ratio} ({line.promised})")
    return "```text\n" + "\n".join(rows) + "\n```"


def _named(line: Line) -> str:
    return f"{line.what} / {line.against}".replace("`", "")


def summary(lines: list[Line]) -> str:
    """Plainly, what is not as promised."""
    short = [line for line in lines if line.kept is False]
    if not short:
        return "Everything promised is kept."
    return "What falls short:\n\n" + "\n".join(
        f"- {line.what}: {line.ratio or line.figure}"
        f"{f' times {line.against}' if line.against else ''}, promised was {line.promised}"
        for line in short
    )


def machine() -> str:
    """The machine, as far as the figures depend on it; nothing that names it."""
    return ", ".join(
        [
            f"{os.cpu_count()} cores ({processor()})",
            platform.system(),
            f"Python {platform.python_version()}",
            f"SQLite {sqlite3.sqlite_version}",
            *(
                f"{name} {found}"
                for name in ("sqlite-utils", "duckdb")
                if (found := installed(name))
            ),
        ]
    )


def processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
