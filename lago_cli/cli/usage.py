"""`lago usage`: aggregated usage, by customer or subscription, metric and period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lago_cli.cli import usage_check, usage_explain
from lago_cli.cli.options import OutputOrChart, command
from lago_cli.cli.selection import SELECTION
from lago_cli.cli.session import Session
from lago_cli.errors import wrong_usage

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
# fmt: off
SortBy = Literal[
    "units", "-units", "change", "-change", "customer", "-customer", "metric", "-metric"
]
# fmt: on
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
    from lago_cli.cli import usage_words as words
    from lago_cli.cli.usage_reports import Answer, Shape, usage_report
    from lago_cli.services import ranking
    from lago_cli.services.lines import lines_of, totalled
    from lago_cli.services.questions import Question
    from lago_cli.services.usage import answer as rows_of
    from lago_cli.services.usage import left_out, unused

    if sort in ("change", "-change") and compare is None:
        raise wrong_usage(
            "nothing_compared",
            f"--sort {sort} needs something to compare with.",
            "Add --compare previous, or the period to compare with.",
        )
    drawn = False
    if chart or session.output == "svg":
        from lago_cli.cli.usage_chart import is_drawn, usage_charts

        drawn = is_drawn(session, chart=chart)
    store, now = session.store(), session.now()
    question = Question(store, request, now)
    comparison = None
    if compare is not None:
        from lago_cli.services.comparison import Comparison

        comparison = Comparison(store, question, compare, now=now)
    rows = rows_of(store, question)
    words.warn_of_unknown(session, store, request, rows)
    lines = comparison.lines(rows) if comparison else lines_of(rows)
    if amounts:
        prices = words.prices_of(session, store, request, [line.row for line in lines])
        lines = [line._replace(price=price) for line, price in zip(lines, prices, strict=True)]
    said = words.said_of_periods(comparison, lines, now) if comparison else []
    if total:
        nothing = unused(question, [line.row for line in lines])
        lines += comparison.unused(nothing) if comparison else lines_of(nothing)
        lines = totalled(lines, request.window)
        words.warn_of_no_totals(session, lines)
    if sort is not None:
        lines = ranking.ordered(lines, sort)
    answer = Answer(lines) if top is None else Answer(*ranking.top(lines, top, sort))
    empty = ""
    if session.output == "table":
        said += words.said_of(left_out(store, request, now=now))
        empty = "" if lines else words.nothing_found(store, question)
    else:
        for sentence in said:
            session.note(sentence)
    shape = Shape(
        request.group_by,
        windowed=request.window is not None,
        compared=comparison is not None,
        priced=amounts,
        total=total,
    )
    if drawn:
        session.show(
            usage_charts(
                question, answer, shape, now=now, footer=said, empty=empty, raw=session.raw
            )
        )
    else:
        session.show(usage_report(answer, shape, footer=said, empty=empty))


usage_explain.register(app)
usage_check.register(app)
