"""Usage: a figure for every customer and metric, each of which leads to its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lago_cli.domain.numbers import as_plain
from lago_cli.renderers.html import LinkOf, Part, render
from lago_cli.renderers.table_cells import grouped
from lago_cli.reports.invoice_words import money
from lago_cli.reports.usage_answers import UsageAnswer, usage_answer
from lago_cli.server.pages.addresses import address, address_of
from lago_cli.server.pages.page import ROWS, At, Page, paging
from lago_cli.server.pages.periods import shown_period
from lago_cli.server.pages.query import PERIOD, SELECTION, VIEW
from lago_cli.server.pages.sentences import sayer
from lago_cli.server.pages.sparks import Sparks, sparks_of
from lago_cli.services.lines import totals

if TYPE_CHECKING:
    from lago_cli.renderers import Answer, Column, Report
    from lago_cli.services.lines import Line

Row = Mapping[str, object]
KNOWN = (*SELECTION, *VIEW)
_KEPT = (*PERIOD, "timezone", "prorated", "by", "as_of", "filter", "group_by")
_MORE = ("group_by", "filter", "sort", "top", "timezone", "by", "as_of", "prorated", "total")
_MOST_METRICS = 12


@dataclass(frozen=True, slots=True)
class Cell:
    units: str
    address: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Customers below each other, metrics beside each other."""

    metrics: Sequence[tuple[str, str, str]]  # code, aggregation, address
    rows: Sequence[tuple[str, str, Sequence[Cell | None]]]  # name, address, cells
    totals: Sequence[str] | None


def data(at: At, output: str) -> Answer:
    at.query.refuse_others(KNOWN)
    return _found(at, for_people=output == "table").report()


def page(at: At) -> Page:
    at.query.refuse_others(KNOWN)
    found = _found(at, for_people=True)
    said = sayer(at)
    values = {
        "period": shown_period(at, found.question, _owner(found)),
        "opened": bool(at.query.only(*_MORE)),
        "leads": _leads(at),
        "chosen": bool(at.query.but(*PERIOD)),
        "footer": [said(sentence) for sentence in found.footer],
        "empty": said(found.empty) if found.empty else "",
        "is_new": not found.answer.lines and at.store.span() is None,
        "command": at.query.command("lago usage"),
        "grid": None,
        "report": "",
        "sparks": [],
    }
    if found.answer.lines:
        if _is_grid(found):
            rows = len({line.row.owner for line in found.answer.lines})
            values["grid"] = _grid(at, found)
        else:
            rows = len(found.answer.lines)
            report = _in_money(replace(found.report(), footer=()))  # which has its own place
            part = Part(at.skipped, ROWS)
            values["report"] = render(report, _link(at), part, footer=said)
        values["paging"] = paging(at, rows)
        if found.shape.windowed:
            values["sparks"] = _sparks(found)
    return Page("usage.html", "Usage", values)


def _found(at: At, *, for_people: bool) -> UsageAnswer:
    request, view = at.query.usage_request(), at.query.view()
    return usage_answer(at.store, request, view, at.heard, now=at.now, for_people=for_people)


def _owner(found: UsageAnswer) -> tuple[str | None, str | None]:
    """Whose calendar the page goes by: that of the only one, if it is."""
    owners = {line.row.owner for line in found.answer.lines}
    return owners.pop() if len(owners) == 1 else (None, None)


def _is_grid(found: UsageAnswer) -> bool:
    shape = found.shape
    metrics = {line.row.metric.code for line in found.answer.lines}
    is_plain = not (shape.windowed or shape.compared or shape.priced or shape.total)
    has_order = bool(found.answer.others)
    return is_plain and not shape.group_by and not has_order and 1 < len(metrics) <= _MOST_METRICS


def _grid(at: At, found: UsageAnswer) -> Grid:
    lines = found.answer.lines
    codes = {line.row.metric.code: line.row.metric.aggregation_type for line in lines}
    by_owner: dict[tuple[str | None, str | None], dict[str, Line]] = {}
    for line in lines:
        by_owner.setdefault(line.row.owner, {})[line.row.metric.code] = line
    shown = list(by_owner.items())[at.skipped : at.skipped + ROWS]
    rows = [
        (
            " / ".join(name for name in owner if name is not None),
            _of_owner(at, *owner),
            [_cell(at, found.get(code)) for code in sorted(codes)],
        )
        for owner, found in shown
    ]
    sums = {each.metric.code: each for each in totals(lines, windowed=False)}
    told = [
        "" if code not in sums or (units := sums[code].units) is None else grouped(as_plain(units))
        for code in sorted(codes)
    ]
    metrics = [
        (code, codes[code], at.query.address("/usage", ("metric", code))) for code in sorted(codes)
    ]
    return Grid(metrics, rows, told if any(told) and len(by_owner) > 1 else None)


def _in_money(report: Report) -> Report:
    """Amounts as people write them, in place of cents."""
    columns = [
        replace(each, title="amount") if each.key == "amount_cents" else each
        for each in report.columns
    ]
    if columns == list(report.columns):
        return report
    rows = [
        {**row, "amount_cents": money(int(str(row["amount_cents"])), str(row["amount_currency"]))}
        if row["amount_cents"] is not None
        else row
        for row in report.rows
    ]
    return replace(report, columns=columns, rows=rows)


def _leads(at: At) -> list[tuple[str, str]]:
    """Where one goes on from the usage of one customer or subscription."""
    for which in ("subscription", "customer"):
        names = at.query.all(which)
        if len(names) == 1:
            (name,) = names
            kept = at.query.only("period", "at", "as_of")
            return [
                (f"{which.capitalize()} {name}", address_of(f"{which}s", name)),
                ("Invoices of the period", address("/invoices", [(which, name), *kept])),
                ("Events", address("/events", [(which, name)])),
            ]
    return []


def _of_owner(at: At, customer: str | None, subscription: str | None) -> str:
    changes = [("customer", customer or ""), ("subscription", subscription or "")]
    return at.query.address("/usage", *changes)


def _cell(at: At, line: Line | None) -> Cell | None:
    if line is None or line.units is None:
        return None
    customer, subscription = line.row.owner
    href = _explained(at, customer, subscription, line.row.metric.code)
    return Cell(grouped(as_plain(line.units)), href)


def _explained(
    at: At,
    customer: str | None,
    subscription: str | None,
    code: str,
    more: Sequence[tuple[str, str]] = (),
) -> str:
    has_ends = any(name in ("from", "to") for name, _ in more)
    kept = [pair for pair in at.query.only(*_KEPT) if not has_ends or pair[0] not in PERIOD]
    who = [("customer", customer or ""), ("subscription", subscription or ""), ("metric", code)]
    if at.query.one("by") is None and subscription is None and at.query.all("subscription"):
        who.append(("by", "customer"))
    return address("/usage/explain", [*who, *kept, *more])


def _link(at: At) -> LinkOf:
    has_windows = at.query.one("window") is not None

    def link(column: Column, row: Row) -> str | None:
        customer, subscription = row["external_customer_id"], row["external_subscription_id"]
        code = str(row["billable_metric_code"])
        if column.key == "external_customer_id" and customer is not None:
            return at.query.address("/usage", ("customer", str(customer)))
        if column.key == "external_subscription_id" and subscription is not None:
            return at.query.address("/usage", ("subscription", str(subscription)))
        if column.key == "billable_metric_code":
            return address_of("billable-metrics", code)
        names = [None if name is None else str(name) for name in (customer, subscription)]
        if column.key == "units" and row["units"] is not None:
            if at.query.flag("total"):
                return at.query.address("/usage", ("metric", code), ("total", ""))
            more = [*_group(row), *(_window(row) if has_windows else ())]
            return _explained(at, names[0], names[1], code, more)
        if column.key == "amount_cents" and row["amount_cents"] is not None:
            who = [("subscription" if names[1] else "customer", names[1] or names[0] or "")]
            return address("/invoices", [*who, *at.query.only("period", "at", "as_of")])
        return None

    return link


def _window(row: Row) -> list[tuple[str, str]]:
    pairs = [("from", row["from_datetime"]), ("to", row["to_datetime"])]
    return [(name, str(value)) for name, value in pairs if value is not None]


def _group(row: Row) -> list[tuple[str, str]]:
    """The values of its group, as filters."""
    group = row["group"]
    found = group.items() if isinstance(group, Mapping) else ()
    return [
        ("filter", f"{key}={in_list('' if value is None else str(value))}") for key, value in found
    ]


def in_list(text: str) -> str:
    """One value of a list that is written like CSV."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"') else text


def _sparks(found: UsageAnswer) -> list[Sparks]:
    return [sparks_of(chart) for chart in found.charts(raw=False).charts]
