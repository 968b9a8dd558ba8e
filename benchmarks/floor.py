"""
SQLite's own floor: how long it takes to store the rows that the program stores.

The rows come from a file that `lago ingest` wrote and stand decoded in memory before the
clock starts; they go into a fresh file of the same schema, over a connection with the
same settings, in transactions of the same size, by `executemany` and nothing else. The
clock stops when the file is closed. Prints seconds, and how many of them on a processor.
"""

from __future__ import annotations

import argparse
import gc
import sqlite3
import time
from pathlib import Path

from lago_cli.services import ingest
from lago_cli.stores import open_store
from lago_cli.stores.sqlite.connection import connect

GIVEN = ("metrics", "ingest_runs", "parties", "codes")  # few rows, which others refer to
TIMED = ("events", "identities")
ORDER = {"events": "id", "identities": "event_id"}  # of arrival


def rows_of(file: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    order = ORDER.get(table, "rowid")
    return file.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()


def insert(file: sqlite3.Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        file.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def seconds_for(written: Path, fresh: Path, transaction: int) -> tuple[float, float]:
    """How long the rows of `written` take to go into `fresh`, which must not exist."""
    with open_store(str(fresh), writable=True, busy_timeout=30):
        pass  # opening it made the schema
    source = sqlite3.connect(f"file:{written}?mode=ro", uri=True)
    rows = {table: rows_of(source, table) for table in (*GIVEN, *TIMED)}
    target = connect(str(fresh), writable=True, create=True, busy_timeout=30)
    for table in GIVEN:
        insert(target, table, rows[table])
    gc.disable()

    started, worked = time.perf_counter(), time.process_time()
    for first in range(0, len(rows["events"]), transaction):
        target.execute("BEGIN IMMEDIATE")
        for table in TIMED:
            insert(target, table, rows[table][first : first + transaction])
        target.execute("COMMIT")
    target.close()
    return time.perf_counter() - started, time.process_time() - worked


def main() -> None:
    parser = argparse.ArgumentParser(description="Time SQLite alone.")
    parser.add_argument("written", type=Path)
    parser.add_argument("fresh", type=Path)
    parser.add_argument("--transaction", type=int, default=ingest._COMMIT_EVENTS)
    asked = parser.parse_args()
    print(*seconds_for(asked.written, asked.fresh, asked.transaction))


if __name__ == "__main__":
    main()
