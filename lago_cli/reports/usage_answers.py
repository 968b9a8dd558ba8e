"""From a question about usage to the report or the charts that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lago_cli.errors import wrong_usage

if TYPE_CHECKING:
    from lago_cli.renderers import Report
    from lago_cli.renderers.chart import Charts
    from lago_cli.reports.usage import Answer, Shape
    from lago_cli.reports.voice import Voice
    from lago_cli.services.questions import Question
    from lago_cli.services.requests import UsageRequest
    from lago_cli.stores.base import PricedStore

# fmt: off
SortBy = Literal[
    "units", "-units", "change", "-change", "customer", "-customer", "metric", "-metric"
]
# fmt: on


@dataclass(frozen=True, slots=True)
class View:
    """
    What is wanted beside the figures, and which of them.

    Raises:
        LagoError: wrong usage, where changes are to be sorted and nothing is compared.
    """

    compare: str | None = None
    sort: SortBy | None = None
    top: int | None = None
    total: bool = False
    amounts: bool = False

    def __post_init__(self) -> None:
        if self.sort in ("change", "-change") and self.compare is None:
            raise wrong_usage(
                "nothing_compared",
                f"--sort {self.sort} needs something to compare with.",
                "Add --compare previous, or the period to compare with.",
            )


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    """The lines that were found, to be written or drawn."""

    question: Question
    answer: Answer
    shape: Shape
    footer: Sequence[str]
    empty: str
    now: int

    def report(self) -> Report:
        from lago_cli.reports.usage import usage_report

        return usage_report(self.answer, self.shape, footer=self.footer, empty=self.empty)

    def charts(self, *, raw: bool) -> Charts:
        from lago_cli.reports.usage_charts import usage_charts

        return usage_charts(
            self.question,
            self.answer,
            self.shape,
            now=self.now,
            footer=self.footer,
            empty=self.empty,
            raw=raw,
        )


def usage_answer(
    store: PricedStore,
    request: UsageRequest,
    view: View,
    voice: Voice,
    *,
    now: int,
    for_people: bool,
) -> UsageAnswer:
    """
    What usage there is; with `for_people` also what it leaves out, and where there is some.

    Raises:
        LagoError: for names that nobody knows, and periods that are none.
    """
    from lago_cli.reports import usage_words as words
    from lago_cli.reports.usage import Answer, Shape
    from lago_cli.services import ranking
    from lago_cli.services.lines import lines_of, totalled
    from lago_cli.services.questions import Question
    from lago_cli.services.usage import answer as rows_of
    from lago_cli.services.usage import left_out, unused

    question = Question(store, request, now)
    comparison = None
    if view.compare is not None:
        from lago_cli.services.comparison import Comparison

        comparison = Comparison(store, question, view.compare, now=now)
    rows = rows_of(store, question)
    words.warn_of_unknown(voice, store, request, rows)
    lines = comparison.lines(rows) if comparison else lines_of(rows)
    if view.amounts:
        prices = words.prices_of(voice, store, request, [line.row for line in lines], now=now)
        lines = [line._replace(price=price) for line, price in zip(lines, prices, strict=True)]
    said = words.said_of_periods(comparison, lines, now) if comparison else []
    if view.total:
        nothing = unused(question, [line.row for line in lines])
        lines += comparison.unused(nothing) if comparison else lines_of(nothing)
        lines = totalled(lines, request.window)
        words.warn_of_no_totals(voice, lines)
    if view.sort is not None:
        lines = ranking.ordered(lines, view.sort)
    top, sort = view.top, view.sort
    answer = Answer(lines) if top is None else Answer(*ranking.top(lines, top, sort))
    empty = ""
    if for_people:
        said += words.said_of(left_out(store, request, now=now))
        empty = "" if lines else words.nothing_found(store, question)
    else:
        for sentence in said:
            voice.note(sentence)
    shape = Shape(
        request.group_by,
        windowed=request.window is not None,
        compared=comparison is not None,
        priced=view.amounts,
        total=view.total,
    )
    return UsageAnswer(question, answer, shape, said, empty, now)
