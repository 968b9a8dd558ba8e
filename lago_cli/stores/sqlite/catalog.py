"""Metrics in the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from lago_cli.domain.metrics import Filter, Metric
from lago_cli.domain.properties import are_plain
from lago_cli.domain.ranks import unranked
from lago_cli.domain.readings import Reader, reader_for, unmatched
from lago_cli.errors import not_found, refused
from lago_cli.stores.sqlite.damage import intact
from lago_cli.stores.sqlite.ranks import EVENT_ID
from lago_cli.stores.sqlite.rollups import Rollups

_METRIC_COLUMNS = (
    "code, name, aggregation_type, field_name, recurring, description, expression, "
    "weighted_interval, rounding_function, rounding_precision, filters"
)
_REFILL = """
UPDATE readings SET value = ?, scale = ?, step = ?
 WHERE code_id = ? AND at = ? AND event_id = ?
"""
_EVENTS_OF_CODE = f"""
SELECT r.at, r.event_id, e.properties
  FROM readings AS r JOIN events AS e ON e.id = {EVENT_ID}
 WHERE r.code_id = ? AND (r.at, r.event_id) > (?, ?)
 ORDER BY r.at, r.event_id
 LIMIT 10000
"""  # noqa: S608


class Catalog:
    """Metrics by code. Changing one refills the readings of its events in the same transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def metrics(self) -> dict[str, Metric]:
        rows = self._connection.execute(f"SELECT {_METRIC_COLUMNS} FROM metrics ORDER BY code")  # noqa: S608
        return {row[0]: _metric(row) for row in rows}

    def readers(self) -> dict[str, Reader]:
        """How events of each metric's code are read."""
        return {code: reader_for(metric) for code, metric in self.metrics().items()}

    def metric(self, code: str) -> Metric:
        """Raises `LagoError` (not found)."""
        row = self._connection.execute(
            f"SELECT {_METRIC_COLUMNS} FROM metrics WHERE code = ?",  # noqa: S608
            (code,),
        ).fetchone()
        if row is None:
            raise not_found("metric", code, "List them with: lago metrics list")
        return _metric(row)

    def created_at(self) -> dict[str, int]:
        """Microseconds since 1970 at which each metric was defined."""
        return dict(self._connection.execute("SELECT code, created_at FROM metrics"))

    def create_metric(self, metric: Metric, created_at: int) -> None:
        """Raises `LagoError` (refused) where the code is taken."""
        taken = self._connection.execute(
            "SELECT 1 FROM metrics WHERE code = ?", (metric.code,)
        ).fetchone()
        if taken:
            raise refused(
                "metric_exists",
                f'The metric "{metric.code}" is already defined.',
                "Change it with: lago metrics update CODE",
            )
        self._connection.execute(
            f"INSERT INTO metrics ({_METRIC_COLUMNS}, created_at) VALUES ({'?, ' * 11}?)",  # noqa: S608
            (*_row(metric), created_at),
        )
        self.refill(metric.code, metric)

    def change_metric(self, metric: Metric) -> None:
        columns = ", ".join(f"{name.strip()} = ?" for name in _METRIC_COLUMNS.split(","))
        self._connection.execute(
            f"UPDATE metrics SET {columns} WHERE code = ?",  # noqa: S608
            (*_row(metric), metric.code),
        )
        self.refill(metric.code, metric)

    def delete_metric(self, code: str) -> None:
        """Its events stay, and are unmatched from now on."""
        self._connection.execute("DELETE FROM metrics WHERE code = ?", (code,))
        self.refill(code, None)

    def refill(self, code: str, metric: Metric | None) -> None:
        """Read the events of a code anew, and sum up their days."""
        found = self._connection.execute("SELECT id FROM codes WHERE code = ?", (code,)).fetchone()
        if found is None:
            return
        read = reader_for(metric) if metric else unmatched
        last = (-1, -1)
        while rows := self._connection.execute(_EVENTS_OF_CODE, (*found, *last)).fetchall():
            self._connection.executemany(
                _REFILL,
                ((*read(properties, at), *found, at, rank) for at, rank, properties in rows),
            )
            last = rows[-1][:2]
        Rollups(self._connection).rebuild(*found)


def refill_paths(connection: sqlite3.Connection) -> None:
    """
    Read the events anew of every metric that names a property by what is also a path.

    For a file of a program that took each name for a key. Run it once, in a transaction.
    """
    catalog = Catalog(connection)
    for code, metric in catalog.metrics().items():
        names = [row.key for row in metric.filters]
        if metric.expression is None and metric.field_name:
            names.append(metric.field_name)
        if not are_plain(names):
            catalog.refill(code, metric)


def readings_that_differ(connection: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """(code, event id) of every reading that is not what its event says to its metric."""
    metrics = Catalog(connection).metrics()
    for code_id, code in connection.execute("SELECT id, code FROM codes").fetchall():
        metric = metrics.get(code)
        read = reader_for(metric) if metric else unmatched
        rows = connection.execute(
            "SELECT r.event_id, e.properties, r.at, r.value, r.scale, r.step"  # noqa: S608
            f"  FROM readings AS r JOIN events AS e ON e.id = {EVENT_ID} WHERE r.code_id = ?",
            (code_id,),
        )
        for rank, properties, at, *stored in rows:
            if tuple(stored) != read(properties, at):
                yield code, unranked(rank)[1]


def _metric(row: tuple[object, ...]) -> Metric:
    with intact(f'the metric "{row[0]}"'):
        return _as_written(row)


def _as_written(row: tuple[object, ...]) -> Metric:
    code, name, kind, field_name, recurring, *rest, filters = row
    description, expression, interval, function, precision = rest
    return Metric(
        code=code,  # type: ignore[arg-type]
        name=name,  # type: ignore[arg-type]
        aggregation_type=kind,  # type: ignore[arg-type]
        field_name=field_name,  # type: ignore[arg-type]
        recurring=bool(recurring),
        description=description,  # type: ignore[arg-type]
        expression=expression,  # type: ignore[arg-type]
        weighted_interval=interval,  # type: ignore[arg-type]
        rounding_function=function,  # type: ignore[arg-type]
        rounding_precision=precision,  # type: ignore[arg-type]
        filters=msgspec.json.decode(str(filters), type=tuple[Filter, ...]),
    )


def _row(metric: Metric) -> tuple[object, ...]:
    return (
        metric.code,
        metric.name,
        metric.aggregation_type,
        metric.field_name,
        int(metric.recurring),
        metric.description,
        metric.expression,
        metric.weighted_interval,
        metric.rounding_function,
        metric.rounding_precision,
        msgspec.json.encode(metric.filters).decode(),
    )
