"""Metrics in the file."""

from __future__ import annotations

import sqlite3

import msgspec

from lago_cli.domain.metrics import Filter, Metric
from lago_cli.errors import not_found, refused
from lago_cli.stores.sqlite.damage import intact
from lago_cli.stores.sqlite.derivation import Derivation

_METRIC_COLUMNS = (
    "code, name, aggregation_type, field_name, recurring, description, expression, "
    "weighted_interval, rounding_function, rounding_precision, filters"
)


class Catalog:
    """Metrics by code. Changing one reads its events anew, in the same transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def metrics(self) -> dict[str, Metric]:
        rows = self._connection.execute(f"SELECT {_METRIC_COLUMNS} FROM metrics ORDER BY code")  # noqa: S608
        return {row[0]: _metric(row) for row in rows}

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
        """Read the events of a code anew."""
        found = self._connection.execute("SELECT id FROM codes WHERE code = ?", (code,)).fetchone()
        if found is not None:
            Derivation(self._connection).rebuild(found[0], metric)


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
