"""Time zones by their IANA names."""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from lago_cli.errors import refused

_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
_MACHINE_ZONES = {"localtime", "posixrules", "posix", "right"}  # differ by machine


def zone_for(name: str) -> tzinfo:
    """
    The time zone of an IANA name such as `Europe/Paris`; `UTC` needs no database.

    Raises:
        LagoError: `unknown_timezone`.
    """
    if name == "UTC":
        return UTC
    if _ZONE_NAME.fullmatch(name) and name.partition("/")[0] not in _MACHINE_ZONES:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # no such file, or no zone in it
            pass
    raise refused("unknown_timezone", f'"{name[:40]}" is no time zone.', _zone_hint(name))


def zone_names() -> list[str]:
    """All of them."""
    return sorted(available_timezones() - _MACHINE_ZONES)


def _zone_hint(name: str) -> str:
    wanted = name.casefold()
    alike = [
        known
        for known in zone_names()
        if wanted in (known.casefold(), known.casefold().rpartition("/")[2])
    ]
    if alike:
        return f'Did you mean "{min(alike, key=lambda known: (len(known), known))}"?'
    return 'Use a name of the IANA time zone database, such as "Europe/Paris" or "UTC".'
