"""`lago customers`: who uses, and where their days begin."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from lago_cli.cli.definitions import add_create, add_delete, add_get, add_update, list_report
from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.domain.customers import CUSTOMER
from lago_cli.renderers import Column, Report

app = typer.Typer(rich_markup_mode=None)

WithUsage = Annotated[
    bool,
    typer.Option(
        "--with-usage", help="Also what each used in the current period, metric by metric."
    ),
]

add_create(
    app,
    CUSTOMER,
    "Register a customer. One that is not registered is created by its first event.",
)


@command(app, "list")
def list_(session: Session, with_usage: WithUsage = False) -> None:
    """List all customers, registered or created by their first event."""
    empty = "No customers yet. The first event of one creates it."
    report = list_report(session, CUSTOMER, empty=empty)
    session.show(_beside_usage(session, report) if with_usage else report)


def _beside_usage(session: Session, report: Report) -> Report:
    """
    The customers, and what each used of every metric in the current period.

    Data has it as one object. The table has a column for each metric that anybody used, and
    where room is short the first of them.
    """
    from lago_cli.cli.reports import span
    from lago_cli.domain.numbers import as_plain
    from lago_cli.renderers.spans import span_words
    from lago_cli.services.questions import Question
    from lago_cli.services.requests import UsageRequest
    from lago_cli.services.usage import answer

    store = session.store()
    used: dict[str | None, dict[str, str]] = {}
    question = Question(store, UsageRequest(by="customer"), session.now())
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
        span_words(span(window, question.zone(owner)), raw=session.raw)
        for owner in owners
        for window in question.asked(owner)
    }
    words = periods.pop() if len(periods) == 1 else "the current period of each customer"
    footer = [f"Usage of {words}."] if used else []
    return replace(report, columns=columns, rows=rows, footer=[*report.footer, *footer])


add_get(app, CUSTOMER)
add_update(app, CUSTOMER, "Change what is given; an empty text takes a value away.")
add_delete(
    app,
    CUSTOMER,
    "Forget what is registered of a customer. Its events stay.",
    if_named="Its events are kept, and so it stays in the list, without name or time zone.",
)
