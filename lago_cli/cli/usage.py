"""`lago usage`: aggregated usage, by customer or subscription, metric and period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli import usage_check, usage_explain
from lago_cli.cli.options import OutputOrChart, command
from lago_cli.cli.selection import SELECTION
from lago_cli.cli.session import Session
from lago_cli.errors import wrong_usage
from lago_cli.reports.usage_answers import SortBy

if TYPE_CHECKING:
    from lago_cli.services.requests import UsageRequest

app = typer.Typer(rich_markup_mode=None)


WithAmounts = Annotated[
    bool,
    typer.Option("--amounts", help="Also what each row costs by the plans of its subscriptions."),
]
Compare = Annotated[
    str | None,
    typer.Option(
        "--compare",
        metavar="PERIOD",
        help="Also what it was in another period, and the change: previous (the one before that"
        " which is asked for), or any period.",
    ),
]
Sort = Annotated[
    SortBy | None,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help="Order by units, change, customer or metric; with a minus, the largest first:"
        " --sort -change",
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        "--top",
        metavar="N",
        min=1,
        max=1_000_000_000,
        help="Only the first N rows of each metric, metric by metric."
        " [default order: the most units first]",
    ),
]
Total = Annotated[
    bool,
    typer.Option("--total", help="One row for each metric, over all customers."),
]
AsChart = Annotated[bool, typer.Option("--chart", help="Draw bars, or lines with --window.")]


@command(app, "usage", given=SELECTION, is_default=True, outputs=OutputOrChart, may_watch=True)
def usage(
    session: Session,
    request: UsageRequest,
    compare: Compare = None,
    sort: Sort = None,
    top: Top = None,
    total: Total = False,
    amounts: WithAmounts = False,
    chart: AsChart = False,
) -> None:
    """
    Show usage by customer, metric and period.

    A subscription that is asked for has a row also where nothing happened. With --compare there
    are rows, too, for what was used only in the other period; windows stand beside each other
    by their place, as the third day of both.
    """
    from lago_cli.reports.usage_answers import View, usage_answer

    view = View(compare, sort, top, total, amounts)
    drawn = _is_drawn(session, chart=chart)
    found = usage_answer(
        session.store(),
        request,
        view,
        session,
        now=session.now(),
        for_people=session.output == "table",
    )
    session.show(found.charts(raw=session.raw) if drawn else found.report())


def _is_drawn(session: Session, *, chart: bool) -> bool:
    """
    Whether the answer is a picture; --chart goes over a variable that says how answers are written.

    Raises:
        LagoError: wrong usage, where a chart is asked for in a format that has none.
    """
    if session.output == "svg" or not chart:
        return session.output == "svg"
    if session.output != "table" and session.output_chosen:
        message = f"A chart cannot be written as {session.output}."
        raise wrong_usage("invalid_output", message, "For a file: -o svg > usage.svg")
    session.output = "table"
    return True


usage_explain.register(app)
usage_check.register(app)
