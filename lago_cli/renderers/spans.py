"""
Stretches of time, in the words of who reads them.

A whole day, week, month, quarter or year goes by its name. Others are told by their ends, of
which the second is the first instant that is not in it any more.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lago_cli.renderers.cells import as_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lago_cli.renderers.report import Span

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_SMALLEST = timedelta(microseconds=1)
_HOUR = timedelta(hours=1)
_WEEK = 7


def span_text(span: Span, *, raw: bool = False) -> str:
    """`2026-11`, `2026-W47`, `2026-11-03 to 2026-11-15`; all of a column are alike."""
    if raw:
        return _between(span, as_instant)
    name = span_name(span)
    start, end = span.start, span.end
    if start is None or end is None or name == "period":
        return _between(span, _instant)
    if name in ("hour", "hours"):
        return _hours(start, end, name)
    first = start.date()
    if name == "day":
        return first.isoformat()
    if name == "week":
        year, week, _ = first.isocalendar()
        return f"{year:04d}-W{week:02d}"
    if name == "month":
        return f"{first:%Y-%m}"
    if name == "quarter":
        return f"{first:%Y}-Q{first.month // 3 + 1}"
    return f"{first:%Y}"


def span_words(span: Span, *, raw: bool = False) -> str:
    """The same where it stands in a sentence: `November 2026`."""
    start, end = span
    name = None if raw else span_name(span)
    if start is not None and name == "month":
        return f"{MONTHS[start.month - 1]} {start:%Y}"
    text = span_text(span, raw=raw)
    return text if name != "period" or start is None or end is None else f"{text} (exclusive)"


def heading_of(spans: Iterable[Span]) -> str:
    """What a column of them is called."""
    spans = list(spans)
    names = {span_name(span) for span in spans}
    if len(names) == 1 and not names & {"period", "hours"}:
        return names.pop()
    has_ends = any(None not in span and span_name(span) == "period" for span in spans)
    return "period, end excluded" if has_ends else "period"


def span_name(span: Span) -> str:
    """`hour`, `day`, `week`, `month`, `quarter`, `year`; `hours` where it has a time of day."""
    start, end = span
    if start is None or end is None:
        return "period"
    if not (_begins_a_day(start) and _begins_a_day(end)):
        is_whole = not (start.minute or start.second or start.microsecond)
        length = end.astimezone(UTC) - start.astimezone(UTC)
        return "hour" if is_whole and length == _HOUR else "hours"
    first, last = start.date(), end.date()
    days = (last - first).days
    if days == 1:
        return "day"
    if days == _WEEK and first.weekday() == 0:
        return "week"
    if first.day == last.day == 1:
        months = (last.year - first.year) * 12 + last.month - first.month
        for name, months_of in (("month", 1), ("quarter", 3), ("year", 12)):
            if months == months_of and (first.month - 1) % months_of == 0:
                return name
    return "period"


def _begins_a_day(at: datetime) -> bool:
    """Whether no instant of that day is earlier: not every day begins at midnight."""
    before = (at.astimezone(UTC) - _SMALLEST).astimezone(at.tzinfo)
    return before.date() < at.date()


def _hours(start: datetime, end: datetime, name: str) -> str:
    text = _instant(start, day_alone=False)
    if name == "hour":
        return text
    last = _instant(end, day_alone=False)
    return f"{text} to {last.partition(' ')[2] if start.date() == end.date() else last}"


def _between(span: Span, shown: Callable[[datetime], str]) -> str:
    start, end = (None if at is None else shown(at) for at in span)
    if start is None or end is None:
        return "all time" if start == end else f"from {start}" if end is None else f"until {end}"
    return f"{start} to {end}"


def _instant(at: datetime, *, day_alone: bool = True) -> str:
    """A date where a day begins; a time that is there twice has its offset."""
    if day_alone and _begins_a_day(at):
        return at.date().isoformat()
    exact = "microseconds" if at.microsecond else "seconds" if at.second else "minutes"
    text = at.replace(tzinfo=None).isoformat(" ", exact)
    return text + at.isoformat()[-6:] if _is_there_twice(at) else text


def _is_there_twice(at: datetime) -> bool:
    early, late = (at.replace(fold=fold).utcoffset() for fold in (0, 1))
    return early is not None and late is not None and early > late
