"""Customers, and beside each what they used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lago_cli.domain.numbers import as_plain
from lago_cli.renderers import Column, Report
from lago_cli.renderers.spans import span_words
from lago_cli.reports.records import span
from lago_cli.services.questions import Question
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import answer

if TYPE_CHECKING:
    from lago_cli.stores.base import UsageStore


def beside_usage(store: UsageStore, report: Report, *, now: int, raw: bool) -> Report:
    """
    The customers, and what each used of every metric in the current period.

    Data has it as one object. The table has a column for each metric that anybody used, and
    where room is short the first of them.
    """
    used: dict[str | None, dict[str, str]] = {}
    question = Question(store, UsageRequest(by="customer"), now)
    for row in answer(store, question):
        used.setdefault(row.owner[0], {})[row.metric.code] = as_plain(row.units)
    nothing = dict.fromkeys(store.catalog.metrics(), "0")
    codes = [code for code in nothing if any(code in units for units in used.values())]
    spare = {"external_id": 0, "name": len(codes), "timezone": len(codes) + 1}
    columns = [
        replace(column, in_table=column.key in spare, spare=spare.get(column.key, 0))
        for column in report.columns
    ]
    columns.append(Column("usage", kind="object", in_table=False))
    columns += [
        Column(f"usage {code}", code, kind="number", in_data=False, spare=number)
        for number, code in enumerate(codes)
    ]
    rows = [
        {
            **row,
            "usage": nothing | (units := used.get(str(row["external_id"]), {})),
            **{f"usage {code}": units.get(code) for code in codes},
        }
        for row in report.rows
    ]
    owners = [(str(row["external_id"]), None) for row in rows]
    periods = {
        span_words(span(window, question.zone(owner)), raw=raw)
        for owner in owners
        for window in question.asked(owner)
    }
    words = periods.pop() if len(periods) == 1 else "the current period of each customer"
    footer = [f"Usage of {words}."] if used else []
    return replace(report, columns=columns, rows=rows, footer=[*report.footer, *footer])
