"""
The times of events in foreign records: in which unit, format and zone they are written.

Without a word on it a time is ISO 8601, RFC 2822 or UNIX seconds of at most ten digits.
Whatever is refused is refused with the option that reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from lago_cli.domain.instants import (
    AFTER_LAST_EVENT,
    FIRST_EVENT,
    TooManyDigits,
    finer_of,
    micros_in,
    parse_instant,
)
from lago_cli.domain.numbers import NUMBER, exact, parse_decimal
from lago_cli.errors import refused, wrong_usage

UNITS = {"s": 6, "ms": 3, "us": 0, "ns": -3}
"""Names of `--time-unit`, and the power of ten that makes microseconds of each."""

_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
_FINE = re.compile(r"(?<=[.,][0-9]{6})[0-9]+")
_YEARS = ({"Y"}, {"y"}, {"G", "V", "u"}, {"c"}, {"x"})
_UNIVERSAL = ("UTC", "GMT", "Z")


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How a source writes its times. Raises `LagoError` (wrong usage) for an unknown one."""

    unit: str | None = None  # of bare numbers, a key of `UNITS`; None: seconds, of ten digits
    format: str | None = None  # strptime; then nothing else is read, numbers with a unit aside
    zone: tzinfo = UTC  # of times without an offset

    def __post_init__(self) -> None:
        if self.unit not in (None, *UNITS):
            raise wrong_usage(
                "invalid_time_unit", f'"{self.unit}" is no unit of time.', f"One of: {_LISTED}"
            )
        if self.format is not None:
            _check_format(self.format)

    def read(self, text: str) -> int:
        """
        Microseconds since 1970 of an event's time.

        Raises:
            LagoError: refused, `invalid_timestamp` or `timestamp_out_of_range`.
        """
        if self.unit is not None and NUMBER.fullmatch(text):
            return check_event_time(_in_unit(text, UNITS[self.unit]))
        try:
            if self.format is not None:
                micros = _by_format(self.format, text, self.zone)
            else:
                micros = parse_instant(text, self.zone)
        except TooManyDigits as error:
            raise refused(
                "timestamp_out_of_range", f"timestamp {error}", _hint(text), field="timestamp"
            ) from None
        except ValueError as error:
            hint = _hint(text) if self.format is None else _OTHER_FORMAT
            raise refused(
                "invalid_timestamp", f"timestamp {error}", hint, field="timestamp"
            ) from None
        return check_event_time(micros, text)

    def finer(self, text: str) -> int:
        """Whole picoseconds of a good time within its microsecond: see `instants.finer_of`."""
        if self.unit is None or not NUMBER.fullmatch(text):
            return finer_of(text)
        return _in_unit(text, UNITS[self.unit] + 6) % 1_000_000


_LISTED = ", ".join(UNITS)
_OTHER_FORMAT = "See the codes of strptime; records in several formats are ingested one by one."
ORDINARY = TimeForm()


def check_event_time(micros: int, text: str = "") -> int:
    """
    An instant at which an event may have happened, unchanged; `text` is how it was written.

    Raises:
        LagoError: refused `timestamp_out_of_range`, before 2001 or beyond 9999.
    """
    if FIRST_EVENT <= micros < AFTER_LAST_EVENT:
        return micros
    side = "before 2001" if micros < FIRST_EVENT else "beyond the year 9999"
    hint = _hint(text) if NUMBER.fullmatch(text) else None
    raise refused("timestamp_out_of_range", f"timestamp lies {side}", hint, field="timestamp")


def _hint(text: str) -> str:
    from lago_cli.domain.time_hints import hint_for

    return hint_for(text)


def _in_unit(text: str, shift: int) -> int:
    """Whole microseconds; what is finer is cut."""
    try:
        number = parse_decimal(text)
    except ValueError as error:
        raise refused("invalid_timestamp", f"timestamp: {error}", field="timestamp") from None
    if number.adjusted() > 30:
        return AFTER_LAST_EVENT
    with exact():
        return int(number.scaleb(shift))


@lru_cache(maxsize=4096)  # many records share a second
def _by_format(format_: str, text: str, zone: tzinfo) -> int:
    moment = _parsed(format_, _FINE.sub("", text) if "%f" in format_ else text)
    return micros_in(moment, zone, text)


def _parsed(format_: str, text: str) -> datetime:
    """By strptime, of which `%Z` would read whatever this machine calls its zone."""
    named = "Z" in _DIRECTIVE.findall(format_)
    for name in _UNIVERSAL if named else ("",):
        try:
            moment = datetime.strptime(text, _with_zone(format_, name) if named else format_)
        except ValueError:
            continue
        return moment.replace(tzinfo=UTC) if named else moment
    shown = text if len(text) <= 40 else text[:40] + "…"
    raise ValueError(f"{shown!r} is not written as {format_!r}")


def _with_zone(format_: str, name: str) -> str:
    return _DIRECTIVE.sub(lambda found: name if found[1] == "Z" else found[0], format_)


def _check_format(format_: str) -> None:
    codes = set(_DIRECTIVE.findall(format_))
    problem = None
    if "s" in codes:
        problem = "%s is no code of strptime; numbers are read with --time-unit s"
    elif not any(year <= codes for year in _YEARS):
        problem = "it says no year"
    else:
        try:
            datetime.strptime("", format_)
        except ValueError as error:
            if "does not match format" not in str(error):
                problem = str(error)
        except re.error:
            problem = "a code stands in it twice"
    if problem:
        raise wrong_usage(
            "invalid_time_format",
            f"--time-format {format_}: {problem}.",
            "For example: --time-format '%d/%b/%Y:%H:%M:%S %z'",
        )
