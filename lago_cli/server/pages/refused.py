"""Events that this server refused: the latest, as long as it runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lago_cli.domain.instants import to_datetime
from lago_cli.renderers import Column, Report
from lago_cli.renderers.html import Part, render
from lago_cli.server.gathering import REMEMBERED
from lago_cli.server.pages.explain import event_address
from lago_cli.server.pages.page import ROWS, At, Page, paging
from lago_cli.server.pages.sentences import sayer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lago_cli.renderers import Answer

_COLUMNS = (
    Column("transaction_id", kind="id"),
    Column("refused_at", "when", kind="instant"),
    Column("code", kind="flag"),
    Column("message", folds=True),
)
_THERE = "duplicate"  # of refusals, that for which there may be an event of the id
_EMPTY = "This server has refused no event since it started."


def data(at: At, output: str) -> Answer:  # noqa: ARG001 - all programs get the same rows
    at.query.refuse_others(())
    return _report(at)


def page(at: At) -> Page:
    """The latest first."""
    report = _report(at)
    rows = list(report.rows)
    values = {
        "report": render(report, partial(_link, at), Part(at.skipped, ROWS), footer=sayer(at)),
        "paging": paging(at, len(rows)),
        "most": REMEMBERED,
        "count": len(rows),
    }
    return Page("refused.html", "Refused events", values)


def _report(at: At) -> Report:
    at.query.refuse_others(())
    rows = [
        {
            "transaction_id": each.transaction_id,
            "refused_at": to_datetime(each.at),
            "code": each.code,
            "message": each.message,
        }
        for each in reversed(at.refusals)
    ]
    return Report(None, _COLUMNS, rows, empty=_EMPTY)


def _link(at: At, column: Column, row: Mapping[str, object]) -> str | None:
    """To the event that there is; an id may also have come twice in a batch that stayed out."""
    name = str(row["transaction_id"])
    if column.key != "transaction_id" or row["code"] != _THERE or not at.store.events.get(name):
        return None
    return event_address(name)
