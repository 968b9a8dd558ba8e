"""Explanations as reports: for a person figure by figure, for programs line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from typing import TYPE_CHECKING

from lago_cli.cli.reports import EVENT_COLUMNS, Row, event_row, whole
from lago_cli.domain.instants import format_instant
from lago_cli.domain.numbers import as_plain
from lago_cli.renderers import Column, Report
from lago_cli.services import wire

if TYPE_CHECKING:
    from lago_cli.domain.numbers import Units
    from lago_cli.services.event_trace import Step, Trace
    from lago_cli.services.explain import Figure, Line

_LINE_COLUMNS = (
    Column("external_customer_id", in_table=False, kind="id"),
    Column("external_subscription_id", in_table=False, kind="id"),
    Column("billable_metric_code", in_table=False, kind="id"),
    Column("from_datetime", in_table=False, kind="instant"),
    Column("to_datetime", in_table=False, kind="instant"),
    Column("group", in_table=False, kind="object"),
    Column("units", in_table=False, kind="number"),
    Column("transaction_id", kind="id"),
    Column("timestamp", kind="instant"),
    Column("received_at", in_table=False, kind="instant"),
    Column("run", in_table=False, kind="flag", align="right"),
    Column("properties", in_table=False, kind="object"),
    Column("value"),
    Column("operation", in_table=False, kind="flag"),
    Column("counted", in_table=False, kind="flag"),
    Column("contribution", "adds", kind="number"),
    Column("contribution_exact", in_table=False, kind="number"),
    Column("rule", in_table=False, kind="flag"),
    Column("reason", "why", folds=True),
)
_OPERATIONS = {1: "add", -1: "remove", None: None}


def explanation_report(figures: Iterable[Figure], *, limit: int | None) -> Report:
    """One row an event, for every format but the table; the figure's own rounding is a row too."""
    rows = (
        row
        for figure in figures
        for row in chain(_rows(figure, islice(figure.lines, limit)), _rounding(figure))
    )
    return Report(None, _LINE_COLUMNS, rows)


def explanation_tables(figures: Iterable[Figure], *, limit: int) -> Report:
    """A table for each figure."""
    tables = [_table(figure, limit) for figure in figures]
    if not tables:
        return Report(None, _LINE_COLUMNS, [], empty="No events in this period.")
    first, *others = tables
    return Report(
        first.title,
        first.columns,
        first.rows,
        totals=first.totals,
        footer=first.footer,
        sections=others,
    )


def _table(figure: Figure, limit: int) -> Report:
    lines = [line for line in figure.lines if line.units is not None]
    others = [line for line in figure.lines if line.units is None]
    counted, not_counted = _rows(figure, lines[:limit]), _rows(figure, others[:limit])
    shown = [*counted, *_rounding(figure), *not_counted]
    footer = [
        f"{len(rest) - limit} more that {verb}: --limit N, or -o json"
        for rest, verb in ((lines, "count"), (others, "do not count"))
        if len(rest) > limit
    ]
    total = {"transaction_id": "units", "contribution": as_plain(figure.units)}
    return Report(_title(figure), _columns(lines), shown, totals=[total], footer=footer)


def _columns(lines: Sequence[Line]) -> list[Column]:
    """With the operation, where an item is ever removed."""
    has_operation = any(line.step == -1 for line in lines)
    return [
        Column(column.key, column.title, column.align, column.kind, in_table=True)
        if column.key == "operation" and has_operation
        else column
        for column in _LINE_COLUMNS
    ]


def _title(figure: Figure) -> str:
    owner = " · ".join(name for name in figure.owner if name is not None)
    window = f"{format_instant(figure.window.start)} to {format_instant(figure.window.end)}"
    metric = f"{figure.metric.code} ({figure.metric.aggregation_type})"
    words = [owner, metric, window]
    if figure.group is not None:
        words.append(" · ".join("–" if text is None else text for text in figure.group))
    return " · ".join(words)


def _rows(figure: Figure, lines: Iterable[Line]) -> Iterator[Row]:
    cells = _figure_cells(figure)
    for line in lines:
        yield cells | line_cells(line, since=figure.window.start)


def _rounding(figure: Figure) -> Iterator[Row]:
    """What the metric's own rounding adds, where it does."""
    difference = Fraction(figure.units) - Fraction(figure.unrounded)
    if difference:
        yield (
            _figure_cells(figure)
            | dict.fromkeys(column.key for column in _LINE_COLUMNS[7:])
            | {"counted": True, "rule": "rounding", "reason": "the metric rounds its figures"}
            | contribution(difference)
        )


def _figure_cells(figure: Figure) -> dict[str, object]:
    cells = wire.figure(figure, figure.group_by)
    del cells["aggregation_type"]
    return cells


def line_cells(line: Line, *, since: int) -> dict[str, object]:
    """An event; `since` is when the window begins, before which it is an earlier one."""
    event = event_row(line.event)
    earlier = line.event.at < since and line.units is not None
    return {
        **{key: event[key] for key in ("transaction_id", "timestamp", "received_at", "run")},
        "properties": event["properties"],
        "value": as_plain(line.value)
        if line.value is not None and not isinstance(line.value, str)
        else line.value,
        "operation": _OPERATIONS[line.step] if isinstance(line.value, str) else None,
        "counted": line.units is not None,
        **contribution(line.units),
        "rule": line.rule,
        "reason": f"{line.reason} (earlier)" if earlier else line.reason,
    }


def contribution(units: Units | None) -> dict[str, object]:
    """Rounded to be read, and exact: as a fraction where it has no end."""
    if units is None:
        return {"contribution": None, "contribution_exact": None}
    shown = as_plain(units)
    return {
        "contribution": shown,
        "contribution_exact": shown if Fraction(shown) == units else str(Fraction(units)),
    }


_STEP_COLUMNS = (
    Column("step", kind="flag"),
    Column("passed", kind="flag", verdict=True),
    Column("detail", folds=True),
)


def traces_report(traces: Sequence[Trace], *, in_table: bool) -> Report:
    """One event's way, or of each that has the transaction id; steps are rows in the table."""
    if not in_table:
        columns = [
            *whole(EVENT_COLUMNS),
            *(Column(key) for key in ("counted", "stopped_at", "steps", "usage")),
        ]
        return Report(None, columns, map(_trace_row, traces), single=len(traces) == 1)
    first, *others = [
        Report(
            f"{trace.event.event.code} · {trace.event.event.transaction_id}",
            _STEP_COLUMNS,
            [_step_row(step) for step in trace.steps],
            footer=[_said_of(trace)],
        )
        for trace in traces
    ]
    return Report(first.title, first.columns, first.rows, footer=first.footer, sections=others)


def _said_of(trace: Trace) -> str:
    if trace.line is not None and trace.figure is not None and trace.line.units is not None:
        added, total = as_plain(trace.line.units), as_plain(trace.figure.units)
        return f"It counts: it adds {added} to the {total} units of that period."
    return f"It does not count: see {trace.stopped_at}."


def _trace_row(trace: Trace) -> dict[str, object]:
    usage = None
    if trace.figure is not None and trace.line is not None and trace.line.units is not None:
        usage = _figure_cells(trace.figure) | contribution(trace.line.units)
    return event_row(trace.event) | {
        "counted": trace.stopped_at is None,
        "stopped_at": trace.stopped_at,
        "steps": [_step_row(step) for step in trace.steps],
        "usage": usage,
    }


def _step_row(step: Step) -> dict[str, object]:
    return {"step": step.name, "passed": step.passed, "detail": step.detail}
