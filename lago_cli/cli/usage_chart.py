"""Usage as charts: a bar for each figure, or with --window a line for each series."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lago_cli.cli.reports import span
from lago_cli.domain.numbers import as_plain
from lago_cli.errors import wrong_usage
from lago_cli.renderers.chart import Chart, Charts, Point, Series
from lago_cli.renderers.spans import span_words

if TYPE_CHECKING:
    from lago_cli.cli.session import Session
    from lago_cli.domain.instants import Window
    from lago_cli.domain.metrics import Metric
    from lago_cli.services.amounts import Amount
    from lago_cli.services.requests import UsageRequest
    from lago_cli.services.usage import UsageRow
    from lago_cli.stores.base import UsageStore

    Priced = tuple[UsageRow, Amount | None]


def is_drawn(session: Session, *, chart: bool) -> bool:
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


def usage_charts(
    store: UsageStore,
    request: UsageRequest,
    rows: Sequence[UsageRow],
    prices: Sequence[Amount | None] | None,
    *,
    now: int,
    footer: Sequence[str],
) -> Charts:
    """One chart for each metric, in the order of the rows: no two units have one axis."""
    from lago_cli.services.usage import totals

    by_metric: dict[Metric, list[Priced]] = {}
    for row, price in zip(rows, prices or [None] * len(rows), strict=True):
        by_metric.setdefault(row.metric, []).append((row, price))
    draw = _bars if request.window is None else _Lines(store, request, now)
    word = "sum of groups" if request.group_by else "total"
    sums = {
        each.metric.code: f"{word} {as_plain(each.units)}"
        for each in totals(rows, windowed=request.window is not None)
    }
    charts = [
        replace(draw(metric, found, request), total=sums.get(metric.code, ""))
        for metric, found in by_metric.items()
    ]
    return Charts(charts, footer, empty="No usage in this period.")


def _bars(metric: Metric, found: Sequence[Priced], request: UsageRequest) -> Chart:
    rows = [row for row, _ in found]
    name = _namer(rows, request)
    bars = [_point(name(row), row, price) for row, price in found]
    return Chart(_title(metric, rows), bars=bars)


class _Lines:
    """A line for each owner and group, which is zero where nothing happened."""

    def __init__(self, store: UsageStore, request: UsageRequest, now: int) -> None:
        from lago_cli.services.questions import Question

        self._question = Question(store, request, now)
        self._now = now

    def __call__(self, metric: Metric, found: Sequence[Priced], request: UsageRequest) -> Chart:
        rows = [row for row, _ in found]
        name = _namer(rows, request)
        series: dict[tuple[object, ...], list[Priced]] = {}
        for row, price in found:
            series.setdefault((row.owner, row.group), []).append((row, price))
        until = max(self._now, *(row.window.start for row in rows))
        lines = [
            Series(name(each[0][0]), self._points(each, request, until)) for each in series.values()
        ]
        asked = [window for row in rows[:1] for window in self._question.asked(row.owner)]
        return Chart(_title(metric, rows, asked), lines=lines)

    def _points(self, found: Sequence[Priced], request: UsageRequest, until: int) -> list[Point]:
        first = found[0][0]
        at = {row.window.start: (row, price) for row, price in found}
        starts = sorted(row.window.start for row, _ in found)
        points: list[tuple[int, Point]] = [
            (start, _point(_when(row, row.window, request), row, price))
            for start, (row, price) in at.items()
        ]
        for window in self._question.asked(first.owner):
            following = bisect_left(starts, window.start)
            has_row = following < len(starts) and starts[following] < window.end
            if not has_row and window.start <= until:
                points.append((window.start, Point(_when(first, window, request), "0")))
        return [point for _, point in sorted(points, key=lambda each: each[0])]


def _point(label: str, row: UsageRow, price: Amount | None) -> Point:
    note = f"({price.cents} cents, {price.currency})" if price else ""
    return Point(label, as_plain(row.units), note)


def _when(row: UsageRow, window: Window, request: UsageRequest) -> str:
    """The start of a window, in the zone in force."""
    start = span(window, row.zone).start
    if start is None:
        return "the beginning"
    shape = {"hour": "%Y-%m-%d %H:%M", "month": "%Y-%m"}.get(request.window or "", "%Y-%m-%d")
    return start.strftime(shape)


def _title(metric: Metric, rows: Sequence[UsageRow], asked: Sequence[Window] = ()) -> str:
    """The metric, and what all rows share."""
    words = [f"{metric.code} ({metric.aggregation_type})"]
    if len({row.owner for row in rows}) == 1:
        words += [name for name in rows[0].owner if name is not None]
    if len({row.zone for row in rows}) == 1:
        windows = [*asked, *(row.window for row in rows)]
        first = min(window.start for window in windows)
        last = max(window.end for window in windows)
        words.append(span_words(span(rows[0].window._replace(start=first, end=last), rows[0].zone)))
    return " · ".join(words)


def _namer(rows: Sequence[UsageRow], request: UsageRequest) -> Callable[[UsageRow], str]:
    """What tells a row from others: its owner where there are several, and its group."""
    is_told = len({row.owner for row in rows}) == 1  # by the title
    shows_owner = not is_told or not (request.group_by or request.window)

    def name(row: UsageRow) -> str:
        words = []
        if shows_owner:
            words.append(" / ".join(each for each in row.owner if each is not None) or "nobody")
        values = zip(request.group_by, row.group or (), strict=True)
        group = ", ".join(f"{key}={'–' if value is None else value}" for key, value in values)
        return " ".join(filter(None, [*words, group]))

    return name
