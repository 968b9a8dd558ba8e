"""
Local and absolute times as programs spell them, beyond what `datetime.fromisoformat` reads.

Taken are forms that can mean one instant only: ISO 8601 with all its separators, a blank
before the offset, `UTC` or `GMT` behind the time, a zone in brackets, dates by day of the
year, the 24th hour, and RFC 2822.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-?W[0-9]{2}-?[0-9]|[0-9]{4}-?[0-9]{3}|[0-9]{8})"
    r"(?:[Tt ](?P<time>[0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2}(?:[.,][0-9]+)?)?)?)"
    r"(?P<offset> ?(?:[Zz]|[+\-−][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?))?"
    r"(?P<name> ?[A-Z]{1,5})?)?"
    r"(?P<zone>\[[^\[\]]+\])?"
)
_RFC_2822 = re.compile(
    r"(?:[A-Z][a-z]{2}, ?)?(?P<day>[0-9]{1,2}) (?P<month>[A-Z][a-z]{2}) (?P<year>[0-9]{4}) "
    r"(?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?) (?P<offset>[+-][0-9]{4}|GMT|UTC|UT|Z)"
    r"(?: \([A-Za-z]+\))?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNIVERSAL = ("UTC", "GMT", "UT", "Z")
_MIDNIGHT = re.compile(r"24(?::?00){0,2}(?:[.,]0+)?")


def read_spelling(text: str) -> datetime:
    """
    A time in one of these forms; naive where it says no offset and no zone.

    Raises:
        ValueError: where it is none of them or, with a sentence, where it contradicts itself.
    """
    if found := _ISO.fullmatch(text):
        return _iso(found)
    if found := _RFC_2822.fullmatch(text):
        return _rfc_2822(found)
    raise ValueError


def _iso(found: re.Match[str]) -> datetime:
    day = _day(found["date"])
    time = (found["time"] or "00").replace(",", ".")
    name = (found["name"] or "").strip()
    if _MIDNIGHT.fullmatch(time):
        day, time = day + timedelta(days=1), "00"
    if ":60" in time or re.fullmatch(r"[0-9]{4}60.*", time):
        raise ValueError("a minute has no 60th second here, as in UNIX time")
    local = datetime.fromisoformat(f"{day.isoformat()}T{time}")
    zone = _offset(found["offset"], name)
    return _in_zone(local, zone, found["zone"]) if found["zone"] else local.replace(tzinfo=zone)


def _day(text: str) -> date:
    by_number = re.fullmatch(r"([0-9]{4})-?([0-9]{3})", text)
    if by_number is None:
        return date.fromisoformat(text)
    day = date(int(by_number[1]), 1, 1) + timedelta(days=int(by_number[2]) - 1)
    if day.year != int(by_number[1]):
        raise ValueError("the year has no such day")
    return day


def _offset(offset: str | None, name: str) -> tzinfo | None:
    """Of `+01:00 CET` the offset counts: names of zones mean several."""
    is_universal = name in _UNIVERSAL
    if offset is None:
        if name and not is_universal:
            raise ValueError(f"{name} may mean several time zones")
        return UTC if name else None
    zone = _numbered(offset.strip())
    if is_universal and zone.utcoffset(None):
        raise ValueError(f"{offset.strip()} is not {name}")
    return zone


def _numbered(offset: str) -> timezone:
    if offset in "Zz":
        return UTC
    sign = 1 if offset[0] == "+" else -1
    digits = offset[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = (int(digits[at : at + 2]) for at in (0, 2, 4))
    if minutes > 59 or seconds > 59:
        raise ValueError("an hour has 60 minutes")
    return timezone(sign * timedelta(hours=hours, minutes=minutes, seconds=seconds))


def _in_zone(local: datetime, offset: tzinfo | None, bracketed: str) -> datetime:
    from lago_cli.domain.zones import zone_for
    from lago_cli.errors import LagoError

    try:
        zone = zone_for(bracketed[1:-1])
    except LagoError:
        raise ValueError(f"{bracketed} is no time zone") from None
    if offset is None:
        return local.replace(tzinfo=zone)
    moment = local.replace(tzinfo=offset)
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        raise ValueError(f"the offset is not that of {bracketed[1:-1]}")
    return moment


def _rfc_2822(found: re.Match[str]) -> datetime:
    if found["month"] not in _MONTHS:
        raise ValueError(f"{found['month']} is no month")
    month = _MONTHS.index(found["month"]) + 1
    day = date(int(found["year"]), month, int(found["day"]))
    offset = found["offset"]
    zone = UTC if offset in _UNIVERSAL else _numbered(offset)
    return datetime.fromisoformat(f"{day.isoformat()}T{found['time']}").replace(tzinfo=zone)
