"""The period of a page in words, and the ones before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from lago_cli.renderers.spans import span_name, span_words
from lago_cli.reports.records import span
from lago_cli.server.pages.query import PERIOD

if TYPE_CHECKING:
    from lago_cli.domain.instants import Window
    from lago_cli.renderers import Span
    from lago_cli.server.pages.page import At
    from lago_cli.services.questions import Question
    from lago_cli.services.requests import Owner

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_CHOICES = (
    ("", "Current period"),
    ("previous", "Previous period"),
    ("today", "Today"),
    ("yesterday", "Yesterday"),
    ("last-7-days", "Last 7 days"),
    ("all", "All time"),
)
_SHORT = ("today", "yesterday", "last-7-days")  # in which hardly a period ends


@dataclass(frozen=True, slots=True)
class Choice:
    """A period that a person can go to."""

    text: str
    address: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The period of an answer."""

    words: str
    earlier: str | None
    later: str | None
    choices: list[Choice]


def shown_period(at: At, question: Question, owner: Owner = (None, None)) -> Shown:
    """What was asked for, by the calendar of who is billed."""
    asked = question.asked(owner)
    if not asked:
        return Shown("", None, None, _choices(at))
    zone = question.zone(owner)
    window = asked[0]._replace(end=asked[-1].end)
    found = span(window, zone)
    if None not in found:
        at.window = window
    earlier, later = _beside(at, found, is_billed=question.request.is_of_billing_periods)
    return Shown(f"{span_words(found)} ({zone})", earlier, later, _choices(at))


def words_of(window: Window, question: Question, owner: Owner) -> str:
    return span_words(span(window, question.zone(owner)))


def _choices(at: At) -> list[Choice]:
    others = at.query.only(*PERIOD)
    here = others[0][1] if len(others) == 1 and others[0][0] == "period" else None
    found = []
    is_billed = at.path.startswith("/invoices")
    for name, text in _CHOICES:
        if is_billed and name in _SHORT:
            continue
        is_here = not others if not name else here == name
        found.append(Choice(text, _to(at, "period", name), is_here))
    return found


def _to(at: At, name: str, value: str) -> str:
    return at.query.address(
        at.path, *((each, "") for each in PERIOD if each != name), (name, value)
    )


def _beside(at: At, found: Span, *, is_billed: bool) -> tuple[str | None, str | None]:
    start, end = found
    if start is None or end is None:
        return None, None
    if is_billed:
        asked = at.query.one("period")
        if asked in ("previous", "last-month"):
            return _to(at, "at", _instant(start, -1)), _to(at, "period", "")
        if asked in (None, "current") and at.query.one("at") is None:
            return _to(at, "period", "previous"), _to(at, "at", _instant(end, 0))
        return _to(at, "at", _instant(start, -1)), _to(at, "at", _instant(end, 0))
    name = span_name(found)
    if name in ("hour", "hours", "period"):
        length = end - start
        pairs = [(start - length, start), (end, end + length)]
        return tuple(_between(at, *pair) for pair in pairs)  # type: ignore[return-value]
    try:
        days = [_moved(start.date(), name, by) for by in (-1, 1)]
        return tuple(_to(at, "period", _called(day, name)) for day in days)  # type: ignore[return-value]
    except (OverflowError, ValueError):
        return None, None


def _instant(moment: datetime, minutes: int) -> str:
    """Read in the zone of each customer, whose period it lies in."""
    return (moment.replace(tzinfo=None) + timedelta(minutes=minutes)).isoformat("T", "minutes")


def _between(at: At, start: datetime, end: datetime) -> str:
    kept = [(name, "") for name in ("period", "at")]
    first, last = (each.isoformat("T", "minutes") for each in (start, end))
    return at.query.address(at.path, *kept, ("from", first), ("to", last))


def _moved(day: date, name: str, by: int) -> date:
    if name in ("day", "week"):
        return day + timedelta(days=by * (7 if name == "week" else 1))
    months = day.year * 12 + day.month - 1 + by * _MONTHS[name]
    return date(months // 12, months % 12 + 1, 1)


def _called(day: date, name: str) -> str:
    if name == "day":
        return day.isoformat()
    if name == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04d}-W{week:02d}"
    if name == "month":
        return f"{day:%Y-%m}"
    return f"{day:%Y}-Q{day.month // 3 + 1}" if name == "quarter" else f"{day:%Y}"
