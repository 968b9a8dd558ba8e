"""Windows: a period cut into local hours, days, weeks or months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from dateutil.relativedelta import (  # type: ignore[import-untyped,unused-ignore]
    MO,
    relativedelta,
)

from lago_cli.domain.periods import Period, first_second, local_day, start_of_day
from lago_cli.errors import LagoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

_HOUR = timedelta(hours=1)
_FIRST_LOCAL = datetime(1, 1, 2, tzinfo=UTC)  # before it, some zones are in the year 0
_DAYS = {  # step: (back to the first day of the one a day is in, on to the next)
    "day": (relativedelta(), relativedelta(days=1)),
    "week": (relativedelta(weekday=MO(-1)), relativedelta(weeks=1)),
    "month": (relativedelta(day=1), relativedelta(months=1)),
}
STEPS = ("hour", *_DAYS)


def windows(period: Period, step: str, zone: tzinfo) -> Iterator[Period]:
    """
    The local hours, days, weeks (from Monday) or months of `period`, in order, lazily.

    They cover it exactly, the first and last cut to it, none empty. An hour lasts until
    the local clock next reads a full hour, or skips one: an hour set back comes twice,
    half an hour set back (Australia/Lord_Howe) makes one of 90 minutes. The last is
    longer where the calendar ends, with the year 9999.

    Args:
        step: one of `STEPS`.
    """
    start = period.start
    for cut in _hours(start, zone) if step == "hour" else _days(start, step, zone):
        if cut >= period.end:
            break
        if cut > start:  # not so for a day that clocks passed over
            yield Period(start, cut)
            start = cut
    if start < period.end:
        yield Period(start, period.end)


def _days(start: datetime, step: str, zone: tzinfo) -> Iterator[datetime]:
    back, on = _DAYS[step]
    first = local_day(start, zone) + back
    for n in count(1):
        try:
            yield start_of_day(first + n * on, zone)
        except (ValueError, OverflowError, LagoError):
            return  # the calendar ends here


def _hours(start: datetime, zone: tzinfo) -> Iterator[datetime]:
    cut = max(start, _FIRST_LOCAL)
    try:
        local = cut.astimezone(zone)
        while True:
            full = cut + _HOUR - _past_hour(local)
            then = full.astimezone(zone)
            if then.utcoffset() != local.utcoffset():
                full = _hour_at_change(cut, full, zone)
                then = full.astimezone(zone)
            cut, local = full, then
            yield cut
    except OverflowError:
        return  # the calendar ends here


def _past_hour(local: datetime) -> timedelta:
    return local - local.replace(minute=0, second=0, microsecond=0)


def _hour_at_change(cut: datetime, full: datetime, zone: tzinfo) -> datetime:
    """The next full hour after `cut`, where the offset changes up to `full`."""
    local = cut.astimezone(zone)
    low = cut.replace(microsecond=0)
    change = first_second(
        low, full, lambda at: at.astimezone(zone).utcoffset() != local.utcoffset()
    )
    after = change.astimezone(zone)
    past = _past_hour(after)
    skipped = after.replace(tzinfo=None) - local.replace(tzinfo=None) - (change - cut)
    return change if not past or skipped >= past else change + _HOUR - past
