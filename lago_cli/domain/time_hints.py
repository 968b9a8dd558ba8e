"""What a refused time may be, and the option that reads it."""

from __future__ import annotations

import re
from datetime import datetime

from lago_cli.domain.instants import FIRST_EVENT, SECOND, TEN_DIGITS, format_instant

_GENERAL = (
    "Use ISO 8601 (2026-11-22T00:00:00Z) or UNIX seconds, or say how it is written, for example "
    "--time-unit ms or --time-format '%d/%b/%Y:%H:%M:%S %z'."
)
_DATES = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S", 17: "%Y%m%d%H%M%S%f"}
_UNITS = {
    "ms": ("milliseconds", 1_000),
    "us": ("microseconds", 10**6),
    "ns": ("nanoseconds", 10**9),
}
_MOST_DIGITS = 20
_LIKELY_YEARS = range(1970, 2101)
_DIGITS = re.compile(r"([0-9]+)(?:\.[0-9]+)?")
_NUMBERS = re.compile(r"(?<![0-9])([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9])")
_PARTS = (
    (re.compile(r"[0-9]{4}([/.])[0-9]{1,2}\1[0-9]{1,2}"), r"%Y\1%m\1%d"),
    (re.compile(r"[0-9]{1,2}([/ -])[A-Z][a-z]{2}\1[0-9]{4}"), r"%d\1%b\1%Y"),
    (re.compile(r"[A-Z][a-z]{2} {1,2}[0-9]{1,2}, [0-9]{4}"), "%b %d, %Y"),
    (re.compile(r"[A-Z][a-z]{3,8} [0-9]{1,2}, [0-9]{4}"), "%B %d, %Y"),
    (re.compile(r"^[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}[0-9]{1,2}(?= )"), "%a %b %d"),
    (re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"), "%Y-%m-%d"),
    (re.compile(r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}[.,][0-9]+(?= ?[AaPp][Mm]\b)"), "%I:%M:%S.%f"),
    (re.compile(r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?= ?[AaPp][Mm]\b)"), "%I:%M:%S"),
    (re.compile(r"[0-9]{1,2}:[0-9]{2}(?= ?[AaPp][Mm]\b)"), "%I:%M"),
    (re.compile(r"\b[AaPp][Mm]\b"), "%p"),
    (re.compile(r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}\.[0-9]+"), "%H:%M:%S.%f"),
    (re.compile(r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}"), "%H:%M:%S"),
    (re.compile(r"[0-9]{1,2}:[0-9]{2}(?![0-9])"), "%H:%M"),
    (re.compile(r"(?<=[ 0-9])[+-][0-9]{2}:?[0-9]{2}$"), "%z"),
    (re.compile(r" (?:UTC|GMT)$"), " %Z"),
    (re.compile(r" [0-9]{4}$"), " %Y"),
)


def hint_for(text: str) -> str:
    """One sentence for the person whose time `text` was refused."""
    if digits := _DIGITS.fullmatch(text):
        return _of_digits(text, digits[1])
    if dated := _NUMBERS.search(text):
        return _of_numbers(text, dated)
    guess = _guessed(text)
    return f"Read it with --time-format '{guess}'." if guess else _GENERAL


def _of_digits(text: str, whole: str) -> str:
    pattern = _DATES.get(len(whole))
    if pattern and text == whole and (date := _parsed(text, pattern)):
        return f"It looks like the date {date}: read it with --time-format '{pattern}'."
    for unit, (name, parts) in _UNITS.items() if len(whole) <= _MOST_DIGITS else ():
        micros = int(whole) * SECOND // parts
        if FIRST_EVENT <= micros < TEN_DIGITS * SECOND:
            return (
                f"It looks like {name}, {format_instant(micros)}: read it with --time-unit {unit}, "
                f"or divide it by {parts}."
            )
    return "A bare number is UNIX seconds; another unit is read with --time-unit ms, us or ns."


def _of_numbers(text: str, found: re.Match[str]) -> str:
    """`11/05/2026`: which of the two is the month is for the person to say."""
    first, mark, second, year = found.groups()
    orders = [order for order, day in (("dm", first), ("md", second)) if int(day) <= 31]
    orders = [order for order in orders if int(second if order == "dm" else first) <= 12]
    guesses = []
    for order in orders:
        names = [f"%{letter}" for letter in order]
        date = mark.join((*names, "%Y" if len(year) == 4 else "%y"))
        guess = _guessed(text[: found.start()] + "\0" + text[found.end() :], date)
        if guess and _parsed(text, guess):
            guesses.append(f"'{guess}'")
    if not guesses:
        return _GENERAL
    means = " (the day first) or " if len(guesses) == 2 else ""
    also = " (the month first)" if len(guesses) == 2 else ""
    return f"Read it with --time-format {means.join(guesses)}{also}."


def _guessed(text: str, date: str = "") -> str | None:
    """A format that reads `text`, in which a zero byte stands for a `date` that is known."""
    guess = text
    for pattern, code in _PARTS:
        guess = pattern.sub(code, guess, count=1)
    guess = guess.replace("\0", date)
    is_whole = "%" in guess and not re.search(r"[0-9]|'", re.sub(r"%.", "", guess))
    return guess if is_whole and (date or _parsed(text, guess)) else None


def _parsed(text: str, pattern: str) -> str | None:
    """The date that a format reads, as ISO 8601; None where it reads none that is likely."""
    try:
        moment = datetime.strptime(text, pattern.replace("%Z", "UTC"))
    except (ValueError, re.error):
        return None
    if moment.year not in _LIKELY_YEARS:
        return None
    return moment.isoformat(sep=" ") if "%H" in pattern else moment.date().isoformat()
