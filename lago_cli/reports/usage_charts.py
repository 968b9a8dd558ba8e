"""Usage as charts: a bar for each figure, or with --window a line for each series."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lago_cli.domain.numbers import as_plain
from lago_cli.renderers.chart import Chart, Charts, Point, Series
from lago_cli.renderers.spans import span_words
from lago_cli.renderers.table_cells import grouped
from lago_cli.reports.records import span
from lago_cli.reports.usage import count_of_others
from lago_cli.services.lines import by_metric, summed, totals
from lago_cli.services.usage import adds_up

if TYPE_CHECKING:
    from lago_cli.domain.instants import Window
    from lago_cli.domain.numbers import Units
    from lago_cli.reports.usage import Answer, Shape
    from lago_cli.services.lines import Line
    from lago_cli.services.questions import Question
    from lago_cli.services.requests import UsageRequest
    from lago_cli.services.usage import UsageRow

    Digits = Callable[[Units], str]


def usage_charts(
    question: Question,
    answer: Answer,
    shape: Shape,
    *,
    now: int,
    footer: Sequence[str],
    empty: str,
    raw: bool,
) -> Charts:
    """
    One chart for each metric, in the order of the lines: no two units have one axis.

    A line without a figure has no place in it.
    """
    request = question.request
    drawn = by_metric(line for line in answer.lines if line.units is not None)
    digits = as_plain if raw else _grouped
    drawing = _Bars(digits) if request.window is None else _Lines(question, now, digits)
    below = _below(answer, shape, digits)
    charts = [
        replace(drawing(found, request), total=below.get(code, "")) for code, found in drawn.items()
    ]
    if answer.lines:
        empty = "No figure to draw: what several customers have of the metric does not add up."
    return Charts(charts, footer, empty=empty or "No usage in this period.")


def _grouped(units: Units) -> str:
    return grouped(as_plain(units))


def _below(answer: Answer, shape: Shape, digits: Digits) -> dict[str, str]:
    """By code, what `--top` left out and the total of everything."""
    found: dict[str, list[str]] = {}
    everything = [*answer.lines]
    for lines in answer.others:
        everything += lines
        left = summed(lines, may_add=adds_up(lines[0].row.metric, windowed=shape.windowed))
        units = "" if left.units is None else f" {digits(left.units)}"
        found.setdefault(left.metric.code, []).append(f"{count_of_others(lines)}{units}")
    word = "sum of groups" if shape.group_by else "total"
    for total in totals(everything, windowed=shape.windowed):
        if total.units is not None:
            found.setdefault(total.metric.code, []).append(f"{word} {digits(total.units)}")
    return {code: " · ".join(words) for code, words in found.items()}


class _Bars:
    """A bar for each line."""

    def __init__(self, digits: Digits) -> None:
        self._digits = digits

    def __call__(self, found: Sequence[Line], request: UsageRequest) -> Chart:
        name = _namer([line.row for line in found], request)
        bars = [_point(name(line.row), line, self._digits) for line in found]
        return Chart(_title(found), bars=bars)


class _Lines:
    """A line for each owner and group, which is zero where nothing happened."""

    def __init__(self, question: Question, now: int, digits: Digits) -> None:
        self._question = question
        self._now = now
        self._digits = digits

    def __call__(self, found: Sequence[Line], request: UsageRequest) -> Chart:
        rows = [line.row for line in found]
        name = _namer(rows, request)
        series: dict[tuple[object, ...], list[Line]] = {}
        for line in found:
            series.setdefault((line.row.owner, line.row.group), []).append(line)
        until = max(self._now, *(row.window.start for row in rows))
        lines = [
            Series(name(each[0].row), self._points(each, request, until))
            for each in series.values()
        ]
        asked = [window for row in rows[:1] for window in self._question.asked(row.owner)]
        return Chart(_title(found, asked), lines=lines)

    def _points(self, found: Sequence[Line], request: UsageRequest, until: int) -> list[Point]:
        first = found[0].row
        starts = sorted(line.row.window.start for line in found)
        points: list[tuple[int, Point]] = [
            (
                line.row.window.start,
                _point(_when(line.row, line.row.window, request), line, self._digits),
            )
            for line in found
        ]
        for window in self._question.asked(first.owner):
            following = bisect_left(starts, window.start)
            has_row = following < len(starts) and starts[following] < window.end
            if not has_row and window.start <= until:
                points.append((window.start, Point(_when(first, window, request), "0")))
        return [point for _, point in sorted(points, key=lambda each: each[0])]


def _point(label: str, line: Line, digits: Digits) -> Point:
    """A figure, and in brackets what stands beside it in the table."""
    assert line.units is not None
    beside = []
    if line.before is not None and line.before.units is not None:
        beside.append(f"was {digits(line.before.units)}")
    if line.price is not None:
        beside.append(f"{line.price.cents} cents, {line.price.currency}")
    note = f"({'; '.join(beside)})" if beside else ""
    return Point(label, as_plain(line.units), note, digits(line.units))


def _when(row: UsageRow, window: Window, request: UsageRequest) -> str:
    """The start of a window, in the zone in force."""
    start = span(window, row.zone).start
    if start is None:
        return "the beginning"
    shape = {"hour": "%Y-%m-%d %H:%M", "month": "%Y-%m"}.get(request.window or "", "%Y-%m-%d")
    return start.strftime(shape)


def _title(found: Sequence[Line], asked: Sequence[Window] = ()) -> str:
    """The metric, and what all rows share."""
    rows = [line.row for line in found]
    metric = rows[0].metric
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
            words.append(" / ".join(each for each in row.owner if each is not None) or "all")
        values = zip(request.group_by, row.group or (), strict=True)
        group = ", ".join(f"{key}={'–' if value is None else value}" for key, value in values)
        return " ".join(filter(None, [*words, group]))

    return name
