"""
Explanations as tables: the events of every figure, or a line for each figure.

What is shown, the lines of what is left out and the rounding add up to the figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.json_text import decode_object
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.properties import text_at
from lago_cli.renderers import Column, Report
from lago_cli.renderers.spans import span_words
from lago_cli.reports.explanations import line_cells, local, rounding
from lago_cli.reports.records import Row, span
from lago_cli.services.excerpts import excerpt_of
from lago_cli.services.explain import added

if TYPE_CHECKING:
    from lago_cli.domain.metrics import Metric
    from lago_cli.services.excerpts import Excerpt, Order, Summary
    from lago_cli.services.explain import Figure, Line
    from lago_cli.services.requests import UsageRequest

MORE = "--limit N shows more events, -o json all of them."


def explanation_tables(
    figures: Iterable[Figure], request: UsageRequest, *, limit: int, sort: Order, raw: bool
) -> Report | None:
    """A table for each figure; None where there is none."""
    tables = []
    is_whole = True
    for figure in figures:
        counted = [line for line in figure.lines if line.units is not None]
        others = [line for line in figure.lines if line.units is None]
        parts = [excerpt_of(lines, limit=limit, sort=sort) for lines in (counted, others)]
        is_whole = is_whole and not any(part.left for part in parts)
        tables.append(_table(figure, request, parts, raw=raw))
    if not tables:
        return None
    if not is_whole:
        tables[-1] = replace(tables[-1], footer=[MORE])
    first, *rest = tables
    return replace(first, sections=rest)


def _table(
    figure: Figure, request: UsageRequest, parts: Sequence[Excerpt[Line]], *, raw: bool
) -> Report:
    paths = _paths(figure.metric, request)
    rows = [
        _table_row(figure, line, [column.key for column in paths])
        for part in parts
        for line in part.shown
    ]
    return Report(
        _title(figure, raw=raw),
        _columns(figure, paths),
        rows,
        totals=[
            *(row for part in parts for row in rest_rows(part.left, raw=raw)),
            *_rounding_total(figure),
            {"transaction_id": "units", "contribution": as_plain(figure.units)},
        ],
    )


def _paths(metric: Metric, request: UsageRequest) -> list[Column]:
    """
    Columns for the properties that decide whether an event counts and with what value.

    Those of groups are in the title, and what a metric reads as it stands is the value.
    """
    from lago_cli.domain.expressions import parse_expression

    in_value = {*request.group_by, *(() if metric.expression else (metric.field_name,))}
    used = sorted(parse_expression(metric.expression).properties) if metric.expression else []
    found: dict[str, int] = dict.fromkeys(request.filters, 0)
    for path in used:
        found.setdefault(path, 1)
    for row in metric.filters:
        found.setdefault(row.key, 2)
    return [
        Column(path, path, spare=spare, in_data=False)
        for path, spare in found.items()
        if path not in in_value
    ]


def _table_row(figure: Figure, line: Line, paths: Sequence[str]) -> Row:
    properties = decode_object(line.event.event.properties.encode()) if paths else {}
    return {
        **{f"properties.{path}": text_at(properties, path) for path in paths},
        **line_cells(line, since=figure.window.start),
        "timestamp": local(line.event.at, figure.zone),
    }


def _columns(figure: Figure, paths: Sequence[Column]) -> list[Column]:
    metric = figure.metric
    reads = AGGREGATIONS[metric.aggregation_type].reads
    name = "value" if metric.expression else metric.field_name
    columns = [
        Column("transaction_id", kind="id"),
        Column("timestamp", "time", kind="instant"),
        *(replace(column, key=f"properties.{column.key}") for column in paths),
    ]
    if reads != "nothing":
        columns.append(Column("value", name, kind="number" if reads == "number" else "text"))
    if any(line.step == -1 for line in figure.lines):
        columns.append(Column("operation", kind="flag"))
    columns += [
        Column("contribution", "adds", kind="number"),
        Column("reason", "why", folds=True),
    ]
    return columns


def rest_rows(left: Sequence[Line], *, raw: bool) -> Iterator[dict[str, object]]:
    """What is left out: a line with what it adds, and one for each reason not to count."""
    counted = [line for line in left if line.units is not None]
    if counted:
        yield {
            "transaction_id": "…",
            "contribution": as_plain(added(counted)),
            "reason": f"{_more(len(counted), raw=raw)} add{'s' * (len(counted) == 1)} this",
        }
    rules = Counter(line.rule for line in left if line.units is None)
    for rule, count in rules.most_common():
        yield {
            "transaction_id": "…",
            "reason": f"{_more(count, raw=raw)} not counted: {_words(rule)}",
        }


def _more(count: int, *, raw: bool) -> str:
    return f"{count if raw else f'{count:,}'} more {'event' if count == 1 else 'events'}"


def _words(rule: str) -> str:
    """A reason of several events, which have words of their own for it."""
    return rule.replace("_", " ")


def _title(figure: Figure, *, raw: bool) -> str:
    metric = f"{figure.metric.code} ({figure.metric.aggregation_type})"
    words = [*(name for name in figure.owner if name is not None), metric]
    words += [span_words(span(figure.window, figure.zone), raw=raw), str(figure.zone)]
    for key, text in zip(figure.group_by, figure.group or (), strict=False):
        words.append(f"{key}={'–' if text is None else text}")
    return " · ".join(words)


def _rounding_total(figure: Figure) -> Iterator[Row]:
    for row in rounding(figure):
        told = {key: row[key] for key in ("contribution", "reason")}
        yield {"transaction_id": "rounding"} | told


def summary_report(
    rows: Sequence[Summary], group_by: Sequence[str], footer: Sequence[str]
) -> Report | None:
    """A line for each figure, and where to look; None where there is none."""
    if not rows:
        return None
    has_subscriptions = any(row.figure.owner[1] is not None for row in rows)
    columns = [
        Column("external_customer_id", "customer", kind="id", shared=True),
        Column(
            "external_subscription_id",
            "subscription",
            kind="id",
            in_table=has_subscriptions,
            shared=True,
        ),
        Column("billable_metric_code", "metric", kind="id", shared=True),
        Column("period", kind="span", shared=True),
        Column("zone", kind="flag", spare=1, shared=True),
        Column("group", kind="object", distinct=True, in_table=bool(group_by)),
        Column("units", kind="number"),
        Column("counted", kind="count"),
        Column("not_counted", kind="count"),
        Column("reason", "main reason", kind="flag"),
    ]
    which = "--subscription ID" if has_subscriptions else "--customer ID"
    return Report(
        None,
        columns,
        [_summary_row(row) for row in rows],
        footer=[*footer, f"To see the events of a figure, add {which} or --metric CODE."],
    )


def _summary_row(row: Summary) -> Row:
    figure = row.figure
    main = row.not_counted.most_common(1)
    return {
        "external_customer_id": figure.owner[0],
        "external_subscription_id": figure.owner[1],
        "billable_metric_code": figure.metric.code,
        "period": span(figure.window, figure.zone),
        "zone": str(figure.zone),
        "group": None
        if figure.group is None
        else dict(zip(figure.group_by, figure.group, strict=True)),
        "units": as_plain(row.units),
        "counted": row.counted,
        "not_counted": row.not_counted.total() or None,
        "reason": _words(main[0][0]) if main else None,
    }


def nothing(words: str) -> Report:
    """An answer without any event."""
    return Report(None, (), [], empty=words)
