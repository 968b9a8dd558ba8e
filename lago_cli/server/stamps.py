"""Instants as Lago writes them."""

from __future__ import annotations

from lago_cli.domain.instants import format_instant

_TO_THE_MILLISECOND = len("2026-11-22T00:00:00.000")


def stamp(at: int | None) -> str | None:
    """`2026-11-22T00:00:00Z`, with fractional digits only where there are any."""
    return None if at is None else format_instant(at)


def stamp_of_event(at: int) -> str:
    """With milliseconds, as those of Lago's events; with microseconds where there are any."""
    text = format_instant(at)[:-1]
    return f"{text}.000Z" if "." not in text else text.ljust(_TO_THE_MILLISECOND, "0") + "Z"


def last_instant(end: int) -> str:
    """The end of a period: Lago names its last second, we the instant after it."""
    return format_instant(end - 1_000_000)
