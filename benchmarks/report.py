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
- *Shuffled duplicates* are half of the third and half of the seventh of these files.
- *One customer* is asked for by name in a file of 300,000 events, one or 3,000 of them theirs.
- *DuckDB* answers the grouped questions out of the table that it was given, with the JSON of the
  properties as it came (`benchmarks/duckdb_usage.py`).
- *DuckDB* fills a table with the same primary key by `INSERT OR IGNORE ... read_json`, on all
  cores. It reads no values either.

## What the limits are

- *Ingest.* The process that stores is busy all the time: by a profile, four tenths of it with
  inserting rows and identities, three with parts, the rest with taking over what the other one
  decoded. That one rests half the time. DuckDB has the same key to keep, but reads no value and
  derives nothing.
- *The last million of ten.* Ids are random, so each is looked for in more pages than the cache
  holds; now and then the recent identities are moved to the others.
- *Shuffled duplicates.* Each is compared with the row that is stored, which lies anywhere.
- *A month.* Most of it goes into the unique count: its two million operations are sorted, and the
  items of every part are looked up. Loading numpy takes a tenth of a second.
- *The file.* Of one with a million of these events 79 % are rows that people can read, 15 % are
  identities and 6 % parts.
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
        of_cpu: bool,
    ) -> Line:
        ratio, cpu_ratio = figure.ratio(other), figure.cpu_ratio(other)
        kept = None
        promised = ""
        if limit is not None:
            counts = cpu_ratio if of_cpu else ratio
            kept = counts >= limit if at_least else counts <= limit
            words = "of CPU at most" if of_cpu else "at least" if at_least else "at most"
            promised = f"{words} {limit:g}"
        ratios = (f"{ratio:.2f}", f"{cpu_ratio:.2f}")
        return cls(what, str(figure), against, str(other), *ratios, promised, kept)

    @classmethod
    def of_memory(cls, what: str, peak: int, limit: int) -> Line:
        megabytes, promised = (f"{each / 1e6:.0f} MB" for each in (peak, limit))
        return cls(f"memory, {what}", megabytes, "", "", "", "", f"under {promised}", peak < limit)

    @classmethod
    def of_size(cls, what: str, share: float, limit: float) -> Line:
        promised = f"at most {limit:g}"
        kept = share <= limit
        return cls(f"the file, {what}", "", "the input", "", f"{share:.2f}", "", promised, kept)

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
        ratio = line.cpu_ratio if line.promised.startswith("of CPU") else line.ratio
        length = min(round(PROMISE_AT * float(ratio) / float(number)), LONGEST_BAR)
        bar = "█" * length
        bar = bar.ljust(PROMISE_AT) + "│" if length <= PROMISE_AT else bar
        if length > PROMISE_AT:
            bar = f"{bar[:PROMISE_AT]}│{bar[PROMISE_AT:]}"
        rows.append(f"{_named(line).ljust(width)}  {bar} {ratio} ({line.promised})")
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
