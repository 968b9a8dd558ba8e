"""Explanations line by line, for programs; and one event's way to its figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from lago_cli.domain.instants import format_instant, to_datetime
from lago_cli.domain.numbers import as_plain
from lago_cli.renderers import Column, Report
from lago_cli.renderers.spans import span_words
from lago_cli.reports.records import EVENT_COLUMNS, Row, event_row, span, whole
from lago_cli.services import wire
from lago_cli.services.excerpts import excerpt_of

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from lago_cli.domain.numbers import Units
    from lago_cli.services.event_trace import Step, Trace
    from lago_cli.services.excerpts import Order
    from lago_cli.services.explain import Figure, Line

LINE_COLUMNS = (
    Column("external_customer_id", kind="id"),
    Column("external_subscription_id", kind="id"),
    Column("billable_metric_code", kind="id"),
    Column("from_datetime", kind="instant"),
    Column("to_datetime", kind="instant"),
    Column("group", kind="object"),
    Column("units", kind="number"),
    Column("transaction_id", kind="id"),
    Column("timestamp", kind="instant"),
    Column("received_at", kind="instant"),
    Column("run", kind="flag", align="right"),
    Column("properties", kind="object"),
    Column("value"),
    Column("operation", kind="flag"),
    Column("counted", kind="flag"),
    Column("contribution", "adds", kind="number"),
    Column("contribution_exact", kind="number"),
    Column("rule", kind="flag"),
    Column("reason", "why", folds=True),
)
_OPERATIONS = {1: "add", -1: "remove", None: None}


def explanation_report(
    figures: Iterable[Figure], *, limit: int | None, sort: Order, left: list[int]
) -> Report:
    """
    One row an event, for every format but the table; the figure's own rounding is a row too.

    `left` becomes how many events were left out, when the rows are read.
    """
    return Report(None, LINE_COLUMNS, _all_rows(figures, limit, sort, left))


def _all_rows(
    figures: Iterable[Figure], limit: int | None, sort: Order, left: list[int]
) -> Iterator[Row]:
    for figure in figures:
        part = excerpt_of(figure.lines, limit=limit, sort=sort)
        left[0] += len(part.left)
        cells = _figure_cells(figure)
        for line in part.shown:
            yield cells | line_cells(line, since=figure.window.start)
        yield from rounding(figure)


def rounding(figure: Figure) -> Iterator[Row]:
    """What the metric's own rounding adds, where it does."""
    difference = Fraction(figure.units) - Fraction(figure.unrounded)
    if difference:
        yield (
            _figure_cells(figure)
            | dict.fromkeys(column.key for column in LINE_COLUMNS[7:])
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


def local(at: int, zone: tzinfo) -> datetime:
    """An instant in the zone in force; at the end of the calendar that may know no day for it."""
    moment = to_datetime(at)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


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
    Column("passed", "result", kind="flag", verdict=True),
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
            [_step_line(trace, step) for step in trace.steps],
            footer=[_said_of(trace)],
        )
        for trace in traces
    ]
    return Report(first.title, first.columns, first.rows, footer=first.footer, sections=others)


def _step_line(trace: Trace, step: Step) -> Row:
    """A step in the words of the table: periods by the calendar of who is billed."""
    detail, figure = step.detail, trace.figure
    if step.name == "period" and figure is not None:
        words = f"{span_words(span(figure.window, figure.zone))} ({figure.zone})"
        detail = detail.replace(" to ".join(map(format_instant, figure.window)), words)
    return {
        "step": step.name,
        "passed": "passed" if step.passed else "failed",
        "detail": detail,
    }


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
