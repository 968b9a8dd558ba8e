"""
Instants: integer microseconds since 1970 UTC inside, ISO 8601 in UTC outside.

Text may be ISO 8601 (`T` or a space between date and time; without an offset it is
read in the time zone in force), one of `domain.spellings`, or UNIX seconds of at most ten
digits. Digits beyond microseconds are cut; where the order of events hangs on them,
`finer_of` tells them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from lago_cli.domain.numbers import NUMBER, as_plain, exact, parse_decimal

SECOND = 1_000_000
_MINUTE = 60 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_EVENT = 978_307_200 * SECOND  # 2001-01-01T00:00:00Z
AFTER_LAST_EVENT = 253_402_300_800 * SECOND  # 10000-01-01T00:00:00Z
_MICROSECOND = timedelta(microseconds=1)
TEN_DIGITS = 10**10  # seconds: a number beyond them is milliseconds, or a date
_PLAIN_SECONDS = re.compile(r"([0-9]{1,10})(?:\.([0-9]+))?")
_FRACTION = re.compile(r"[.,]([0-9]+)")
_ISO = re.compile(r"[0-9]{4}-?(?:[0-9]{2}|W[0-9]{2})-?[0-9]{1,2}(?:[Tt ][0-9].*)?")


class Window(NamedTuple):
    """Half-open microseconds `[start, end)`."""

    start: int
    end: int


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware `moment`."""
    return (moment - EPOCH) // _MICROSECOND


def to_datetime(micros: int) -> datetime:
    """The aware UTC datetime of `micros`."""
    return EPOCH + timedelta(microseconds=micros)


class TooManyDigits(ValueError):  # noqa: N818 - a state of the text, no error of ours
    """A bare number that is no count of seconds, or of a year that nobody means."""


def parse_instant(text: str, zone: tzinfo = UTC) -> int:
    """
    Microseconds since 1970 of an instant as a person or a program writes it.

    Args:
        text: ISO 8601, RFC 2822, or UNIX seconds as an integer or decimal number.
        zone: where a text without offset is read.

    Raises:
        TooManyDigits: for a number of more than ten digits before its point.
        ValueError: with a sentence, where `text` is neither, or out of the calendar.
    """
    if text[4:5] == "-" and text[10:11] == "T" and text[-1] == "Z" and text.isascii():
        try:  # the way most programs write it, and the quickest to read
            since = datetime.fromisoformat(text) - EPOCH
            return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds
        except ValueError:
            pass
    if plain := _PLAIN_SECONDS.fullmatch(text):
        whole, fraction = plain.groups("")
        return int(whole) * SECOND + int(fraction[:6].ljust(6, "0"))
    if NUMBER.fullmatch(text):
        seconds = parse_decimal(text)
        if abs(seconds) >= TEN_DIGITS:
            raise TooManyDigits(f"{_shown(text)} has more than the ten digits of UNIX seconds")
        return seconds_to_micros(seconds)
    return micros_in(parse_local(text), zone, text)


def micros_in(moment: datetime, zone: tzinfo, text: str) -> int:
    """
    Microseconds since 1970 of what `text` says; a naive `moment` is one of the `zone`.

    Raises:
        ValueError: with a sentence, where it is out of the calendar.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return to_micros(moment.astimezone(UTC))
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the calendar") from None


def finer_of(text: str) -> int:
    """
    What the text of an instant says beyond its microsecond, in whole picoseconds.

    That are the digits 7 to 12 of its fraction, from 0 to 999,999; further ones are cut.
    """
    if text[19:20] == "." and (len(text) < 27 or text[26:] == "Z"):
        return 0  # microseconds at most, the way most programs write them
    if "e" in text.lower() and NUMBER.fullmatch(text):
        text = as_plain(parse_decimal(text))
    fraction = _FRACTION.search(text)
    beyond = fraction[1][6:12] if fraction else ""
    return int(beyond.ljust(6, "0")) if beyond else 0


def parse_moment(text: str, zone: tzinfo = UTC) -> int:
    """
    `parse_instant` for what a person types: inside the calendar, and no year for a number.

    Raises:
        ValueError: with a sentence.
    """
    micros = parse_instant(text, zone)
    try:
        shown = format_instant(micros)
        to_datetime(micros)
    except OverflowError:
        raise ValueError(f"{text[:40]} lies outside the calendar, the years 1 to 9999") from None
    if micros < FIRST_EVENT and NUMBER.fullmatch(text):
        raise ValueError(f"{text} would be {shown}, as a number is UNIX seconds")
    return micros


def parse_local(text: str) -> datetime:
    """
    A text that is no number as a datetime, naive where it says no offset and no zone.

    Raises:
        ValueError: with a sentence, where it is no time or may mean several.
    """
    if _ISO.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper())
        except ValueError:
            pass
    from lago_cli.domain.spellings import read_spelling

    try:
        return read_spelling(text)
    except (ValueError, OverflowError) as error:
        reason = f": {error}" if str(error) else ""
    raise ValueError(f"{_shown(text)} is neither ISO 8601 nor UNIX seconds{reason}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def seconds_to_micros(seconds: Decimal) -> int:
    """Whole microseconds of UNIX seconds; further digits are cut, and beyond any calendar too."""
    if seconds.adjusted() > 20:
        return 10**26
    with exact():
        return int(seconds.scaleb(6))


def format_instant(micros: int) -> str:
    """`2026-11-22T00:00:00Z`, with fractional digits only where there are any."""
    minute, rest = divmod(min(micros, AFTER_LAST_EVENT - 1), _MINUTE)  # no text goes beyond
    second, fraction = divmod(rest, SECOND)
    text = f"{_to_the_minute(minute)}{second:02d}"
    return f"{text}.{fraction:06d}".rstrip("0") + "Z" if fraction else text + "Z"


@lru_cache(maxsize=4096)  # instants that are written together lie together
def _to_the_minute(minute: int) -> str:
    return (EPOCH + timedelta(minutes=minute)).isoformat()[:17]
